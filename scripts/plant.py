#!/usr/bin/env python3
"""Plants the bugs of scripts/plants.txt in a copy of the tree, one at a time, and has the simulation find each.

    scripts/plant.py                      # all of them; prints a table as in docs/simulation.md
    scripts/plant.py "late" "stale"       # those whose names hold one of these

The copy and its build stay in --tree (default: .build-planted, a gigabyte or two; `make clean` removes it), so that the
next time builds less. Status 1 where a bug was not found within --seconds."""

import argparse
import os
import pathlib
import re
import shlex
import signal
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


def misfits(tree, bugs):
    """What cannot be planted, because the sources have changed since."""
    for name, changes in bugs:
        for file, old, _ in changes:
            path = tree / file
            count = path.read_text().count(old) if path.exists() else 0
            if count != 1:
                yield f"{name}: {file}: the text to replace is there {count} times:\n{old}"


def copy(root, tree):
    """Makes `tree` hold the sources of `root` and no others; what is there as it should be is not touched."""
    parts = ["Package.swift", "Sources", "Tests", "examples"]
    if (root / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z", "--", *parts], check=True, capture_output=True, cwd=root).stdout
        files = {pathlib.Path(os.fsdecode(name)) for name in listed.split(b"\0") if name}
        files = {file for file in files if (root / file).exists()}
    else:  # As unpacked from an archive.
        files = {path.relative_to(root) for part in parts for path in [root / part, *(root / part).rglob("*")]
                 if path.is_file() and not any(name.startswith(".build") for name in path.relative_to(root).parts)}
    if (root / "Package.resolved").exists():  # The same dependencies, where there is a choice.
        files.add(pathlib.Path("Package.resolved"))
    for part in parts:
        for path in (tree / part).rglob("*"):
            if path.is_file() and path.relative_to(tree) not in files:
                path.unlink()
    for file in files:
        content = (root / file).read_bytes()
        target = tree / file
        if target.exists() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def plant(tree, changes):
    """Makes the changes; gives what the files held before."""
    before = {}
    for file, old, new in changes:
        path = tree / file
        text = path.read_text()
        before.setdefault(path, text)
        path.write_text(text.replace(old, new))
    return before


def run(program, options):
    """Has the program look for the bug; gives its status, output and errors. It is ended where it does not end."""
    command = [program, "--first", str(options.first), "--seconds", str(options.seconds),
               "--events", str(options.events), "--no-shrink"]
    try:
        # The seed that is under way when the time is over may go on for minutes.
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.seconds + 600,
                              env=os.environ | {"SWIFT_BACKTRACE": "enable=no"})
    except subprocess.TimeoutExpired:
        return 0, "", ""
    return done.returncode, done.stdout, done.stderr


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

    # Whatever ends this program, the copy is left as it should be, and nothing goes on running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bugs = [bug for bug in read((ROOT / "scripts/plants.txt").read_text())
            if not options.names or any(name in bug[0] for name in options.names)]
    if not bugs: sys.exit(f"no bug of that name: {' '.join(options.names)}")
    if unfit := list(misfits(ROOT, bugs)): sys.exit("\n".join(unfit))
    tree = options.tree.resolve()
    tree.mkdir(parents=True, exist_ok=True)
    copy(ROOT, tree)
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
            status, output, errors = run(program, options)
            took = time.monotonic() - began
        finally:
            for path, text in before.items():
                path.write_text(text)
        figures = dict(re.findall(r"^\| ([^|\n]+) \| ([\d.]+) \|$", output, re.MULTILINE))
        found = re.search(r"^[\d.]+ s ([a-z ]+?)(?: \(s\d+\))?: (.*)$", output, re.MULTILINE)
        # What the program itself insists on ends it at once.
        insisted = re.search(r"^(\S+:\d+: (?:Precondition failed|Fatal error|Assertion failed).*)$", errors, re.MULTILINE)
        if status == 0 or not (found or insisted):
            missed += 1
        checker = f"`{found[1]}`: {found[2]}" if found else f"a precondition: {insisted[1]}" if insisted else "**nobody**"
        if len(checker) > 112: checker = checker[:110] + "…"
        hours = figures.get("virtual hours of the process", "?")
        print(f"| {name} | {figures.get('seeds', '?')} | {hours} h | {took:.1f} s | {checker} |", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
