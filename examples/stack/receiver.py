#!/usr/bin/env python3
"""A webhook for Alertmanager that prints each alert as a line: status, severity, summary, description.

    examples/stack/receiver.py [PORT]      (9095; 0 picks one and prints it)
"""

import http.server
import json
import sys

MOST_BYTES = 4 << 20


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MOST_BYTES:
            self.send_error(413 if length else 411)
            return
        try:
            alerts = json.loads(self.rfile.read(length))["alerts"]
            lines = [
                f"{alert['status']:8} {alert['labels'].get('severity', '-'):8} {alert['labels']['alertname']}: "
                f"{alert['annotations'].get('summary', '')}. {alert['annotations'].get('description', '')}"
                for alert in alerts
            ]
        except (ValueError, KeyError, TypeError):
            self.send_error(400, "not a notification of Alertmanager")
            return
        print("\n".join(lines), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """The alerts are what is printed, not the requests."""


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9095
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        print(f"waiting for alerts on http://127.0.0.1:{server.server_address[1]}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
