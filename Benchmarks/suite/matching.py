"""Reading the facts of a message through a described profile, beside an extractor written by hand for it."""
from .processes import OURS


def measure(table, workplace):
    for shape in ("early", "late", "long", "keys", "spaced", "acknowledgment"):
        command = f"Benchmarks match {shape}"
        # One run measures both, in turns of its own.
        figures = [workplace.run(OURS, "match", shape).split() for _ in range(3)]
        ours = [float(one[0]) for one in figures]
        table.add(f"match `{shape}`, {figures[0][2]} bytes, ns", ours, command)
        table.add(
            f"match `{shape}`, {figures[0][2]} bytes, ns", [float(one[1]) for one in figures], command,
            subject="by hand", ours=ours)
