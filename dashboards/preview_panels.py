"""How preview.py draws each kind of panel: HTML and SVG text, from what the queries answered."""

import datetime
import html
import math
import re

COLORS = {"green": "#73bf69", "yellow": "#fade2a", "orange": "#ff9830", "red": "#f2495c", "dark-red": "#c4162a",
          "blue": "#5794f2", "light-blue": "#8ab8ff", "purple": "#b877d9", "text": "#d5d7de"}
PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d",
           "#fade2a", "#447ebc", "#c15c17"]


def color(name):
    return COLORS.get(name, name)


def scaled(value, units):
    for factor, name in units:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value:.3g}"


def figure(value, unit, decimals=None):
    if math.isnan(value):
        return "NaN"
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f} %"
    if unit == "s":
        units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")]
        return scaled(value, units) if value else "0 s"
    if unit in ("bytes", "Bps"):
        sized = scaled(value, [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")])
        return sized + ("/s" if unit == "Bps" else "")
    if unit in ("cps", "reqps"):
        return f"{value:.3g}/s"
    if decimals == 0 or float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.3g}"


def threshold_color(value, thresholds):
    current = "text"
    for step in thresholds["steps"]:
        if step["value"] is None or value >= step["value"]:
            current = step["color"]
    return color(current)


def shown(value, field):
    """Text and colour of a value, by mappings, thresholds and unit. `value` is None where there is none."""
    for mapping in field.get("mappings", []):
        if mapping["type"] == "special" and (value is None or math.isnan(value)):
            return mapping["options"]["result"]["text"], color(mapping["options"]["result"]["color"])
        if mapping["type"] == "value" and value is not None:
            entry = mapping["options"].get(f"{value:g}")
            if entry:
                return entry["text"], color(entry["color"])
    if value is None:
        return "", color("text")
    tint = "#808080" if math.isnan(value) else threshold_color(value, field["thresholds"])
    return figure(value, field.get("unit", "none"), field.get("decimals")), tint


def last(value):
    return value[max(value)] if isinstance(value, dict) else value


def stat(panel, found, prometheus, width, height):
    field, options = panel["fieldConfig"]["defaults"], panel["options"]
    texts = [(name, *shown(last(value), field)) for _, name, _, value in found]
    longest = max(len(text) for _, text, _ in texts)
    size = max(12, min(30, height // (2 * len(texts)), int(width / (0.7 * max(1, longest)))))
    rows, tint = [], None
    for name, text, tint in texts:
        label = f'<div class="name">{html.escape(name)}</div>' if options["textMode"] == "value_and_name" else ""
        ink = "#111217" if options["colorMode"] == "background" else tint
        rows.append(f'<div class="figure" style="font-size:{size}px;color:{ink}">{html.escape(text)}{label}</div>')
    fill = f"background:{tint};" if options["colorMode"] == "background" else ""
    return f'<div style="{fill}padding:8px 4px;margin:4px;border-radius:3px">{"".join(rows)}</div>'


def bar_gauge(panel, found, prometheus, width, height):
    field = panel["fieldConfig"]["defaults"]
    values = sorted(((last(value), name) for _, name, _, value in found), reverse=True)
    top = max([value for value, _ in values if not math.isnan(value)] + [field.get("max", 0), 1e-9])
    bars = []
    for value, name in values:
        text, tint = shown(value, field)
        length = 0 if math.isnan(value) else max(1, int((width - 260) * max(0, value) / top))
        bars.append(f'<div class="bar"><span>{html.escape(name)}</span>'
                    f'<i style="width:{length}px;background:{tint}"></i>{html.escape(text)}</div>')
    return "".join(bars)


def axis(prometheus, width, bottom, left):
    """Five times along the bottom."""
    marks = []
    clock = "%H:%M:%S" if prometheus.end - prometheus.start < 1800 else "%H:%M"
    for index in range(5):
        t = prometheus.start + (prometheus.end - prometheus.start) * index / 4
        x = left + (width - left - 10) * index / 4
        text = datetime.datetime.fromtimestamp(t).strftime(clock)
        anchor = "start" if index == 0 else "end" if index == 4 else "middle"
        marks.append(f'<text x="{x:.0f}" y="{bottom + 14}" text-anchor="{anchor}">{text}</text>')
    return "".join(marks)


def series_colors(panel, names):
    colors = {}
    for index, name in enumerate(names):
        colors[name] = PALETTE[index % len(PALETTE)]
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["id"] == "byRegexp" and re.fullmatch(override["matcher"]["options"], name):
                for item in override["properties"]:
                    if item["id"] == "color":
                        colors[name] = color(item["value"]["fixedColor"])
    return colors


def layered(series, stacked):
    """[(name, {time: (low, high)})]: each series from 0, or on top of those before it."""
    # Nothing is ever put into `base` unless series are stacked.
    base, layers = {}, []
    for name, values in series:
        layers.append((name, {t: (base.get(t, 0), base.get(t, 0) + v) for t, v in values.items()}))
        if stacked:
            base |= {t: base.get(t, 0) + v for t, v in values.items()}
    return layers


def scale_lines(field, low, high, y, left, width):
    """Four lines across, with their values."""
    drawn = []
    decimals = 2 if field["unit"] == "percentunit" else None
    for index in range(4):
        v = low + (high - low) * index / 3
        text = html.escape(figure(v, field["unit"], decimals))
        drawn.append(f'<line x1="{left}" x2="{width - 10}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#2a2d33"/>'
                     f'<text x="{left - 4}" y="{y(v) + 3:.1f}" text-anchor="end">{text}</text>')
    return drawn


def bars_of(values, tint, x, y, thick):
    return [f'<rect x="{x(t) - thick / 2:.1f}" y="{y(high):.1f}" width="{thick:.1f}" '
            f'height="{y(low) - y(high):.1f}" fill="{tint}"/>' for t, (low, high) in values.items() if high > low]


def line_of(values, tint, x, y, step, filled):
    drawn = []
    for piece in pieces(values, step):
        line = " ".join(f"{x(t):.1f},{y(values[t][1]):.1f}" for t in piece)
        if filled:
            under = " ".join(f"{x(t):.1f},{y(values[t][0]):.1f}" for t in reversed(piece))
            drawn.append(f'<polygon points="{line} {under}" fill="{tint}" fill-opacity=".6"/>')
        elif len(piece) == 1:
            at = piece[0]
            drawn.append(f'<circle cx="{x(at):.1f}" cy="{y(values[at][1]):.1f}" r="2" fill="{tint}"/>')
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{tint}" stroke-width="1.5"/>')
    return drawn


def timeseries(panel, found, prometheus, width, height):
    field = panel["fieldConfig"]["defaults"]
    custom = field["custom"]
    stacked, bars = custom["stacking"]["mode"] == "normal", custom["drawStyle"] == "bars"
    series = [(name, {t: v for t, v in values.items() if not math.isnan(v)}) for _, name, _, values in found]
    series = [(name, values) for name, values in series if values]
    if not series:
        return '<div class="none">nothing but NaN: not known here</div>'
    # What never happened would only crowd the legend.
    happened = [one for one in series if any(one[1].values())] if stacked or bars else series
    colors = series_colors(panel, [name for name, _ in happened])
    layers = layered(happened, stacked)
    left, top, bottom = 58, 6, height - 36
    every = [high for _, values in layers for _, high in values.values()] or [0]
    low = field.get("min", min(every))
    high = max(max(every), field.get("max", -math.inf))
    if high <= low:
        # A flat line: at the top where the panel has one, at the bottom otherwise.
        low, high = (high - 0.01, high) if "max" in field else (low, low + 1)

    def x(t):
        return left + (width - left - 10) * (t - prometheus.start) / (prometheus.end - prometheus.start)

    def y(v):
        return bottom - (bottom - top) * (max(low, min(high, v)) - low) / (high - low)

    drawn = scale_lines(field, low, high, y, left, width)
    thick = max(1.0, (width - left) / 125 - 1)
    for name, values in layers:
        drawn += (bars_of(values, colors[name], x, y, thick) if bars
                  else line_of(values, colors[name], x, y, prometheus.step, stacked))
    names = "".join(f'<b><span style="color:{colors[name]}">■</span> {html.escape(name)}</b>' for name, _ in happened)
    return (f'<svg width="{width}" height="{bottom + 18}">{"".join(drawn)}{axis(prometheus, width, bottom, left)}</svg>'
            f'<div class="legend">{names or "none in this time"}</div>')


def pieces(values, step):
    """The times of a series, cut where samples are missing."""
    piece = []
    for t in sorted(values):
        if piece and t - piece[-1] > 1.5 * step:
            yield piece
            piece = []
        piece.append(t)
    if piece:
        yield piece


def state_timeline(panel, found, prometheus, width, height):
    field = panel["fieldConfig"]["defaults"]
    left, seen, drawn = 220, {}, []
    each = max(12, min(40, (height - 40) // len(found)))
    scale = (width - left - 10) / (prometheus.end - prometheus.start)
    for row, (_, name, _, values) in enumerate(found):
        drawn.append(f'<text x="4" y="{row * each + each / 2 + 3:.0f}">{html.escape(name)}</text>')
        for t, value in values.items():
            text, tint = shown(value, field)
            seen[text] = tint
            begin = left + (t - prometheus.start) * scale
            length = min(prometheus.step * scale + 0.5, width - 10 - begin)
            drawn.append(f'<rect x="{begin:.1f}" y="{row * each + 2}" width="{max(0, length):.1f}" '
                         f'height="{each - 4}" fill="{tint}"/>')
    bottom = each * len(found)
    names = "".join(f'<b><span style="color:{tint}">■</span> {html.escape(text)}</b>' for text, tint in seen.items())
    return (f'<svg width="{width}" height="{bottom + 18}">{"".join(drawn)}{axis(prometheus, width, bottom, left)}</svg>'
            f'<div class="legend">{names}</div>')


def heatmap(panel, found, prometheus, width, height):
    rows = sorted((float(labels["le"].replace("Inf", "inf")), values) for _, _, labels, values in found)
    cells, below = [], {}
    for row, (_, values) in enumerate(rows):
        cells += [(t, row, value - below.get(t, 0)) for t, value in values.items()]
        below = values
    most = max((value for _, _, value in cells if not math.isnan(value)), default=0)
    if most <= 1e-9:
        return '<div class="none">nothing happened in this time</div>'
    left, bottom = 58, height - 20
    each, scale = bottom / len(rows), (width - left - 10) / (prometheus.end - prometheus.start)
    drawn = []
    for row, (edge, _) in enumerate(rows):
        text = "+Inf" if math.isinf(edge) else figure(edge, "s")
        middle = bottom - (row + 0.5) * each + 3
        drawn.append(f'<text x="{left - 4}" y="{middle:.1f}" text-anchor="end">{text}</text>')
    for t, row, value in cells:
        if value > 1e-9:
            strength = 0.15 + 0.85 * (value / most) ** 0.5
            begin, upper = left + (t - prometheus.start) * scale, bottom - (row + 1) * each
            drawn.append(f'<rect x="{begin:.1f}" y="{upper:.1f}" width="{prometheus.step * scale:.1f}" '
                         f'height="{each - 1:.1f}" fill="#ff9830" fill-opacity="{strength:.2f}"/>')
    return f'<svg width="{width}" height="{bottom + 18}">{"".join(drawn)}{axis(prometheus, width, bottom, left)}</svg>'


def table(panel, found, prometheus, width, height):
    """Rows by their labels; columns, names and order from the panel's own `organize` transformation."""
    organize = next((t["options"] for t in panel["transformations"] if t["id"] == "organize"), {})
    renamed = organize.get("renameByName", {})
    fields = {}
    for override in panel["fieldConfig"]["overrides"]:
        fields[override["matcher"]["options"]] = {item["id"]: item["value"] for item in override["properties"]}
    rows = {}
    for target, _, labels, value in found:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "__name__"))
        row = rows.setdefault(key, {renamed.get(k, k): v for k, v in key})
        row[renamed.get(f"Value #{target['refId']}", target["refId"])] = last(value)
    sort = (panel["options"].get("sortBy") or [{"displayName": "", "desc": False}])[0]
    order = lambda row: row.get(sort["displayName"], -math.inf)
    columns = list(dict.fromkeys(renamed.get(name, name) for name in ["stream", "profile", *renamed]))
    columns.sort(key=lambda name: name not in ("Stream", "Profile"))
    out = ["<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in columns) + "</tr>"]
    for row in sorted(rows.values(), key=order, reverse=sort["desc"]):
        cells = []
        for name in columns:
            value = row.get(name)
            if isinstance(value, str):
                cells.append(f"<td>{html.escape(value)}</td>")
                continue
            text, tint = shown(value, panel["fieldConfig"]["defaults"] | fields.get(name, {}))
            cells.append(f'<td style="color:{tint}">{html.escape(text)}</td>')
        out.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(out)}</table>"


KINDS = {"stat": stat, "bargauge": bar_gauge, "timeseries": timeseries, "state-timeline": state_timeline,
         "heatmap": heatmap, "table": table}
