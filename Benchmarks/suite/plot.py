"""The growth from 1 to 10,000 streams as a picture: four panels with logarithmic axes."""
import math

WIDTH, HEIGHT = 440, 210
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 40, 34

STYLE = """text{font:11px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#737d87}
.t{font-weight:600;font-size:13px}.e{text-anchor:end}.m{text-anchor:middle}
.g{stroke:#737d87;stroke-opacity:.3;stroke-width:1;fill:none}
.b{stroke:#4c8dd6;stroke-width:2;fill:none}.p{fill:#4c8dd6}
.c{stroke:#2f9e6e;stroke-width:1.5;stroke-dasharray:5 3;fill:none}"""

PANELS = [
    ("memory", "resident memory", 1e6, "MB"),
    ("scrape", "a scrape, until it is there", 1, "ms"),
    ("bytes", "a scrape's bytes", 1e6, "MB"),
    ("idle", "idle, heartbeats every 30 s", 1, "% of a core"),
]


def draw(points):
    """`points` are pairs of a number of streams and the figures measured with it."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {2 * HEIGHT + 24}" role="img">',
        "<title>Holdfast with 1 to 10,000 live streams</title>",
        f"<style>\n{STYLE}\n</style>",
        f'<text class="t" x="{LEFT}" y="18">1 to {points[-1][0]:,} live streams</text>',
        f'<path class="c" d="M{WIDTH + LEFT} 14h22"/><text x="{WIDTH + LEFT + 28}" y="18">in proportion to the streams</text>',
    ]
    for index, (key, title, divisor, unit) in enumerate(PANELS):
        values = [(streams, figures[key] / divisor) for streams, figures in points]
        parts.append(f'<g transform="translate({index % 2 * WIDTH} {24 + index // 2 * HEIGHT})">')
        parts += panel(f"{title}, {unit}", values)
        parts.append("</g>")
    return "\n".join(parts + ["</svg>", ""])


def panel(title, values):
    # Nothing measured is 0 but what is below the resolution of the clock, which has a place at the bottom.
    floor = 10 ** math.floor(math.log10(min((v for _, v in values if v > 0), default=1)))
    ceiling = 10 ** math.ceil(math.log10(max(max(v for _, v in values), floor * 10)))
    most = values[-1][0]

    def x(streams):
        return round(LEFT + (WIDTH - LEFT - RIGHT) * math.log10(streams) / max(1, math.log10(most)), 1)

    def y(value):
        share = (math.log10(max(value, floor)) - math.log10(floor)) / (math.log10(ceiling) - math.log10(floor))
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    parts = [f'<text class="t" x="{LEFT}" y="{TOP - 14}">{title}</text>']
    value = floor
    while value <= ceiling * 1.001:
        parts.append(f'<path class="g" d="M{LEFT} {y(value)}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="e" x="{LEFT - 6}" y="{y(value) + 4}">{value:,.10g}</text>')
        value *= 10
    streams = 1
    while streams <= most:
        parts.append(f'<text class="m" x="{x(streams)}" y="{HEIGHT - BOTTOM + 16}">{streams:,}</text>')
        streams *= 10
    # What the last figure would be made of if every stream cost the same and nothing else cost anything.
    each = values[-1][1] / most
    start = max(1.0, floor / each) if each > 0 else most
    parts.append(f'<path class="c" d="M{x(start)} {y(each * start)}L{x(most)} {y(each * most)}"/>')
    line = "L".join(f"{x(streams)} {y(value)}" for streams, value in values)
    parts.append(f'<path class="b" d="M{line}"/>')
    for streams, value in values:
        parts.append(f'<circle class="p" cx="{x(streams)}" cy="{y(value)}" r="3"/>')
        # Inside of the panel at both ends.
        anchor = ' class="e"' if streams == most else "" if streams == 1 else ' class="m"'
        parts.append(f'<text{anchor} x="{x(streams)}" y="{y(value) - 8}">{figure(value)}</text>')
    return parts


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
