"""python3 -m suite.report: writes the figures of .build/results.json into docs/performance.md, between the marks
`<!-- results: PART -->` and `<!-- end -->`, and the plot of the growth beside it."""
import json
import re
import shutil
import sys

from .processes import FOLDER
from .table import number

DOCS = FOLDER.parent / "docs"
MARK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(rows):
    lines = ["| | of | median | from … to | Holdfast is | aim | command |", "|---|---|---|---|---|---|---|"]
    last = None
    for row in rows:
        name = row["measurement"]
        values = row["values"]
        spread = f"{number(min(values))} … {number(max(values))}" if len(values) > 1 else ""
        ratio = "" if row["ratio"] is None else f"{number(row['ratio'])} ×"
        aim = row["aim"].replace("NOT MET", "**not met**")
        cells = ["" if name == last else name, row["of"], number(row["median"]), spread, ratio, aim, f"`{row['command']}`"]
        lines.append("| " + " | ".join(cells) + " |")
        last = name
    return "\n".join(lines) + "\n"


def main():
    results = json.loads((FOLDER / ".build" / "results.json").read_text())
    document = DOCS / "performance.md"

    def written(match):
        rows = [row for row in results["rows"] if row["part"] == match[2]]
        if not rows and match[2] != "machine":
            print(f"{match[2]} was not measured: its figures stay", file=sys.stderr)
            return match[0]
        return match[1] + (results["machine"] + "\n" if match[2] == "machine" else table(rows)) + match[3]

    document.write_text(MARK.sub(written, document.read_text()))
    picture = FOLDER / ".build" / "growth.svg"
    if picture.exists():
        shutil.copy(picture, DOCS / "growth.svg")


main()
