"""Genesys' own client against a gateway: sdk.py API_ADDRESS CLIENT_ID CLIENT_SECRET TOPIC...

Gets a token, makes a channel, subscribes it, lists channel and subscriptions, and prints what it got as JSON.
Ends with status 3 where the package is missing.
"""

import json
import sys

try:
    import PureCloudPlatformClientV2 as genesys
except ImportError as error:
    print(f"PureCloudPlatformClientV2 is not installed: {error}", file=sys.stderr)
    sys.exit(3)


def main(address, client_id, client_secret, *topics):
    genesys.configuration.host = address
    client = genesys.api_client.ApiClient(address).get_client_credentials_token(client_id, client_secret)
    api = genesys.NotificationsApi(client)
    channel = api.post_notifications_channels()
    wanted = []
    for topic in topics:
        item = genesys.ChannelTopic()
        item.id = topic
        wanted.append(item)
    put = api.put_notifications_channel_subscriptions(channel.id, wanted, ignore_errors=True)
    listed = api.get_notifications_channel_subscriptions(channel.id)
    api.head_notifications_channel(channel.id)
    channels = api.get_notifications_channels()
    print(
        json.dumps(
            {
                "channel": channel.id,
                "connectUri": channel.connect_uri,
                "expires": channel.expires.isoformat(),
                "put": {item.id: item.state for item in put.entities},
                "listed": [item.id for item in listed.entities],
                "channels": [item.id for item in channels.entities],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
