"""From 1 to 10,000 live streams: memory, scrape, bytes, idle processor time."""
import time

from .fleet import Fleet, fleet_size
from .plot import draw
from .processes import FOLDER
from .table import at_most

# Longer than the interval of the heartbeats, so that each stream has had one.
WINDOW = 33


def measure(table, workplace):
    points = []
    sizes = [size for size in (1, 10, 100, 1000, 10_000) if size < fleet_size()] + [fleet_size()]
    for streams in sizes:
        points.append((streams, grown(workplace, streams)))
    base = points[0][1]["memory"]
    command = "holdfast gateway --rate 0; holdfast run; fetch"
    for streams, figures in points:
        is_full = streams == sizes[-1]
        table.add(f"{streams:,} live streams: resident, MB", figures["memory"] / 1e6, command)
        if streams >= 100:
            table.add(
                f"{streams:,} live streams: KiB for each", (figures["memory"] - base) / 1024 / (streams - 1), command,
                at_most(16) if is_full else None)
            table.add(
                f"{streams:,} live streams: KiB for each once scraped",
                (figures["scraped"] - points[0][1]["scraped"]) / 1024 / (streams - 1), command)
        table.add(
            f"{streams:,} live streams: idle, % of a core", figures["idle"], command, at_most(2) if is_full else None)
        table.add(f"{streams:,} live streams: a scrape, ms", figures["scrape"], command)
        table.add(f"{streams:,} live streams: all live after, s", figures["live"], command)
    # Beside the figures; the one in docs/ is of a full run.
    (FOLDER / ".build" / "growth.svg").write_text(draw(points))


def grown(workplace, streams):
    fleet = Fleet(workplace)
    try:
        live = fleet.start(streams)
        before = fleet.exporter.processor()
        began = time.monotonic()
        time.sleep(WINDOW)
        idle = (fleet.exporter.processor() - before) / (time.monotonic() - began) * 100
        # Before the first scrape, whose buffer is kept.
        memory = fleet.exporter.memory() * 1024
        answer = fleet.fetch("-n", 20, "-p", 50).split()
        return {
            "live": live, "idle": idle, "memory": memory, "scraped": fleet.exporter.memory() * 1024, 
            "bytes": float(answer[0]), "scrape": float(answer[1]),
        }
    finally:
        fleet.end()
