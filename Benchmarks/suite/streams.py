"""10,000 live streams: what the others notice of scrapes, and of streams that are added, removed and reloaded."""
import time

from .fleet import PROBES, Fleet, fleet_size
from .processes import PEERS, wait_until
from .table import at_most


# About what a machine with two cores takes beside the gateway.
BUDGET = "{rate: 500, burst: 50, concurrent: 64}"


def measure(table, workplace):
    count = fleet_size()
    fleet = Fleet(workplace, budget=BUDGET, probes=PROBES, event_rate=0.1)
    try:
        fleet.start(count)
        time.sleep(2)
        scraping(table, workplace, fleet, count)
        changing(table, fleet, count)
    finally:
        fleet.end()


def waits(table, fleet, what, command, aim=None):
    """How long the probes waited for an answer, and how long the pinger's own client did."""
    ours, own = fleet.pauses()
    for index, name in ((1, "99 %"), (2, "longest")):
        measurement = f"a stream's answer {what}: {name}, ms"
        table.add(measurement, ours[index], command, aim if index == 2 else None)
        table.add(measurement, own[index], "peers/pinger", subject="client in C", ours=[ours[index]])


def scraping(table, workplace, fleet, count):
    command = f"peers/pinger {PROBES}; holdfast run with {count:,} streams"
    fleet.pauses()
    time.sleep(4)
    waits(table, fleet, "while nothing else happens", command)
    for scrapers in (1, 8):
        fetching = [workplace.start(PEERS / "fetch", "-s", 4, fleet.port, "/metrics") for _ in range(scrapers)]
        for one in fetching:
            one.wait()
        waits(table, fleet, f"while {scrapers} scrape without pause", command)


def changing(table, fleet, count):
    def step(what, body, aim=None):
        fleet.pauses()
        before = fleet.exporter.processor()
        body()
        spent = fleet.exporter.processor() - before
        table.add(f"{what}: CPU s", spent, "POST /-/reload", aim)
        waits(table, fleet, f"while {what}", "POST /-/reload", at_most(50))

    def settle(streams):
        fleet.wait_for_live(streams, 90)
        time.sleep(1)

    def remove():
        before = fleet.sockets()
        fleet.reload(0)
        # The exporter may have opened a few others meanwhile.
        wait_until(lambda: fleet.sockets() <= before - count + 16, 90, "the end of the streams", pause=0.2)
        # What a closed connection or an unanswered close frame waits for is due after 2 s.
        time.sleep(3)

    step(f"{count:,} unchanged are reloaded", lambda: fleet.reload(count), at_most(2))
    step(f"{count:,} are removed", remove, at_most(2))
    step(f"{count:,} are added", lambda: fleet.reload(count), at_most(2))
    step(f"{count:,} that were added connect", lambda: settle(count))
