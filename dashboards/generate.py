#!/usr/bin/env python3
"""Writes holdfast-overview.json and holdfast-stream.json from overview.py and stream.py.

    dashboards/generate.py           write both
    dashboards/generate.py --check   exit with 1 if a committed file is not what would be written
"""

import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import overview  # noqa: E402
import stream  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    stale = []
    for dashboard in (overview.build(), stream.build()):
        path = HERE / (dashboard["uid"] + ".json")
        text = json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        print(f"{', '.join(stale)}: not what dashboards/generate.py writes; run it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
