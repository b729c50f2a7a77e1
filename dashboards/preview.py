#!/usr/bin/env python3
"""Draws a dashboard from a live Prometheus into one HTML page, for those who have no Grafana at hand.

    dashboards/preview.py holdfast-overview.json --prometheus http://127.0.0.1:9090 --range 1h --output overview.html
    dashboards/preview.py holdfast-stream.json --stream queue-events --output stream.html

The page is drawn once, needs nothing from anywhere, and shows what the panels' queries answer: not what Grafana looks
like. A panel without data says so. Exit status: 0, or 1 when a query failed (the panel shows the error).
"""

import argparse
import html
import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import preview_panels  # noqa: E402

ROW_PIXELS, COLUMN_PIXELS, POINTS = 36, 60, 120
STYLE = """
body{background:#111217;color:#d5d7de;font:13px/1.35 system-ui,sans-serif;margin:16px}
main{display:grid;grid-template-columns:repeat(24,60px);grid-auto-rows:36px;gap:0}
section{margin:3px;background:#181b1f;border:1px solid #2a2d33;border-radius:3px;overflow:hidden}
h1{font-size:18px} h2{font-size:13px;margin:6px 8px 2px;font-weight:600}
.row{grid-column:1/-1;font-size:15px;padding:6px}
.figure{font-weight:600;text-align:center} .name{font-size:11px;font-weight:400;color:#9fa3ab}
.none{color:#7b7f87;text-align:center;padding-top:20px} .error{color:#ff7383;padding:8px;font-size:11px}
table{border-collapse:collapse;width:100%;font-size:12px}
td,th{padding:3px 8px;text-align:left;border-top:1px solid #2a2d33}
.bar{display:flex;align-items:center;margin:4px 8px;font-size:12px} .bar i{display:block;height:16px;margin:0 6px}
.bar span{width:130px} .legend{font-size:11px;margin:0 8px;color:#b5b8bf}
.legend b{font-weight:400;margin-right:10px}
svg text{fill:#9fa3ab;font:10px system-ui,sans-serif}
"""


class Prometheus:
    """The HTTP API, and the time that all panels share."""

    def __init__(self, address, seconds, now, scrape_interval):
        self.address = address.rstrip("/")
        self.start, self.end = now - seconds, now
        self.step = max(1, seconds // POINTS)
        self.rate_interval = max(self.step + scrape_interval, 4 * scrape_interval)

    def _get(self, path, **parameters):
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            detail = json.loads(error.read() or b"{}").get("error", error.reason)
            raise RuntimeError(f"Prometheus refused a query: {detail}") from error
        except (OSError, ValueError, KeyError) as error:
            raise RuntimeError(f"no usable answer from {self.address}: {error}") from error

    def instant(self, expr):
        """[(labels, value)]"""
        data = self._get("query", query=expr, time=self.end)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def over_time(self, expr):
        """[(labels, {time: value})], times on the grid that all panels share"""
        data = self._get("query_range", query=expr, start=self.start, end=self.end, step=self.step)
        return [(series["metric"], {t: float(v) for t, v in series["values"]}) for series in data["result"]]


def substituted(expr, variables, prometheus):
    expr = expr.replace("$__rate_interval", f"{int(prometheus.rate_interval)}s")
    expr = expr.replace("$__range", f"{int(prometheus.end - prometheus.start)}s")
    for name, value in variables.items():
        value = value.replace("\\", "\\\\").replace('"', '\\"')  # it lands in a PromQL string
        expr = re.sub(r"\$" + name + r"\b|\$\{" + name + r"\}", lambda _, value=value: value, expr)
    return expr


def legend(target, labels):
    text = target.get("legendFormat") or ""
    if not text:
        return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "__name__")
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), text)


def answers(panel, variables, prometheus, empty):
    """[(target, name, labels, value or {time: value})] of a panel; queries without data go to `empty`."""
    found = []
    for target in panel["targets"]:
        expr = substituted(target["expr"], variables, prometheus)
        ask = prometheus.instant if target["instant"] else prometheus.over_time
        answer = ask(expr)
        if not answer:
            empty.append(f"{panel['title']}: no data: {expr}")
        found += [(target, legend(target, labels), labels, value) for labels, value in answer]
    return found


def drawn(panel, variables, prometheus, empty):
    """The panel as HTML, and whether its queries worked."""
    place = panel["gridPos"]
    area = f"grid-area:{place['y'] + 1}/{place['x'] + 1}/span {place['h']}/span {place['w']}"
    if panel["type"] == "row":
        return f'<div class="row" style="{area}">{html.escape(panel["title"])}</div>', True
    width, height = place["w"] * COLUMN_PIXELS - 20, place["h"] * ROW_PIXELS - 40
    worked = True
    try:
        found = answers(panel, variables, prometheus, empty)
        draw = preview_panels.KINDS[panel["type"]]
        body = draw(panel, found, prometheus, width, height) if found else '<div class="none">no data</div>'
    except RuntimeError as error:
        body, worked = f'<div class="error">{html.escape(str(error))}</div>', False
    title, description = html.escape(panel["title"]), html.escape(panel["description"])
    return f'<section style="{area}" title="{description}"><h2>{title}</h2>{body}</section>', worked


def chosen(arguments, prometheus, dashboard):
    """The value of each variable: what was asked for, or everything; one stream where the dashboard wants one."""
    variables = {"job": arguments.job, "instance": arguments.instance, "profile": arguments.profile}
    stream = arguments.stream
    wants_one = any(v["name"] == "stream" and not v["multi"] for v in dashboard["templating"]["list"])
    if stream is None and wants_one:
        names = sorted({labels.get("stream", "") for labels, _ in prometheus.instant("holdfast_stream_up")})
        stream = re.escape(names[0]) if names else None
    return variables | {"stream": stream or ".+"}


def seconds(text):
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 30m, 6h or 3d")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dashboard", type=pathlib.Path)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address (http://127.0.0.1:9090)")
    parser.add_argument("--range", type=seconds, default=3600, help="how far back (1h)")
    parser.add_argument("--scrape-interval", type=seconds, default=15, help="what $__rate_interval is made of (15s)")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the HTML file to write")
    for name in ("job", "instance", "profile"):
        parser.add_argument(f"--{name}", default=".+", help="a regular expression (.+)")
    parser.add_argument("--stream", help="a regular expression (.+; on the dashboard of one stream: the first)")
    parser.add_argument("--require-data", action="store_true", help="exit with 1 if a query has no data, and name it")
    arguments = parser.parse_args()

    path = arguments.dashboard
    if not path.exists():
        path = pathlib.Path(__file__).resolve().parent / arguments.dashboard
    prometheus = Prometheus(arguments.prometheus, arguments.range, int(time.time()), arguments.scrape_interval)
    try:
        dashboard = json.loads(path.read_text())
        variables = chosen(arguments, prometheus, dashboard)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return 1
    empty = []
    parts = [drawn(panel, variables, prometheus, empty) for panel in dashboard["panels"]]
    title = html.escape(f"{dashboard['title']}  {variables['stream'] if variables['stream'] != '.+' else ''}")
    arguments.output.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><main>{''.join(body for body, _ in parts)}</main></html>\n"
    )
    if arguments.require_data and empty:
        print("\n".join(empty), file=sys.stderr)
        return 1
    return 0 if all(worked for _, worked in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
