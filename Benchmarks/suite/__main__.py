"""python -m suite [NAME...]: measures, and prints one table."""
import os
import signal
import sys
import time

from . import audit, encode, growth, machine, matching, messages, scrape, start, storm, streams
from .processes import FOLDER, Failed, Workplace
from .rounds import note
from .table import Table

PARTS = {
    "encode": encode, "scrape": scrape, "messages": messages, "match": matching, "growth": growth,
    "streams": streams, "storm": storm, "audit": audit, "start": start,
}
MINUTES = float(os.environ.get("MINUTES", "30"))


class Overdue(BaseException):
    """The time for all measurements is up."""


def overdue(*_):
    raise Overdue


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"there is no part {unknown[0]}; there are: {' '.join(PARTS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGALRM, overdue)
    signal.signal(signal.SIGTERM, overdue)
    signal.alarm(int(MINUTES * 60))
    table, workplace, complete = Table(), Workplace(), True
    load = machine.load()
    try:
        for name in names or PARTS:
            began = time.monotonic()
            note(f"{name} …")
            table.part = name
            try:
                PARTS[name].measure(table, workplace)
            except Failed as failure:
                note(f"{name}: {failure}")
                complete = False
            note(f"{name} took {time.monotonic() - began:.0f} s")
    except (Overdue, KeyboardInterrupt):
        note(f"stopped before the end (MINUTES={MINUTES:g}); the table has what was measured until then")
        complete = False
    finally:
        signal.alarm(0)
        workplace.end()
    described = f"{machine.describe()}; load {load:.1f} before, {machine.load():.1f} after"
    print(f"{table.text()}\n\n{described}")
    table.save(FOLDER / ".build" / "results.json", described)
    return 0 if complete else 1


sys.exit(main(sys.argv[1:]))
