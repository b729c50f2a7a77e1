"""What both dashboards have in common: selectors, variables, links, and how states and figures are coloured."""

import grafana as g

INSTANCE = 'job=~"$job",instance=~"$instance"'
PROFILE = INSTANCE + ',profile=~"$profile"'
STREAM = PROFILE + ',stream=~"$stream"'
UNPLANNED = STREAM + ',reason!~"planned|shutdown"'
PLANNED = STREAM + ',reason="planned"'

# In the order of holdfast_stream_state; the number is what the state timeline draws.
STATES = {
    "idle": (0, g.GREY),
    "authenticating": (1, "light-blue"),
    "connecting": (2, "blue"),
    "subscribing": (3, "purple"),
    "live": (4, g.GREEN),
    "backing_off": (5, g.ORANGE),
    "exhausted": (6, g.RED),
    "stopped": (7, "dark-red"),
}
STATE_MAP = g.value_map({number: (name.replace("_", " "), color) for name, (number, color) in STATES.items()})

NEUTRAL = g.steps("text")
COUNT_BAD = g.steps(g.GREEN, (0.5, g.ORANGE), (5, g.RED))
ANY_BAD = g.steps(g.GREEN, (0.5, g.RED))
SHARE_GOOD = g.steps(g.RED, (0.99, g.ORANGE), (0.999, g.GREEN))
BUDGET = g.steps(g.RED, (0, g.ORANGE), (0.25, g.GREEN))
SECONDS = g.steps(g.GREEN, (1, g.ORANGE), (5, g.RED))
NO_SEQUENCE = g.nan_map("nothing numbered")


def increase(metric, selector=STREAM, over="$__range", by=""):
    return f"sum {by} (increase({metric}{{{selector}}}[{over}]))"


def rate(metric, selector=STREAM, by=""):
    return f"sum {by} (rate({metric}{{{selector}}}[$__rate_interval]))"


def loss(over="$__range", by=""):
    """The share of expected messages that was lost; NaN where no message was expected."""
    lost = increase("holdfast_messages_lost_total", over=over, by=by)
    return f"{lost} / {increase('holdfast_messages_expected_total', over=over, by=by)}"


def coverage(over="$__range", by=""):
    covered = increase("holdfast_covered_seconds_total", over=over, by=by)
    observed = increase("holdfast_observed_seconds_total", over=over, by=by)
    return f"{covered} / ({observed} > 0)"


def quantile(q, metric, selector=STREAM):
    return f"histogram_quantile({q}, {rate(metric + '_bucket', selector, by='by (le)')})"


def variables(one_stream):
    return [
        g.variable("datasource", "Data source", description="The Prometheus that scrapes Holdfast."),
        g.variable("job", "Job", "label_values(holdfast_build_info, job)"),
        g.variable("instance", "Instance", 'label_values(holdfast_build_info{job=~"$job"}, instance)'),
        g.variable("profile", "Profile", f"label_values(holdfast_stream_up{{{INSTANCE}}}, profile)"),
        g.variable("stream", "Stream", f"label_values(holdfast_stream_up{{{PROFILE}}}, stream)", multi=not one_stream),
    ]


_lost = increase("holdfast_disconnects_total", UNPLANNED, "$__rate_interval", "by (stream, reason)")
_handed_over = increase("holdfast_disconnects_total", PLANNED, "$__rate_interval", "by (stream)")
ANNOTATIONS = [
    g.annotation("Disconnects", g.RED, f"{_lost} > 0"),
    g.annotation("Planned hand-overs", g.BLUE, f"{_handed_over} > 0"),
]
OVERVIEW, STREAM_VIEW = "holdfast-overview", "holdfast-stream"
