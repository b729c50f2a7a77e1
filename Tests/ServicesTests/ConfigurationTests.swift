import ConfigurationReader
import Holdfast
import StreamModel
import StreamProfiles
import StreamRuntime
import Testing

@testable import HoldfastCommand

/// What `holdfast check` says of services.
@Suite("Services in the configuration")
struct ConfigurationTests {
    private func load(_ text: String, environment: [String: String] = ["TOKEN": "t"]) -> ConfigurationFile.Result {
        ConfigurationFile.load(text: text, file: "c.yml", environment: environment)
    }

    private func mistakes(_ text: String) -> [String] { load(text).diagnostics.map(\.description) }

    @Test(
        "the examples are whole configurations without a mistake",
        arguments: ["chromium-devtools", "discord-gateway", "slack-socket-mode"])
    func examples(name: String) throws {
        let read = load(try example(name), environment: ["DISCORD_BOT_TOKEN": "a", "SLACK_APP_TOKEN": "b"])
        #expect(read.diagnostics.map(\.description) == [])
        #expect(read.configuration?.plan.streams.map(\.profile.name) == [name])
    }

    @Test("one key for what to subscribe to, and `environment` or `url`, whatever the profile")
    func sameKeys() throws {
        for (profile, url) in [
            ("genesys-architect", "ws://127.0.0.1:9400/api/v2/architect/websocket"),
            ("genesys-notify", "ws://127.0.0.1:9400/public/v2"), ("genesys-notifications", "http://127.0.0.1:9400"),
            ("genesys-notifications", "ws://127.0.0.1:9400/channels/x"),
        ] {
            let read = load(
                """
                credentials: {c: {type: bearer, token_env: TOKEN}}
                streams: [{name: s, profile: \(profile), url: "\(url)", credential: c, subscriptions: [a]}]
                """)
            #expect(read.diagnostics.map(\.description) == [])
            let stream = try #require(read.configuration?.plan.streams.first)
            #expect(stream.variables["subscriptions"] == .strings(["a"]))
            if profile == "genesys-notifications" {
                #expect(stream.url == nil && stream.variables["api_url"] == .string("http://127.0.0.1:9400"))
            }
        }
        let read = load(
            """
            credentials: {c: {type: bearer, token_env: TOKEN}}
            streams:
              - {name: s, profile: genesys-notifications, environment: mypurecloud.ie, credential: c, subscriptions: [a]}
            """)
        #expect(
            read.configuration?.plan.streams.first?.variables["api_url"] == .string("https://api.mypurecloud.ie"))
    }

    @Test("a profile with mistakes: every one with its line")
    func mistakesOfAProfile() {
        let text = """
            streams: [{name: s, profile: mine}]
            profiles:
              mine:
                endpoint:
                  url: wss://{tenat}.example.org/
                capture:
                  session: d/session
                open:
                  send: hello there
                  acknowledged_by: {/id: "{correlation_id}"}
                resume:
                  send: {number: .inf}
                  acknowledged_by: {/type: ack, /type/kind: x}
                messages:
                  refusal: {/op: 9}
                  hello: {/op: 9}
            """
        #expect(
            mistakes(text).sorted() == [
                "c.yml:10:24: can never match: `{correlation_id}` is new for each attempt, and no message sends it; "
                    + "add it to `send`",
                "c.yml:12:22: `.inf` is no number in JSON; write it in digits, or in quotes",
                "c.yml:13:24: can never match: `/type` can't be a single value and hold `/type/kind` too",
                "c.yml:16:14: can never match: every such message is taken for `refusal`; make that one narrower",
                "c.yml:5:12: unknown variable `{tenat}`; declare it under `variables`, capture it, or write `{{` "
                    + "for the brace itself",
                "c.yml:7:16: a JSON pointer begins with `/`; write `/d/session`",
                "c.yml:9:13: a message is JSON, so it must be a mapping or a list, but this is a string",
            ])
    }

    @Test("1,000 topics a channel and 20 channels a credential")
    func limits() {
        func streams(_ count: Int, topics: Int = 1) -> String {
            let list = (0..<topics).map { "t\($0)" }.joined(separator: ", ")
            return "credentials: {c: {type: bearer, token_env: TOKEN}}\nstreams:\n"
                + (0..<count).map {
                    "  - {name: s\($0), profile: genesys-notifications, environment: mypurecloud.ie, credential: c, "
                        + "subscriptions: [\(list)]}\n"
                }.joined()
        }
        #expect(mistakes(streams(1, topics: 1_000)).isEmpty)
        #expect(mistakes(streams(1, topics: 1_001)).count == 1)
        #expect(mistakes(streams(1, topics: 1_001))[0].contains("1001 items, but the service takes at most 1000"))
        #expect(mistakes(streams(19)).isEmpty)
        #expect(load(streams(20)).configuration != nil)
        #expect(mistakes(streams(20))[0].contains("a planned hand-over"))
        #expect(load(streams(21)).configuration == nil)
        #expect(mistakes(streams(21)).contains { $0.hasPrefix("c.yml:23:5: more than 20 streams of profile") })
    }

    @Test("replies, and an address that a request gives, are checked as well")
    func newKeys() {
        let text = """
            streams: [{name: s, profile: mine}]
            profiles:
              mine:
                variables: {api: {type: url, default: "http://a"}, n: {type: integer, default: 1}}
                prepare: [{url: "{api}/x", capture: {socket: /url}}]
                endpoint: {url: "{socket}", url_gives: apj}
                replies:
                  - {when: {/id: {present: true}}, send: {id: "{id}"}}
                  - {send: {a: 1}}
                lifecycle: {planned_close_code: 1006}
            """
        #expect(
            mistakes(text).sorted() == [
                "c.yml:10:37: a client closes with 1000 or a code from 3000 to 4999",
                "c.yml:6:44: `url_gives` takes a variable of the type `url`; did you mean `api`?",
                "c.yml:8:51: unknown variable `{id}`; declare it under `variables`, capture it, or write `{{` for the "
                    + "brace itself",
                "c.yml:9:9: `when` is missing in `profiles.mine.replies[1]`; add it",
            ])
    }
}
