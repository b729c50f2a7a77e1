"""python3 -m unittest discover dashboards: the committed JSON, and how the preview draws."""

import json
import math
import pathlib
import subprocess
import sys
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import preview  # noqa: E402
import preview_panels as panels  # noqa: E402

HOSTILE = '<script>alert("x")</script>&'
PROMETHEUS = types.SimpleNamespace(start=0, end=600, step=10, rate_interval=60)


def dashboards():
    return [json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))]


def members(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


class Committed(unittest.TestCase):
    def test_is_what_generate_writes(self):
        made = subprocess.run([sys.executable, HERE / "generate.py", "--check"], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_identifiers_are_unique_and_panels_do_not_overlap(self):
        for dashboard in dashboards():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            taken = set()
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(taken & cells, panel["title"])
                taken |= cells

    def test_dashboards_link_to_each_other(self):
        overview, stream = dashboards()
        self.assertEqual(overview["links"][0]["url"], "/d/" + stream["uid"])
        self.assertEqual(stream["links"][0]["url"], "/d/" + overview["uid"])

    def test_every_figure_of_continuity_says_where_there_is_no_sequence(self):
        for dashboard in dashboards():
            for panel in members(dashboard):
                if panel["type"] == "stat" and "ontinuity" in panel["title"]:
                    text, _ = panels.shown(math.nan, panel["fieldConfig"]["defaults"])
                    self.assertEqual(text, "nothing numbered", panel["title"])


class Preview(unittest.TestCase):
    def test_figures(self):
        for value, unit, text in [(0.99951, "percentunit", "100.0 %"), (0, "s", "0 s"), (0.0021, "s", "2.1 ms"),
                                  (90, "s", "1.5 min"), (2048, "bytes", "2 KiB"), (3.0, "none", "3"),
                                  (math.nan, "none", "NaN"), (1536, "Bps", "1.5 KiB/s"), (2.5, "cps", "2.5/s")]:
            self.assertEqual(panels.figure(value, unit), text)

    def test_thresholds_include_their_value(self):
        steps = {"steps": [{"value": None, "color": "green"}, {"value": 5, "color": "red"}]}
        self.assertEqual(panels.threshold_color(4.9, steps), panels.color("green"))
        self.assertEqual(panels.threshold_color(5, steps), panels.color("red"))

    def test_variables_and_legends(self):
        expr = 'rate(x{job=~"$job",stream=~"$stream"}[$__rate_interval]) + y[$__range]'
        self.assertEqual(preview.substituted(expr, {"job": ".+", "stream": r"a\.b"}, PROMETHEUS),
                         r'rate(x{job=~".+",stream=~"a\\.b"}[60s]) + y[600s]')
        self.assertEqual(preview.legend({"legendFormat": "{{ a }} of {{b}}"}, {"a": "1"}), "1 of ")

    def test_lines_are_cut_where_samples_are_missing(self):
        self.assertEqual(list(panels.pieces({0: 1, 10: 1, 40: 1}, 10)), [[0, 10], [40]])

    def test_text_from_outside_never_becomes_markup_in_any_panel(self):
        for dashboard in dashboards():
            for panel in members(dashboard):
                target = panel["targets"][0]
                labels = {"stream": HOSTILE, "profile": HOSTILE, "le": "0.5"}
                value = 1.0 if target["instant"] else {0: 1.0, 10: 2.0}
                drawn = panels.KINDS[panel["type"]](panel, [(target, HOSTILE, labels, value)], PROMETHEUS, 400, 300)
                self.assertNotIn("<script", drawn, panel["title"])

    def test_nothing_but_nan_and_nothing_at_all_are_drawn(self):
        for dashboard in dashboards():
            for panel in members(dashboard):
                target = panel["targets"][0]
                value = math.nan if target["instant"] else {0: math.nan}
                found = [(target, "name", {"stream": "s", "profile": "p", "le": "0.5"}, value)]
                self.assertTrue(panels.KINDS[panel["type"]](panel, found, PROMETHEUS, 400, 300), panel["title"])


if __name__ == "__main__":
    unittest.main()
