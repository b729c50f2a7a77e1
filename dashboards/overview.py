"""The fleet: what is up, what it cost, and the worst streams first."""

import grafana as g
import vocabulary as v

BY = "by (profile, stream)"
UNCOVERED = f"(1 - {v.coverage(by=BY)})"
# What is NaN is not >= 0: a stream without sequence numbers is judged by its coverage alone.
HURT = f"topk(25, {UNCOVERED} + (({v.loss(by=BY)}) >= 0 or {UNCOVERED} * 0))"
TO_STREAM = {
    "title": "Open this stream",
    "url": f"/d/{v.STREAM_VIEW}?var-stream=${{__data.fields.Stream}}&${{datasource:queryparam}}&${{job:queryparam}}"
    "&${instance:queryparam}&${__url_time_range}",
    "targetBlank": False,
}
SERIES_TO_STREAM = dict(TO_STREAM, url=TO_STREAM["url"].replace("__data.fields.Stream", "__field.labels.stream"))


def worst():
    columns = {
        "Hurt": HURT,
        "Live": f"max {BY} (holdfast_stream_up{{{v.STREAM}}})",
        "Continuity": f"1 - {v.loss(by=BY)}",
        "Coverage": v.coverage(by=BY),
        "Retries now": f"max {BY} (holdfast_retry_count{{{v.STREAM}}})",
        "Outages": v.increase("holdfast_disconnects_total", v.UNPLANNED, by=BY),
        "Lost": v.increase("holdfast_messages_lost_total", by=BY),
        "Last message": f"time() - (max {BY} (holdfast_last_message_timestamp_seconds{{{v.STREAM}}}) > 0)",
    }
    queries = [
        g.query(expr if name == "Hurt" else f"({expr}) and on (profile, stream) {HURT}", instant=True, form="table")
        for name, expr in columns.items()
    ]
    names = {f"Value #{chr(ord('A') + index)}": name for index, name in enumerate(columns)}
    order = {name: index for index, name in enumerate(["stream", "profile", *names])}
    background = {"cellOptions": {"type": "color-background", "mode": "basic"}}
    text = {"cellOptions": {"type": "color-text"}}
    live = g.value_map({0: ("down", g.RED), 1: ("live", g.GREEN)})
    return g.table(
        "Worst streams",
        "The 25 streams that hurt most in the time shown, worst first. Hurt is the share of time not covered plus the"
        " share of messages lost. A stream without sequence numbers has no continuity: read its coverage.",
        queries,
        unit="short",
        thresholds=v.NEUTRAL,
        sort_by="Hurt",
        transformations=[
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": order,
                                           "renameByName": dict(names, stream="Stream", profile="Profile")}},
        ],
        overrides=[
            g.column("Stream", links=[TO_STREAM]),
            g.column("Hurt", unit="percentunit", decimals=3, custom=text,
                     thresholds=g.steps(g.GREEN, (0.001, g.ORANGE), (0.01, g.RED))),
            g.column("Live", mappings=[live], custom=background, thresholds=g.steps(g.RED, (1, g.GREEN))),
            g.column("Continuity", unit="percentunit", decimals=3, thresholds=v.SHARE_GOOD, mappings=[v.NO_SEQUENCE],
                     custom=text),
            g.column("Coverage", unit="percentunit", decimals=3, thresholds=v.SHARE_GOOD, custom=text),
            g.column("Retries now", decimals=0, thresholds=v.COUNT_BAD, custom=text),
            g.column("Outages", decimals=0, thresholds=v.COUNT_BAD, custom=text),
            g.column("Lost", decimals=0, thresholds=v.COUNT_BAD, custom=text),
            g.column("Last message", unit="s", decimals=0),
        ],
    )


