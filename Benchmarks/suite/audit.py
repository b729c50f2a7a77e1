"""Events into the file of the audit trail, beside what the disk takes."""
from .processes import OURS, PEERS
from .rounds import ROUNDS, Subject, compare
from .table import at_least, at_least_times

# Trips to the disk in one turn, and turns in a round. The first and the last trips of a turn do not have all the writers
# aboard yet, or no longer: of a hundred they are two.
TURN = 100
TURNS = 8


def measure(table, workplace):
    def ours(*arguments):
        return lambda: float(workplace.run(OURS, "audit", arguments[0], workplace.path("audit"), *arguments[1:]))

    compare(
        table, "audit, fsync: interval, events a second",
        Subject("Holdfast", ours("interval"), "Benchmarks audit interval FILE", at_least(200_000)))
    # Disks vary by more than what is measured, from one second to the next: many short turns.
    for writers in (1, 8):
        compare(
            table, f"audit, fsync: always, {writers} at once, events a second",
            Subject(
                "Holdfast", ours("always", writers, TURN), f"Benchmarks audit always FILE {writers} {TURN}",
                rounds=TURNS * ROUNDS),
            Subject(
                f"the disk, {writers} line{'s' if writers > 1 else ''} an fsync",
                lambda: float(workplace.run(PEERS / "fsync_limit", workplace.path("fsync"), TURN, writers)),
                f"peers/fsync_limit FILE {TURN} {writers}", at_least_times(0.8), rounds=TURNS * ROUNDS))
