"""Events into the file of the audit trail, beside what the disk takes."""
from .processes import OURS, PEERS
from .rounds import ROUNDS, Subject, compare
from .table import at_least, at_least_times


def measure(table, workplace):
    def ours(*arguments):
        return lambda: float(workplace.run(OURS, "audit", arguments[0], workplace.path("audit"), *arguments[1:]))

    compare(
        table, "audit, fsync: interval, events a second",
        Subject("Holdfast", ours("interval"), "Benchmarks audit interval FILE", at_least(200_000)))
    # Disks vary from one moment to the next: more rounds.
    for writers, count in ((1, 300), (8, 200)):
        compare(
            table, f"audit, fsync: always, {writers} at once, events a second",
            Subject("Holdfast", ours("always", writers), f"Benchmarks audit always FILE {writers}", rounds=2 * ROUNDS),
            Subject(
                f"the disk, {writers} line{'s' if writers > 1 else ''} an fsync",
                lambda: float(workplace.run(PEERS / "fsync_limit", workplace.path("fsync"), count, writers)),
                f"peers/fsync_limit FILE {count} {writers}", at_least_times(0.8), rounds=2 * ROUNDS))
