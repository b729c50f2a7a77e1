"""Many streams in one `holdfast run`, against a simulated gateway in another process."""
import json
import os
import resource
import time
import urllib.request

from .processes import HOLDFAST, PEERS, Failed, free_port, wait_until
from .rounds import STREAMS

# Streams that are pinged, to see how long they are kept waiting by what happens to the others.
PROBES = 4


class Fleet:
    """The gateway, the exporter and, where asked for, the pinger."""

    def __init__(self, workplace, budget="{rate: 1000, burst: 1000, concurrent: 500}", probes=0, event_rate=0):
        raise_descriptor_limit()
        self.workplace = workplace
        self.budget = budget
        self.probes = probes
        self.pinger = None
        self.exporter = None
        self.configuration = workplace.path("holdfast.yml")
        self.gateway_port = free_port()
        self.gateway = workplace.start(HOLDFAST, "gateway", "--port", self.gateway_port, "--rate", event_rate)
        if probes:
            self.pinger = workplace.start(PEERS / "pinger", probes)
            wait_until(lambda: self.pinger.text(), 10, "the pinger's port")
            self.pinger_port = self.pinger.text().split()[0]
        workplace.run(PEERS / "fetch", "-r", self.gateway_port, "/-/healthy")

    # MARK: The exporter

    def write_configuration(self, streams):
        authority = f"127.0.0.1:{self.gateway_port}"
        url = f"ws://{authority}/api/v2/architect/websocket"
        lines = [
            f'credentials: {{simulated: {{type: oauth2_client_credentials, token_url: "http://{authority}/oauth/token",',
            "  client_id: any, client_secret: any}, fixed: {type: bearer, token: any}}",
            f"connect_budget: {self.budget}",
            "streams:",
        ]
        for number in range(streams):
            lines.append(
                f'  - {{name: stream-{number}, profile: genesys-architect, url: "{url}", credential: simulated,'
                f" subscriptions: [queueEvents], client_id: client-{number}}}")
        for number in range(self.probes):
            lines.append(
                f'  - {{name: probe-{number}, profile: genesys-architect, url: "ws://127.0.0.1:{self.pinger_port}/",'
                " credential: fixed, subscriptions: [queueEvents], heartbeat: {interval: 0s}}")
        self.configuration.write_text("\n".join(lines) + "\n")

    def start(self, streams, wait=90):
        """Starts the exporter; seconds until every stream is live."""
        self.write_configuration(streams)
        self.port = free_port()
        began = time.monotonic()
        self.exporter = self.workplace.start(
            HOLDFAST, "run", "--config.file", self.configuration, "--web.listen-address", f"127.0.0.1:{self.port}",
            "--log.level", "error", "--web.enable-lifecycle")
        self.fetch("-r", path="/-/ready")
        self.wait_for_live(streams, wait)
        return time.monotonic() - began

    def fetch(self, *options, path="/metrics"):
        return self.workplace.run(PEERS / "fetch", *options, self.port, path)

    def sum(self, family):
        """The sum of all values of a family."""
        return float(self.fetch("-f", family))

    def sockets(self):
        return len(os.listdir(f"/proc/{self.exporter.pid}/fd"))

    def wait_for_live(self, count, seconds, watch=lambda: None):
        """Waits until so many streams of the gateway are live, without a scrape: that would be measured with them.

        `watch` is called again and again meanwhile."""
        deadline = time.monotonic() + seconds
        live = 0
        while live != count:
            watch()
            if time.monotonic() > deadline:
                raise Failed(f"{live} instead of {count} streams were live after {seconds} s")
            # The gateway knows best, but its truth is long: it is asked when there can be as many.
            if self.sockets() >= count:
                sessions = self.truth()["sessions"].values()
                live = sum(len(one["connectTimes"]) > len(one["disconnectTimes"]) for one in sessions)
            if live != count:
                time.sleep(0.2)

    def reload(self, streams):
        """Applies a configuration with so many streams; seconds until that was answered."""
        self.write_configuration(streams)
        status, milliseconds = self.fetch("-x", "POST", path="/-/reload").split()
        if status != "200":
            raise Failed(f"the reload was answered with {status}")
        return float(milliseconds) / 1000

    def pauses(self):
        """Milliseconds that the probes waited for an answer since the last call: median, 99th percentile, longest; the
        same of the pinger's own client."""
        figures = [float(word) for word in self.pinger.ask().split()]
        if figures[6] != self.probes:
            raise Failed(f"{figures[6]:.0f} of {self.probes} probes are connected")
        return figures[:3], figures[3:6]

    # MARK: The gateway

    def fault(self, step):
        address = f"http://127.0.0.1:{self.gateway_port}/-/faults"
        with urllib.request.urlopen(address, data=step.encode(), timeout=30) as answer:
            answer.read()

    def truth(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.gateway_port}/-/truth", timeout=60) as answer:
            return json.load(answer)

    def end_exporter(self):
        self.exporter.end()

    def end(self):
        for process in (self.exporter, self.pinger, self.gateway):
            if process:
                process.end()


def raise_descriptor_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def fleet_size():
    """All streams, or as many as this machine's limit of descriptors leaves for one process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return STREAMS if most == resource.RLIM_INFINITY else max(100, min(STREAMS, most - 1000))
