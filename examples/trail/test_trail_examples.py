"""python3 -m unittest discover examples/trail: that the examples are well-formed, and name only what the trail has.

The programs themselves are not in Debian, so nothing here starts them. rsyslog and logrotate are: `make try-trail`.
"""

import datetime
import json
import pathlib
import re
import subprocess
import tomllib
import unittest

import yaml

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / ".build" / "debug" / "holdfast"
FILE = "/var/log/holdfast/audit.jsonl"
TIME = "2026-11-22T10:15:02.113Z"


def schema():
    """Every key and every event of the trail."""
    text = subprocess.run([PROGRAM, "audit-schema"], check=True, capture_output=True, text=True).stdout
    keys, events = set(), set()

    def walk(node):
        if isinstance(node, dict):
            keys.update(node.get("properties", {}))
            event = node.get("properties", {}).get("event", {})
            if isinstance(event, dict):
                events.update([event["const"]] if "const" in event else event.get("enum", []))
            for below in node.values():
                walk(below)
        elif isinstance(node, list):
            for below in node:
                walk(below)

    walk(json.loads(text))
    return keys, events


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys, cls.events = schema()

    def named(self, keys=(), events=()):
        self.assertLessEqual(set(keys), self.keys)
        self.assertLessEqual(set(events), self.events)

    def test_fluent_bit(self):
        one = yaml.safe_load((HERE / "fluent-bit.yaml").read_text())
        [source] = one["pipeline"]["inputs"]
        [parser] = one["parsers"]
        [output] = one["pipeline"]["outputs"]
        self.assertEqual((source["path"], source["parser"], source["tag"]), (FILE, parser["name"], output["match"]))
        # %L is what Fluent Bit calls the fraction of a second.
        datetime.datetime.strptime(TIME, parser["time_format"].replace("%L", "%f"))
        self.named([parser["time_key"], *re.findall(r"\$(\w+)", output["label_keys"])])

    def test_vector(self):
        one = tomllib.loads((HERE / "vector.toml").read_text())
        self.assertEqual(one["sources"]["holdfast_file"]["include"], [FILE])
        for name, step in {**one["transforms"], **one["sinks"]}.items():
            for source in step["inputs"]:
                self.assertIn(source, {**one["sources"], **one["transforms"]}, name)
        program = one["transforms"]["holdfast"]["source"]
        events = [name for names in re.findall(r"includes\(\[(.*?)\]", program) for name in re.findall(r'"(\w+)"', names)]
        self.assertTrue(events)
        self.named(set(re.findall(r"[ (!]\.(\w+)", program)) - {"message", "service", "severity"}, events)
        self.named([one["sinks"]["kafka"]["key_field"]])
        for opening, closing in ("()", "[]", "{}"):
            self.assertEqual(program.count(opening), program.count(closing))

    def test_opentelemetry(self):
        one = yaml.safe_load((HERE / "otel-collector.yaml").read_text())
        source = one["receivers"]["filelog/holdfast"]
        self.assertEqual(source["include"], [FILE])
        for kind, names in one["service"]["pipelines"]["logs"].items():
            self.assertLessEqual(set(names), set(one[kind]))
        self.assertLessEqual(set(one["service"]["extensions"]), set(one["extensions"]))
        parser = source["operators"][0]
        self.named(
            [parser[part]["parse_from"].removeprefix("attributes.") for part in ("timestamp", "severity")],
            [name for names in parser["severity"]["mapping"].values() for name in names])

    def test_alloy(self):
        text = re.sub(r"//.*", "", re.sub(r'"[^"]*"', '""', (HERE / "config.alloy").read_text()))
        for opening, closing in ("()", "[]", "{}"):
            self.assertEqual(text.count(opening), text.count(closing))
        whole = (HERE / "config.alloy").read_text()
        self.assertIn(FILE, whole)
        components = set(re.findall(r'^([\w.]+) "(\w+)"', whole, re.M))
        for reference in re.findall(r"\[?((?:\w+\.){2,})(?:receiver|targets)", whole):
            kind, name = reference.rstrip(".").rsplit(".", 1)
            self.assertIn((kind, name), components)
        self.named(re.findall(r'^ +(\w+) += "\w+",$', whole, re.M))
        taken = set(re.findall(r'^ +(\w+) += "\w+",$', whole, re.M))
        self.assertLessEqual(set(re.findall(r'^ +(\w+) += "",$', whole, re.M)), taken)


if __name__ == "__main__":
    unittest.main()
