"""From the start of the process until it says that it is ready, and the size of the program."""
import shutil
import subprocess
import time

from .processes import HOLDFAST, PEERS, free_port
from .rounds import STREAMS, Subject, compare
from .table import at_most


def measure(table, workplace):
    for streams, aim in ((1, 50), (min(1000, STREAMS), None), (STREAMS, 500)):
        configuration = write_configuration(workplace, streams)
        compare(
            table, [f"ready with {streams:,} stream{'s' if streams > 1 else ''}, ms", "the same, CPU ms"],
            Subject(
                "Holdfast", lambda: started(workplace, configuration), "holdfast run; fetch -r PORT /-/ready",
                *([at_most(aim)] if aim else [])))
    stripped = workplace.path("holdfast")
    shutil.copy(HOLDFAST, stripped)
    subprocess.run(["strip", stripped], check=True)
    table.add(
        "program with Swift's libraries inside, stripped, MB", stripped.stat().st_size / 1e6,
        "swift build -c release --static-swift-stdlib; strip")


def write_configuration(workplace, streams):
    """Nothing listens on port 1: what is measured is the start, not a peer."""
    lines = ["credentials: {none: {type: bearer, token: any}}", "streams:"]
    for number in range(streams):
        lines.append(
            f'  - {{name: stream-{number}, profile: genesys-architect, url: "ws://127.0.0.1:1/", credential: none,'
            " subscriptions: [queueEvents]}")
    path = workplace.path("holdfast.yml")
    path.write_text("\n".join(lines) + "\n")
    return path


def started(workplace, configuration):
    port = free_port()
    asking = workplace.start(PEERS / "fetch", "-r", port, "/-/ready")
    began = time.monotonic()
    exporter = workplace.start(
        HOLDFAST, "run", "--config.file", configuration, "--web.listen-address", f"127.0.0.1:{port}",
        "--log.level", "error")
    milliseconds = (float(asking.wait()) - began) * 1000
    processor = exporter.processor() * 1000
    exporter.kill()
    return milliseconds, processor
