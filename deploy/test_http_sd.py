"""python3 -m unittest discover deploy: two instances share the streams, and Prometheus finds both by asking one.

With the real Prometheus, the real program, and loopback addresses alone.
"""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / ".build" / "debug" / "holdfast"
PATIENCE_SECONDS = 120
STREAMS = 24


def free_port():
    with socket.socket() as one:
        one.bind(("", 0))
        return one.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def until(question):
    """The first true answer to `question`, which may fail to connect meanwhile."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            answer = question()
            if answer:
                return answer
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class ServiceDiscovery(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *command):
        log = open(self.folder / f"{len(list(self.folder.iterdir()))}.log", "w")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [str(one) for one in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)

        def end():
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.addCleanup(end)

    def test_prometheus_finds_all_instances_and_each_stream_once(self):
        dead = free_port()  # nobody listens there: to be held is enough
        streams = [
            {"name": f"stream-{number}", "profile": "genesys-notify", "url": f"ws://127.0.0.1:{dead}/x",
             "credential": "none"} for number in range(STREAMS)]
        configuration = self.folder / "holdfast.yml"
        configuration.write_text(json.dumps(  # which is YAML
            {"credentials": {"none": {"type": "bearer", "token": "x"}}, "streams": streams,
             "audit": {"stdout": False}}))
        port = free_port()
        for index in range(2):
            self.start(
                PROGRAM, "run", "--config.file", configuration, f"--web.listen-address=127.0.1{index}.1:{port}",
                f"--shard={index}/2", f"--web.peers=127.0.1{{index}}.1:{port}")
        own = free_port()
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{
                "job_name": "holdfast",
                "http_sd_configs": [
                    {"url": f"http://127.0.10.1:{port}/api/v1/targets", "refresh_interval": "1s"}],
                "relabel_configs": [{"source_labels": ["__meta_holdfast_shard"], "target_label": "shard"}]}]}))
        self.start(
            "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{own}")

        def targets():
            found = json.loads(get(f"http://127.0.0.1:{own}/api/v1/targets"))["data"]["activeTargets"]
            return sorted(
                (one["labels"]["instance"], one["labels"]["shard"]) for one in found if one["health"] == "up")

        until(lambda: targets() == [(f"127.0.1{index}.1:{port}", str(index)) for index in range(2)])

        def holders():
            query = urllib.parse.quote('count by (stream) (holdfast_stream_up{job="holdfast"})')
            found = json.loads(get(f"http://127.0.0.1:{own}/api/v1/query?query={query}"))["data"]["result"]
            return {one["metric"]["stream"]: one["value"][1] for one in found}

        until(lambda: len(holders()) == STREAMS)
        self.assertEqual(set(holders().values()), {"1"})
        # And not all of them are with one instance.
        texts = [get(f"http://127.0.1{index}.1:{port}/metrics").decode() for index in range(2)]
        counts = [text.count("\nholdfast_stream_up{") for text in texts]
        self.assertEqual(sum(counts), STREAMS)
        self.assertTrue(all(counts), counts)


if __name__ == "__main__":
    unittest.main()
