#!/usr/bin/env python3
"""Breaks the rules on purpose, one place at a time, and reports which breaks no test notices.

    alerts/mutate.py [--jobs N] [--list] [--sample N --seed S]

Every number, comparison, duration (`for`, windows, offsets), label matcher and logical operator of every expression is
changed in turn; `promtool test rules` must then fail. Exit status: 0 when nothing survived, 1 when something did or the
tests fail as they stand. Needs promtool and nothing else.
"""

import argparse
import concurrent.futures
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RULES = "holdfast.rules.yml"

# What is changed into what. A name or a string is one token, so that nothing inside it is touched.
TOKEN = re.compile(
    r'(?P<string>"[^"]*")'
    r"|(?P<window>(?<=\[)\d+[smhdwy](?=\]))"
    r"|(?P<offset>(?<=offset )\d+[smhdwy])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_:]*)"
    r"|(?P<matcher>=~|!~|(?<=[a-z])=(?=\")|!=(?=\"))"
    r"|(?P<comparison>==|!=|>=|<=|>|<)"
    r"|(?P<number>\d+(?:\.\d+)?)"
)
COMPARISONS = {">": [">=", "<"], ">=": [">", "<"], "<": ["<=", ">"], "<=": ["<", ">"], "==": ["!="], "!=": ["=="]}
MATCHERS = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
LOGICAL = {"and": ["or", "unless"], "or": ["and"], "unless": ["and"]}
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def durations(text, factors):
    seconds = int(text[:-1]) * UNIT_SECONDS[text[-1]]
    return [f"{int(seconds * factor)}s" for factor in factors]


def numbers(text):
    """A tenth up and down; 0 becomes 1 and -1."""
    value = float(text)
    return ["1", "(-1)"] if value == 0 else [repr(value * 1.1), repr(value * 0.9)]


def replacements(kind, text):
    match kind:
        case "comparison":
            return COMPARISONS[text]
        case "matcher":
            return [MATCHERS[text]]
        case "number":
            return numbers(text)
        case "window" | "offset":
            return durations(text, (0.8, 1.25))
        case "for":
            return durations(text, (0.5, 2))
        case "name":
            return LOGICAL.get(text, [])
        case _:
            return []


def expressions(lines):
    """(group, rule, line index, start column, kind) of every line that belongs to an expression, and of every `for`."""
    group = rule = None
    block_indent = None
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if block_indent is not None:
            if line.strip() and indent > block_indent:
                yield group, rule, index, indent, "expr"
                continue
            block_indent = None
        if found := re.match(r"\s*- name: (\S+)", line):
            group = found[1]
        elif found := re.match(r"\s*- (?:alert|record): (\S+)", line):
            rule = found[1]
        elif found := re.match(r"(\s*expr: )(.*)", line):
            if found[2] in ("|", ">-", ">"):
                block_indent = indent
            else:
                yield group, rule, index, len(found[1]), "expr"
        elif found := re.match(r"(\s*for: )(\d+[smhdwy])$", line):
            yield group, rule, index, len(found[1]), "for"


def mutants(lines):
    """(group, description, text of the mutated rules)"""
    for group, rule, index, start, kind in expressions(lines):
        line = lines[index]
        if kind == "for":
            places = [("for", line[start:], start, len(line))]
        else:
            places = [(m.lastgroup, m[0], m.start(), m.end()) for m in TOKEN.finditer(line, start)]
        for what, text, begin, end in places:
            for new in replacements(what, text):
                mutated = line[:begin] + new + line[end:]
                description = f"{RULES}:{index + 1}: {rule}: {text} -> {new} in: {line.strip()}"
                yield group, description, "\n".join(lines[:index] + [mutated] + lines[index + 1 :])


def notices(directory, tests):
    """Whether one of `tests`, tried in order, fails."""
    for test in tests:
        command = ["promtool", "test", "rules", test.name]
        if subprocess.run(command, cwd=directory / "tests", capture_output=True).returncode != 0:
            return True
    return False


def tests_for(group, every):
    """The tests of that group first: they are the likely ones to notice. All others after them."""
    own = group.removeprefix("holdfast-")
    return sorted(every, key=lambda test: (test.stem != own, not test.stem.startswith(own), test.stat().st_size))


def survives(mutant):
    group, description, text = mutant
    with tempfile.TemporaryDirectory(prefix="holdfast-mutant-") as scratch:
        directory = pathlib.Path(scratch)
        shutil.copytree(HERE / "tests", directory / "tests")
        (directory / RULES).write_text(text)
        valid = subprocess.run(["promtool", "check", "rules", RULES], cwd=directory, capture_output=True)
        if valid.returncode != 0:
            return description, "invalid"
        tests = tests_for(group, list((directory / "tests").glob("*.yml")))
        return description, "noticed" if notices(directory, tests) else "survived"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="how many promtool run at once (2)")
    parser.add_argument("--list", action="store_true", help="print the mutations, try none")
    parser.add_argument("--sample", type=int, metavar="N", help="try N of the mutations, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="what they are drawn by (0)")
    arguments = parser.parse_args()

    lines = (HERE / RULES).read_text().split("\n")
    every = list(mutants(lines))
    if arguments.sample is not None:
        total = len(every)
        every = random.Random(arguments.seed).sample(every, max(0, min(arguments.sample, total)))
        print(f"{len(every)} of {total} mutations, by seed {arguments.seed}", flush=True)
    if arguments.list:
        print("\n".join(description for _, description, _ in every))
        return 0
    if notices(HERE, sorted((HERE / "tests").glob("*.yml"))):
        print("The tests fail as they stand: run `promtool test rules alerts/tests/*.yml` first.", file=sys.stderr)
        return 1
    counts = {"noticed": 0, "survived": 0, "invalid": 0}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for description, outcome in pool.map(survives, every):
            counts[outcome] += 1
            if outcome == "survived":
                print("survived:", description, flush=True)
    tried = counts["noticed"] + counts["survived"]
    print(f"{tried} mutations tried, {counts['noticed']} noticed, {counts['survived']} survived", end="")
    print(f" ({counts['invalid']} are not valid PromQL and were left out)" if counts["invalid"] else "")
    return 1 if counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