def now():
    up = f"holdfast_stream_up{{{v.STREAM}}}"
    small = (3, 4)
    budget = "1 - ({}) / scalar(holdfast:{}_error_budget:ratio)"
    return [
        g.stat("Streams live", "How many streams are live now.", [g.query(f"sum({up})")], unit="none", decimals=0,
               thresholds=g.steps(g.GREEN), size=small, area=True),
        g.stat("Streams not live", "How many streams are configured and not live now.",
               [g.query(f"count({up}) - sum({up})")], unit="none", decimals=0, thresholds=v.ANY_BAD, size=small,
               color="background"),
        g.stat("Continuity", "Share of the expected messages that arrived in the time shown, all streams with sequence"
               " numbers together. Coverage, beside it, is the figure of those without.",
               [g.query(f"1 - {v.loss()}", instant=True)], unit="percentunit", decimals=3, thresholds=v.SHARE_GOOD,
               size=small, mappings=[v.NO_SEQUENCE]),
        g.stat("Coverage", "Share of the time shown in which streams were live and not silent beyond their deadline.",
               [g.query(v.coverage(), instant=True)], unit="percentunit", decimals=3, thresholds=v.SHARE_GOOD,
               size=small),
        g.stat("Retries now", "Consecutive retries of all streams since each last held.",
               [g.query(f"sum(holdfast_retry_count{{{v.STREAM}}})")], unit="none", decimals=0,
               thresholds=v.COUNT_BAD, size=small, area=True),
        g.stat("Outages", "Live connections lost in the time shown, planned hand-overs and stops not counted.",
               [g.query(v.increase("holdfast_disconnects_total", v.UNPLANNED), instant=True)], unit="none", decimals=0,
               thresholds=v.COUNT_BAD, size=small),
        g.stat("Error budget left: continuity", "What is left of the messages that may be lost in the time shown, by"
               " the objective recorded as holdfast:continuity_objective:ratio. Below 0 the objective is missed.",
               [g.query(budget.format(v.loss(), "continuity"), instant=True)], unit="percentunit", decimals=1,
               thresholds=v.BUDGET, size=small, mappings=[v.NO_SEQUENCE]),
        g.stat("Error budget left: coverage", "What is left of the time that may go uncovered in the time shown, by"
               " the objective recorded as holdfast:coverage_objective:ratio. Below 0 the objective is missed.",
               [g.query(budget.format("1 - " + v.coverage(), "coverage"), instant=True)], unit="percentunit",
               decimals=1, thresholds=v.BUDGET, size=small),
    ]


def over_time():
    interval = "$__rate_interval"
    retrying = f"topk(10, max by (stream) (holdfast_retry_count{{{v.STREAM}}}))"
    lost = v.increase("holdfast_messages_lost_total", over=interval, by="by (stream)")
    return [
        g.timeseries("Streams by state", "How many streams are in each state.",
                     [g.query(f"sum by (state) (holdfast_stream_state{{{v.STREAM}}})", "{{state}}")], unit="none",
                     thresholds=v.NEUTRAL, stack=True,
                     overrides=[g.colored(name, color) for name, (_, color) in v.STATES.items()]),
        g.timeseries("Continuity and coverage", "Share of expected messages that arrived, and share of time that was"
                     " covered. The line is the objective. Continuity has gaps where nothing was expected.",
                     [g.query(f"1 - {v.loss(interval)}", "continuity"), g.query(v.coverage(interval), "coverage"),
                      g.query("holdfast:continuity_objective:ratio", "objective: continuity"),
                      g.query("holdfast:coverage_objective:ratio", "objective: coverage")],
                     unit="percentunit", thresholds=v.SHARE_GOOD, minimum=None, maximum=1,
                     overrides=[g.colored("objective.*", g.GREY)]),
        g.timeseries("Connections lost, by reason", "Live connections lost. Planned and shutdown are ours.",
                     [g.query(v.increase("holdfast_disconnects_total", over=interval, by="by (reason)"), "{{reason}}")],
                     unit="none", thresholds=v.COUNT_BAD, style="bars", stack=True,
                     overrides=[g.colored("planned|shutdown", g.BLUE)]),
        g.timeseries("Failed attempts, by reason", "Attempts that did not become live.",
                     [g.query(v.increase("holdfast_connect_failures_total", over=interval, by="by (reason)"),
                              "{{reason}}")], unit="none", thresholds=v.COUNT_BAD, style="bars", stack=True),
        g.timeseries("Most retries", "The ten streams with most consecutive retries.",
                     [g.query(retrying, "{{stream}}")], unit="none", thresholds=v.COUNT_BAD,
                     links=[SERIES_TO_STREAM]),
        g.timeseries("Most messages lost", "The ten streams that lost most messages.",
                     [g.query(f"topk(10, {lost})", "{{stream}}")], unit="none", thresholds=v.COUNT_BAD, style="bars",
                     stack=True, links=[SERIES_TO_STREAM]),
        g.timeseries("Length of outages", "From the loss of a live connection until the stream is live again, all"
                     " streams together.",
                     [g.query(v.quantile(q, "holdfast_outage_duration_seconds"), f"p{int(q * 100)}")
                      for q in (0.5, 0.9, 0.99)], unit="s", thresholds=v.SECONDS),
        g.timeseries("Waiting for the connect budget", "Seconds that attempts waited, per second, for the handshake"
                     " budget that all streams share. High for long: the budget is too small for the fleet.",
                     [g.query(v.rate("holdfast_connect_budget_wait_seconds_total", v.INSTANCE, "by (instance)"),
                              "{{instance}}")], unit="s", thresholds=v.SECONDS),
    ]


