#!/usr/bin/env python3
"""Writes the manual page holdfast(1) from what the program says of its commands and flags.

    packaging/manual.py PROGRAM > holdfast.1
"""

import json
import re
import subprocess
import sys

EXIT_STATUS = [
    ("0", "Asked to stop, and stopped cleanly; or there was nothing to complain of."),
    ("1", "Failed while running."),
    ("64", "Wrong flags."),
    ("78", "Wrong configuration."),
]
FILES = [
    ("/etc/holdfast/holdfast.yml", "The configuration of the service."),
    ("/etc/default/holdfast", "The service's environment, and further flags in HOLDFAST_OPTIONS."),
    ("/var/lib/holdfast", "Saved cursors: streams resume from them after a restart."),
    ("/var/log/holdfast/audit.jsonl", "The audit trail."),
]


def roff(text):
    """`text` so that nothing in it is taken for a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", re.sub(r"\s+", " ", text), flags=re.M)


def entry(argument):
    names = ", ".join(("-" if one["kind"] == "short" else "--") + one["name"] for one in argument.get("names", []))
    value = "" if argument["kind"] == "flag" else argument["valueName"].replace("web.", "").replace("log.", "").upper()
    title = f"\\fB{roff(names)}\\fR" if names else ""
    if value:
        title += (" " if names else "") + f"\\fI{roff(value)}\\fR"
    text = argument.get("abstract", "")
    if argument.get("defaultValue") and argument["kind"] != "flag":
        text += f" Default: {argument['defaultValue']}"
    return [".TP", title, roff(text) or "\\&"]


def command(one, prefix):
    name = f"{prefix} {one['commandName']}".strip()
    lines = [f".SS {roff(name)}", roff(one["abstract"])]
    if one.get("discussion"):
        lines += [".PP", roff(one["discussion"])]
    for argument in one["arguments"]:
        names = {name["name"] for name in argument.get("names", [])}
        if argument["shouldDisplay"] and not names & {"help", "version"}:
            lines += entry(argument)
    for below in one.get("subcommands", []):
        if below["commandName"] != "help":
            lines += command(below, name)
    return lines


def page(program):
    top = json.loads(subprocess.run(
        [program, "--experimental-dump-help"], check=True, capture_output=True, text=True).stdout)["command"]
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    lines = [
        f'.TH HOLDFAST 1 "" "holdfast {version}" "User Commands"',
        ".SH NAME", f"holdfast \\- {roff(top['abstract'].rstrip('.')[0].lower() + top['abstract'].rstrip('.')[1:])}",
        ".SH SYNOPSIS", ".B holdfast", "[\\fICOMMAND\\fR] [\\fIFLAGS\\fR]",
        ".SH DESCRIPTION", roff(top["discussion"]), ".PP",
        roff("Logs go to standard error, the audit trail to standard output. A bare holdfast is holdfast run."),
        ".SH COMMANDS"]
    for one in top["subcommands"]:
        if one["commandName"] != "help" and one["shouldDisplay"]:
            lines += command(one, "holdfast")
    for title, table in (("EXIT STATUS", EXIT_STATUS), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for name, text in table:
            lines += [".TP", f"\\fB{roff(name)}\\fR", roff(text)]
    lines += [
        ".SH SIGNALS", roff("SIGTERM and SIGINT stop cleanly within five seconds. SIGHUP reads the configuration again "
                            "and opens the audit file anew."),
        ".SH SEE ALSO", "/usr/share/doc/holdfast"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(page(sys.argv[1]))
