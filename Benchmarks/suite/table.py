"""The table: one line for each measured program, with its median beside that of Holdfast."""
import dataclasses
import json
import math
import statistics
import sys


@dataclasses.dataclass(frozen=True)
class Aim:
    """What a figure should be: its value, or its ratio to that of the line that the aim stands in."""

    limit: float
    is_ratio: bool = False
    is_least: bool = False

    def text(self):
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {number(self.limit)}{'×' if self.is_ratio else ''}"

    def is_met(self, figure):
        return figure >= self.limit if self.is_least else figure <= self.limit


def at_most(limit):
    return Aim(limit)


def at_least(limit):
    return Aim(limit, is_least=True)


def at_most_times(limit):
    """Holdfast's figure is at most so many times the one of this line."""
    return Aim(limit, is_ratio=True)


def at_least_times(limit):
    return Aim(limit, is_ratio=True, is_least=True)


def number(value):
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 3 - len(str(int(abs(value))).lstrip("0"))) if abs(value) >= 1 else 3
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclasses.dataclass
class Row:
    part: str
    measurement: str
    subject: str
    values: list
    ratio: float  # Holdfast's median by this one's; None in its own line and where it has none
    aim: Aim
    command: str

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def range(self):
        if len(self.values) < 2:
            return ""
        return f"{number(min(self.values))} to {number(max(self.values))}"

    @property
    def verdict(self):
        if not self.aim:
            return ""
        figure = self.ratio if self.aim.is_ratio else self.median
        return self.aim.text() + (" met" if self.aim.is_met(figure) else " NOT MET")

    def cells(self):
        ratio = "" if self.ratio is None else f"{number(self.ratio)}×"
        return [self.measurement, self.subject, number(self.median), self.range, ratio, self.verdict, self.command]


HEAD = ["measurement", "of", "median", "range", "Holdfast is", "aim", "command"]
RIGHT = {2, 3, 4}


class Table:
    def __init__(self):
        self.rows = []
        self.part = ""

    def add(self, measurement, values, command, aim=None, subject="Holdfast", ours=None):
        """`values` is one figure or several; `ours` are Holdfast's, where this line is of another."""
        values = values if isinstance(values, list) else [values]
        values = [value for value in values if not math.isnan(value)]
        if not values:
            return
        ratio = None
        if ours:
            theirs = statistics.median(values)
            ratio = statistics.median(ours) / theirs if theirs else None
        row = Row(self.part, measurement, subject, values, ratio, aim if ratio or not aim or not aim.is_ratio else None, command)
        self.rows.append(row)
        print("  " + "  ".join(cell for cell in row.cells() if cell), file=sys.stderr, flush=True)

    def text(self):
        rows = [HEAD] + [row.cells() for row in self.rows]
        # What is measured is named once.
        for index in range(len(rows) - 1, 0, -1):
            if rows[index][0] == rows[index - 1][0]:
                rows[index] = [""] + rows[index][1:]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        lines = []
        for row in rows:
            cells = [c.rjust(w) if i in RIGHT else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))]
            lines.append("  ".join(cells).rstrip())
        lines.insert(1, "-" * max(map(len, lines)))
        return "\n".join(lines)

    def save(self, path, machine):
        rows = [
            {
                "part": row.part, "measurement": row.measurement, "of": row.subject, "median": row.median,
                "values": row.values, "ratio": row.ratio, "aim": row.verdict, "command": row.command,
            }
            for row in self.rows
        ]
        path.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1, ensure_ascii=False) + "\n")