def exporters():
    own = v.INSTANCE
    small = (4, 4)
    reload_map = g.value_map({0: ("failed", g.RED), 1: ("ok", g.GREEN)})
    process = lambda name: f"process_{name}{{{own}}}"
    return [
        g.stat("Exporters up", "Instances of Holdfast that Prometheus can scrape.",
               [g.query(f"sum(up{{{own}}})", "up"), g.query(f"count(up{{{own}}})", "known")], unit="none",
               thresholds=g.steps(g.RED, (1, g.GREEN)), size=small, text="value_and_name"),
        g.stat("Alerts firing", "Alerts of the Holdfast rules that fire now.",
               [g.query('count(ALERTS{alertname=~"Holdfast.+",alertstate="firing"}) or vector(0)')], unit="none",
               thresholds=v.ANY_BAD, size=small, color="background"),
        g.stat("Last reload", "Whether the last reload of the configuration succeeded, on every instance.",
               [g.query(f"min(holdfast_config_last_reload_successful{{{own}}})")], unit="none",
               thresholds=g.steps(g.RED, (1, g.GREEN)), mappings=[reload_map], size=small, color="background"),
        g.stat("Configuration read", "How long ago the configuration in use was read; the oldest instance.",
               [g.query(f"time() - min(holdfast_config_last_reload_success_timestamp_seconds{{{own}}})")],
               unit="s", decimals=0, thresholds=v.NEUTRAL, size=small),
        g.stat("Version", "The version that runs, and on how many instances.",
               [g.query(f"count by (version, swift) (holdfast_build_info{{{own}}})", "{{version}}, Swift {{swift}}")],
               unit="none", thresholds=v.NEUTRAL, size=small, text="value_and_name"),
        g.stat("Audit events dropped", "Events that a sink of the audit trail could not take in the time shown.",
               [g.query(v.increase("holdfast_audit_dropped_total", own), instant=True)], unit="none", decimals=0,
               thresholds=v.ANY_BAD, size=small, color="background"),
        g.timeseries("CPU", "Cores in use.", [g.query(f"rate({process('cpu_seconds_total')}[$__rate_interval])",
                     "{{instance}}")], unit="none", thresholds=v.NEUTRAL, size=(8, 7)),
        g.timeseries("Memory", "Resident and virtual memory.",
                     [g.query(process("resident_memory_bytes"), "{{instance}} resident"),
                      g.query(process("virtual_memory_bytes"), "{{instance}} virtual")],
                     unit="bytes", thresholds=v.NEUTRAL, size=(8, 7)),
        g.timeseries("File descriptors", "Open descriptors as a share of the limit: each stream needs one.",
                     [g.query(f"{process('open_fds')} / {process('max_fds')}", "{{instance}}")], unit="percentunit",
                     thresholds=g.steps(g.GREEN, (0.8, g.ORANGE), (0.95, g.RED)), maximum=1, show_thresholds=True,
                     size=(8, 7)),
        g.timeseries("Scrapes", "Scrapes answered, per second.",
                     [g.query(v.rate("holdfast_scrapes_total", own, "by (instance)"), "{{instance}}")],
                     unit="reqps", thresholds=v.NEUTRAL, size=(8, 7)),
        g.timeseries("Length of a scrape", "How long it took to answer a scrape.",
                     [g.query(v.quantile(0.5, "holdfast_scrape_duration_seconds", own), "p50"),
                      g.query(v.quantile(0.99, "holdfast_scrape_duration_seconds", own), "p99")],
                     unit="s", thresholds=v.SECONDS, size=(8, 7)),
        g.timeseries("Time since the start", "A line that falls to 0 is a restart.",
                     [g.query(f"time() - {process('start_time_seconds')}", "{{instance}}")], unit="s",
                     thresholds=v.NEUTRAL, size=(8, 7)),
    ]


def build():
    return g.dashboard(
        v.OVERVIEW, "Holdfast / Overview",
        "All streams: which one hurts, since when, why, and what it cost.",
        v.variables(one_stream=False), v.ANNOTATIONS,
        [g.link("One stream", v.STREAM_VIEW, "The dashboard of a single stream")],
        [("Now", now()), ("Worst first", [worst()]), ("Over time", over_time()), ("The exporter itself", exporters())],
    )
