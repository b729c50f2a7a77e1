#!/usr/bin/env python3
"""Plants the bugs of scripts/plants.txt in a copy of the tree, one at a time, and has the simulation find each.

    scripts/plant.py                      # all of them; prints a table as in docs/simulation.md
    scripts/plant.py "late" "stale"       # those whose names hold one of these

The copy and its build stay in --tree (default: .build-planted), so that the next time builds less. Status 1 where a bug
was not found within --seconds."""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read(text):
    """The bugs: a list of (name, [(file, old, new)])."""
    bugs = []
    for section in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        name, body = section.split("\n", 1)
        changes = []
        for change in re.split(r"^-- ", body, flags=re.MULTILINE)[1:]:
            file, lines = change.split("\n", 1)
            old, new = lines.split("\n->\n")
            changes.append((file, old.strip("\n"), new.strip("\n")))
        bugs.append((name, changes))
    return bugs


def plant(tree, changes):
    """Makes the changes; gives what the files held before."""
    before = {}
    for file, old, new in changes:
        path = tree / file
        text = path.read_text()
        before.setdefault(path, text)
        if text.count(old) != 1:
            sys.exit(f"{file}: the text to replace is there {text.count(old)} times:\n{old}")
        path.write_text(text.replace(old, new))
    return before


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--tree", type=pathlib.Path, default=ROOT / ".build-planted")
    arguments.add_argument("--scratch-path", type=pathlib.Path, help="where to build (default: .build in that tree)")
    arguments.add_argument("--swift", default="swift", help="how to call swift in that tree")
    arguments.add_argument("--seconds", type=float, default=900)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--events", type=int, default=500, help="about how many messages a seed has")
    arguments.add_argument("--configuration", default="debug", choices=["debug", "release"],
                           help="a debug build takes a fraction of the time to make, and seconds to find each bug")
    options = arguments.parse_args()

    bugs = [bug for bug in read((ROOT / "scripts/plants.txt").read_text())
            if not options.names or any(name in bug[0] for name in options.names)]
    tree = options.tree.resolve()
    tree.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        f"git ls-files -z -- Package.swift Sources Tests examples | tar -c --null -T - | tar -x -C {shlex.quote(str(tree))}",
        shell=True, check=True, cwd=ROOT)
    if (ROOT / "Package.resolved").exists():  # The same dependencies, where there is a choice.
        shutil.copy(ROOT / "Package.resolved", tree)
    swift = shlex.split(options.swift)
    scratch = options.scratch_path or tree / ".build"
    build = swift + ["build", "--configuration", options.configuration, "--product", "holdfast-simulate"]
    if options.scratch_path: build += ["--scratch-path", str(scratch)]
    program = scratch / options.configuration / "holdfast-simulate"

    print("| bug | seeds | virtual time | wall time | noticed by |\n|---|---|---|---|---|", flush=True)
    missed = 0
    for name, changes in bugs:
        before = plant(tree, changes)
        try:
            built = subprocess.run(build, cwd=tree, capture_output=True, text=True)
            if built.returncode != 0:
                sys.exit(f"{name}: does not build\n{built.stdout}{built.stderr}")
            began = time.monotonic()
            run = subprocess.run(
                [program, "--first", str(options.first), "--seconds", str(options.seconds),
                 "--events", str(options.events), "--no-shrink"], capture_output=True, text=True,
                env=os.environ | {"SWIFT_BACKTRACE": "enable=no"})
            took = time.monotonic() - began
        finally:
            for path, text in before.items():
                path.write_text(text)
        figures = dict(re.findall(r"^\| ([^|\n]+) \| ([\d.]+) \|$", run.stdout, re.MULTILINE))
        found = re.search(r"^[\d.]+ s ([a-z ]+?)(?: \(s\d+\))?: (.*)$", run.stdout, re.MULTILINE)
        # What the program itself insists on ends it at once.
        insisted = re.search(r"^(\S+:\d+: (?:Precondition failed|Fatal error|Assertion failed).*)$", run.stderr, re.MULTILINE)
        if run.returncode == 0 or not (found or insisted):
            missed += 1
        checker = f"`{found[1]}`: {found[2]}" if found else f"a precondition: {insisted[1]}" if insisted else "**nobody**"
        if len(checker) > 112: checker = checker[:110] + "…"
        hours = figures.get("virtual hours of the process", "?")
        print(f"| {name} | {figures.get('seeds', '?')} | {hours} h | {took:.1f} s | {checker} |", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
