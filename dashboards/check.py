#!/usr/bin/env python3
"""Judges dashboards, rules and documents against Grafana's own types, PromQL, and the metrics that Holdfast has.

    dashboards/check.py CATALOGUE

CATALOGUE is a text file with one metric name a line (of a histogram: its base name). Needs, in a virtual environment,
`grafana_foundation_sdk==1769699379!11.6.0` and `promql-parser`. Exit status: 0 when there is nothing to say.
"""

import json
import pathlib
import re
import sys

import promql_parser
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

ROOT = pathlib.Path(__file__).resolve().parent.parent
DASHBOARDS = sorted((ROOT / "dashboards").glob("*.json"))
RULES = ROOT / "alerts" / "holdfast.rules.yml"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$__interval": "1m"}
# A name between colons belongs to a recording rule.
METRIC = re.compile(r"(?<![:\w./-])(?:holdfast|process)_[a-z0-9_]+[a-z0-9](?![:\w/*{}-]*:\w)(?!\w)")
RECORDED = re.compile(r"(?<![:\w])[a-z_]+:[a-z0-9_]+:[a-z0-9]+(?![:\w])")
# Not of Holdfast. Of the standard process_* metrics none has to be used: which there are depends on /proc.
FOREIGN = {"up", "ALERTS"}


def differences(ours, theirs, path=""):
    """What a round trip changes, as lines."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            here = f"{path}.{key}"
            if key not in theirs and ours[key] is None:
                continue
            if key not in theirs:
                yield f"{here}: dropped"
            elif key not in ours:
                yield f"{here}: added: {json.dumps(theirs[key])}"
            else:
                yield from differences(ours[key], theirs[key], here)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} items became {len(theirs)}"
        for index, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f"{path}[{index}]")
    elif ours != theirs:
        yield f"{path}: {json.dumps(ours)} became {json.dumps(theirs)}"


def round_trip(dashboard):
    """Grafana's newer releases know `definition` of a variable though the types do not: not a difference."""
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(json.loads(json.dumps(dashboard)))))
    return [line for line in differences(dashboard, kept) if not line.startswith(".templating.list")
            or ".definition" not in line]


def strings(value, key):
    """Every string under `key`, however deep."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == key and isinstance(member, str):
                yield member
            else:
                yield from strings(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member, key)


def substituted(expr):
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return re.sub(r"\$\{?(?:job|instance|profile|stream)\}?", ".+", expr)


def dashboard_expressions(dashboard):
    yield from strings(dashboard, "expr")
    for variable in dashboard["templating"]["list"]:
        if found := re.match(r"label_values\((.+), \w+\)$", variable["query"]):
            yield found[1]


def rule_expressions(text):
    """(name, expression) of every rule."""
    for found in re.finditer(r"- (?:record|alert): (\S+)\n\s+expr: (?:\|\n((?:\s{10,}.*\n)+)|(.+)\n)", text):
        yield found[1], found[2] or found[3]


def shape(dashboard):
    """What makes one JSON work by import and by provisioning."""
    wanted = {"schemaVersion": 39, "editable": False, "id": None}
    for key, value in wanted.items():
        if key not in dashboard or dashboard[key] != value:
            yield f"{key} is not {value}"
    if "__inputs" in dashboard:
        yield "__inputs would break provisioning"
    names = [variable["name"] for variable in dashboard["templating"]["list"]]
    if names != ["datasource", "job", "instance", "profile", "stream"]:
        yield f"variables are {names}"
    for variable in dashboard["templating"]["list"]:
        if not isinstance(variable["query"], str) or variable.get("current", True) == {}:
            yield f"variable {variable['name']}: query must be a string, current must not be empty"
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        if not (panel["description"] and defaults.get("unit") and defaults["thresholds"]["steps"]):
            yield f"panel {panel['title']}: description, unit and thresholds are wanted"
        if panel["datasource"]["uid"] != "${datasource}":
            yield f"panel {panel['title']}: the data source is not the variable"


def runbook(rules, text):
    """Each alert leads to a section, and each section is led to."""
    wanted = set(re.findall(r"runbook_url: docs/runbook\.md#(\S+)", rules))
    sections = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.M)}
    yield from (f"runbook.md: no section {name}" for name in sorted(wanted - sections))
    yield from (f"runbook.md: no alert leads to {name}" for name in sorted(sections - wanted))
    if rules.count("runbook_url:") != len(re.findall(r"^\s+- alert: ", rules, re.M)):
        yield f"{RULES.name}: an alert has no runbook_url"


def base(name, catalogue):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and name.removesuffix(suffix) in catalogue:
            return name.removesuffix(suffix)
    return name


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    catalogue = set(pathlib.Path(sys.argv[1]).read_text().split())
    register_default_plugins()
    rules = RULES.read_text()
    found, used = list(runbook(rules, (ROOT / "docs" / "runbook.md").read_text())), set()

    expressions = [(RULES.name, name, expr) for name, expr in rule_expressions(rules)]
    recorded = {name for name, _ in rule_expressions(rules) if ":" in name}
    if len(expressions) != len(re.findall(r"^\s+- (?:record|alert): ", rules, re.M)):
        found.append(f"{RULES.name}: some rules were not understood")
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        found += [f"{path.name}: {line}" for line in shape(dashboard)]
        found += [f"{path.name}{line}" for line in round_trip(dashboard)]
        expressions += [(path.name, "", expr) for expr in dashboard_expressions(dashboard)]

    for file, rule, expr in expressions:
        expr = substituted(expr)
        try:
            promql_parser.parse(expr)
        except ValueError as error:
            found.append(f"{file}: {rule}: {error}: {expr}")
    texts = [(file, re.sub(r'"[^"]*"', '""', expr)) for file, _, expr in expressions]
    texts += [(path.name, path.read_text()) for path in DOCUMENTS if path.exists()]
    for file, text in texts:
        names = {base(name, catalogue) for name in METRIC.findall(text)}
        used |= names
        found += [f"{file}: {name} is not in the catalogue" for name in sorted(names - catalogue)]
        found += [f"{file}: {name} is not recorded" for name in sorted(set(RECORDED.findall(text)) - recorded)]
    unused = {name for name in catalogue - used if not name.startswith("process_")} - FOREIGN
    found += [f"{name} is in no dashboard, rule or document" for name in sorted(unused)]

    for line in dict.fromkeys(found):
        print(line)
    print(f"{len(DASHBOARDS)} dashboards, {len(expressions)} expressions, {len(catalogue)} metrics: "
          f"{len(found)} faults", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
