"""Rounds: ours and each peer one after the other, every other round backwards, so that what else the machine does falls
on all alike."""
import os
import sys

from .processes import Failed

ROUNDS = int(os.environ.get("ROUNDS", "5"))
# The largest number of streams; fewer for a quick look.
STREAMS = int(os.environ.get("STREAMS", "10000"))


class Subject:
    """A program that is measured. `measure` gives a figure, or a tuple of them; `aims` go with the figures."""

    def __init__(self, name, measure, command, *aims, rounds=None):
        self.name = name
        self.measure = measure
        self.command = command
        self.aims = aims
        self.rounds = ROUNDS if rounds is None else rounds
        self.figures = []

    def run(self):
        figures = self.measure()
        self.figures.append(figures if isinstance(figures, tuple) else (figures,))

    def values(self, index):
        return [figures[index] for figures in self.figures if index < len(figures)]

    def aim(self, index):
        return self.aims[index] if index < len(self.aims) else None


def note(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def compare(table, measurements, *subjects):
    """Measures `subjects`, the first of which is Holdfast, and adds a line for each figure of each.

    `measurements` names the figures. A subject that is None is left out.
    """
    names = [measurements] if isinstance(measurements, str) else measurements
    subjects = [subject for subject in subjects if subject]
    for number in range(max(subject.rounds for subject in subjects)):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            if number >= subject.rounds:
                continue
            try:
                subject.run()
            except (Failed, ValueError, OSError) as failure:
                note(f"{names[0]}, {subject.name}: {failure}")
                subject.rounds = 0
    for index, name in enumerate(names):
        ours = subjects[0].values(index)
        for subject in subjects:
            table.add(
                name, subject.values(index), subject.command, aim=subject.aim(index), subject=subject.name,
                ours=None if subject is subjects[0] else ours)
