"""10,000 live streams that the gateway drops at once."""
import time

from .fleet import Fleet, fleet_size
from .processes import wait_until
from .table import at_most

RATE, BURST = 500, 100


def measure(table, workplace):
    count = fleet_size()
    fleet = Fleet(workplace, budget=f"{{rate: {RATE}, burst: {BURST}, concurrent: {RATE}}}")
    try:
        fleet.start(count)
        time.sleep(3)
        issued = fleet.truth()["tokenRequests"].get("issued", 0)
        table.add(f"{count:,} start: token requests", issued, "holdfast gateway; holdfast run", at_most(1))
        storm(table, fleet, count, "dropped", ["fault: drop"])
        storm(table, fleet, count, "dropped, token revoked", ["fault: revoke_tokens", "fault: drop"])
    finally:
        fleet.end()


def storm(table, fleet, count, what, faults):
    command = " and ".join(f"curl -d '{fault}' /-/faults" for fault in faults)
    before = fleet.truth()
    memory = fleet.exporter.memory()
    # From here on the kernel looks for the highest anew.
    with open(f"/proc/{fleet.exporter.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    attempts = fleet.sum("holdfast_connect_attempts_total")
    processor = fleet.exporter.processor()
    began = time.monotonic()
    for fault in faults:
        fleet.fault(fault)
    wait_until(lambda: fleet.sockets() < count / 2, 20, "the loss of the connections")
    samples = []
    fleet.wait_for_live(count, 120, lambda: samples.append((time.monotonic(), fleet.sockets())))
    seconds = time.monotonic() - began
    processor = fleet.exporter.processor() - processor
    attempts = fleet.sum("holdfast_connect_attempts_total") - attempts
    peak = fleet.exporter.memory("VmHWM") - memory
    after = fleet.truth()
    dictated = (attempts - BURST) / RATE
    name = f"{count:,} {what}"
    tokens = sum(after["tokenRequests"].values()) - sum(before["tokenRequests"].values())
    table.add(f"{name}: token requests", tokens, command, at_most(1))
    table.add(f"{name}: attempts", attempts, command)
    table.add(
        f"{name}: most attempts in a second", most_in_a_second(samples), "/proc/PID/fd", at_most(RATE + BURST))
    table.add(f"{name}: all live after, s", seconds, command, at_most(dictated * 1.2))
    table.add(f"{name}: all live after, s", dictated, f"({attempts:,.0f} - {BURST}) / {RATE}", subject="the budget", ours=[seconds])
    table.add(f"{name}: CPU s", processor, command)
    table.add(f"{name}: memory above that before, MB", peak * 1024 / 1e6, command)


def most_in_a_second(samples):
    """The most sockets that were opened in any second. Between two samples there is less than a second."""
    most = first = 0
    for index, (when, sockets) in enumerate(samples):
        while samples[first][0] < when - 1:
            first += 1
        most = max(most, sockets - samples[first][1])
    return most
