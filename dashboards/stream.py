"""One stream: its states, attempts, losses, heartbeats, and the tokens that it lives by."""

import grafana as g
import vocabulary as v

INTERVAL = "$__rate_interval"


def now():
    up = g.value_map({0: ("down", g.RED), 1: ("live", g.GREEN)})
    small = (3, 4)
    return [
        g.stat("Live", "Whether the stream is live now.", [g.query(f"max(holdfast_stream_up{{{v.STREAM}}})")],
               unit="none", thresholds=g.steps(g.RED, (1, g.GREEN)), mappings=[up], color="background", size=small),
        g.stat("Continuity", "Share of the expected messages that arrived in the time shown. A protocol without"
               " sequence numbers has none: read the coverage beside it.", [g.query(f"1 - {v.loss()}", instant=True)],
               unit="percentunit", decimals=3, thresholds=v.SHARE_GOOD, mappings=[v.NO_SEQUENCE], size=small),
        g.stat("Continuity since the start", "The same since the stream was started: what the exporter itself says.",
               [g.query(f"min(holdfast_continuity_ratio{{{v.STREAM}}})")], unit="percentunit", decimals=3,
               thresholds=v.SHARE_GOOD, mappings=[v.NO_SEQUENCE], size=small),
        g.stat("Coverage", "Share of the time shown in which the stream was live and not silent beyond its deadline.",
               [g.query(v.coverage(), instant=True)], unit="percentunit", decimals=3, thresholds=v.SHARE_GOOD,
               size=small),
        g.stat("Retries now", "Consecutive retries since the stream last held.",
               [g.query(f"max(holdfast_retry_count{{{v.STREAM}}})")], unit="none", decimals=0,
               thresholds=v.COUNT_BAD, size=small, area=True),
        g.stat("Next attempt after", "The delay drawn for the attempt that is being waited for; 0 otherwise.",
               [g.query(f"max(holdfast_backoff_delay_seconds{{{v.STREAM}}})")], unit="s", decimals=1,
               thresholds=g.steps("text", (0.001, g.ORANGE)), size=small),
        g.stat("Last message", "How long ago the last message was received.",
               [g.query(f"time() - (max(holdfast_last_message_timestamp_seconds{{{v.STREAM}}}) > 0)")], unit="s",
               decimals=0, thresholds=v.NEUTRAL, size=small),
        g.stat("Time in outages", "From each loss to live again, for the outages that ended in the time shown.",
               [g.query(v.increase("holdfast_outage_duration_seconds_sum"), instant=True)], unit="s", decimals=1,
               thresholds=g.steps(g.GREEN, (1, g.ORANGE), (60, g.RED)), size=small),
    ]


def state():
    parts = [
        f'sum by (instance, stream) (holdfast_stream_state{{{v.STREAM},state="{name}"}}) * {number}'
        for name, (number, _) in v.STATES.items()
    ]
    timeline = g.state_timeline(
        "State", "What the stream was doing. One row for each instance that serves it.",
        [g.query(" + ".join(parts), "{{stream}} on {{instance}}")], thresholds=v.NEUTRAL, mappings=[v.STATE_MAP])
    return [timeline]


def why():
    failures = v.increase("holdfast_connect_failures_total", over=INTERVAL, by="by (reason)")
    return [
        g.bar_gauge("Why connections were lost", "Live connections lost in the time shown; the five most frequent"
                    " reasons. Planned and shutdown are ours.",
                    [g.query(f"topk(5, {v.increase('holdfast_disconnects_total', by='by (reason)')})", "{{reason}}",
                             instant=True)], unit="none", thresholds=v.COUNT_BAD, size=(8, 8)),
        g.bar_gauge("Why attempts failed", "Attempts that did not become live in the time shown; the five most"
                    " frequent reasons.",
                    [g.query(f"topk(5, {v.increase('holdfast_connect_failures_total', by='by (reason)')})",
                             "{{reason}}", instant=True)], unit="none", thresholds=v.COUNT_BAD, size=(8, 8)),
        g.bar_gauge("What resumes brought back", "After a reconnect: full, nothing is missing; partial, some was lost;"
                    " refused, the server did not resume; unknown, it cannot be told.",
                    [g.query(v.increase("holdfast_resumes_total", by="by (outcome)"), "{{outcome}}", instant=True)],
                    unit="none", thresholds=v.NEUTRAL, size=(8, 8)),
        g.timeseries("Attempts", "Attempts started, the retries among them, how often the stream was live again, and"
                     " how often it gave up.",
                     [g.query(v.increase("holdfast_connect_attempts_total", over=INTERVAL), "attempts"),
                      g.query(v.increase("holdfast_retries_total", over=INTERVAL), "retries"),
                      g.query(v.increase("holdfast_reconnects_total", over=INTERVAL), "live again"),
                      g.query(v.increase("holdfast_retries_exhausted_total", over=INTERVAL), "gave up")],
                     unit="none", thresholds=v.COUNT_BAD, size=(8, 8),
                     overrides=[g.colored("live again", g.GREEN), g.colored("gave up", g.RED),
                                g.colored("attempts", g.BLUE), g.colored("retries", g.ORANGE)]),
        g.timeseries("Failed attempts, by reason", "Attempts that did not become live.",
                     [g.query(failures, "{{reason}}")], unit="none", thresholds=v.COUNT_BAD, style="bars",
                     stack=True, size=(8, 8)),
        g.timeseries("Connections lost, by reason", "Live connections lost. Planned and shutdown are ours.",
                     [g.query(v.increase("holdfast_disconnects_total", over=INTERVAL, by="by (reason)"), "{{reason}}")],
                     unit="none", thresholds=v.COUNT_BAD, style="bars", stack=True, size=(8, 8),
                     overrides=[g.colored("planned|shutdown", g.BLUE)]),
    ]


def speed():
    latency = "holdfast_reconnect_latency_seconds"
    phase = "holdfast_connect_phase_duration_seconds"
    by = "by (phase)"
    mean = f"{v.rate(phase + '_sum', v.PROFILE, by)} / ({v.rate(phase + '_count', v.PROFILE, by)} > 0)"
    return [
        g.heatmap("Reconnect latency", "From the reconnect payload being built to its acknowledgment; how many"
                  " reconnects took how long.",
                  [g.query(v.increase(latency + "_bucket", over=INTERVAL, by="by (le)"), "{{le}}", form="heatmap")],
                  unit="s", thresholds=v.SECONDS),
        g.timeseries("Reconnect latency, quantiles", "The same as quantiles. Gaps are times without a reconnect.",
                     [g.query(v.quantile(q, latency), f"p{int(q * 100)}") for q in (0.5, 0.9, 0.99)],
                     unit="s", thresholds=v.SECONDS, show_thresholds=True),
        g.timeseries("Phases of a connect", "Mean length of each phase, over all streams of the selected profiles.",
                     [g.query(mean, "{{phase}}")], unit="s", thresholds=v.SECONDS, style="bars", stack=True),
        g.timeseries("Length of outages", "From the loss of a live connection until live again.",
                     [g.query(v.quantile(q, "holdfast_outage_duration_seconds"), f"p{int(q * 100)}")
                      for q in (0.5, 0.9, 0.99)], unit="s", thresholds=v.SECONDS),
    ]


def messages():
    kinds = {"lost": g.RED, "late": g.ORANGE, "reordered": g.YELLOW, "duplicate": "purple", "flushed": g.BLUE}
    several = [g.query(v.increase(f"holdfast_messages_{kind}_total", over=INTERVAL), kind) for kind in kinds]
    return [
        g.timeseries("Messages", "Received while live, and expected by their sequence numbers, per second.",
                     [g.query(v.rate("holdfast_messages_received_total"), "received"),
                      g.query(v.rate("holdfast_messages_expected_total"), "expected")],
                     unit="cps", thresholds=v.NEUTRAL),
        g.timeseries("Losses and disorder", "Lost: given up. Late: arrived after that. Reordered: out of order, in"
                     " time. Duplicate: already seen. Flushed: arrived between open and acknowledgment.",
                     several, unit="none", thresholds=v.COUNT_BAD, style="bars", stack=True,
                     overrides=[g.colored(kind, color) for kind, color in kinds.items()]),
        g.timeseries("Gaps", "Gaps opened in the sequence, resets of its numbering, and holes still waited for.",
                     [g.query(v.increase("holdfast_sequence_gaps_total", over=INTERVAL), "gaps"),
                      g.query(v.increase("holdfast_sequence_resets_total", over=INTERVAL), "resets"),
                      g.query(f"sum(holdfast_messages_pending{{{v.STREAM}}})", "pending")],
                     unit="none", thresholds=v.COUNT_BAD),
        g.timeseries("Continuity and coverage", "Share of expected messages that arrived, and share of time that was"
                     " covered.",
                     [g.query(f"1 - {v.loss(INTERVAL)}", "continuity"), g.query(v.coverage(INTERVAL), "coverage")],
                     unit="percentunit", thresholds=v.SHARE_GOOD, minimum=None, maximum=1, show_thresholds=True),
        g.timeseries("Highest sequence number", "A line that falls is a reset; a flat one, silence.",
                     [g.query(f"max by (stream) (holdfast_last_sequence{{{v.STREAM}}})", "{{stream}}")],
                     unit="none", thresholds=v.NEUTRAL, minimum=None),
        g.timeseries("Bytes", "On the socket, per second.",
                     [g.query(v.rate("holdfast_received_bytes_total"), "received"),
                      g.query(v.rate("holdfast_sent_bytes_total"), "sent")], unit="Bps", thresholds=v.NEUTRAL),
    ]


def upkeep():
    own = v.INSTANCE
    token = f"min by (instance, credential) (holdfast_token_expiry_timestamp_seconds{{{own}}} > 0) - time()"
    return [
        g.timeseries("Heartbeat round trip", "The latest heartbeat's round trip.",
                     [g.query(f"max(holdfast_heartbeat_rtt_seconds{{{v.STREAM}}})", "round trip")],
                     unit="s", thresholds=v.SECONDS, size=(8, 7)),
        g.timeseries("Heartbeats", "Heartbeats answered and missed.",
                     [g.query(v.increase("holdfast_heartbeats_total", over=INTERVAL, by="by (outcome)"),
                              "{{outcome}}")], unit="none", thresholds=v.COUNT_BAD, style="bars", stack=True,
                     overrides=[g.colored("missed", g.RED), g.colored("answered", g.GREEN)], size=(8, 7)),
        g.timeseries("Token lifetime left", "Until the token of each credential of this instance expires. Below 0 it"
                     " has expired and was not refreshed.", [g.query(token, "{{credential}} on {{instance}}")],
                     unit="s", thresholds=g.steps(g.RED, (0, g.ORANGE), (60, g.GREEN)), minimum=None,
                     show_thresholds=True, size=(8, 7)),
        g.timeseries("Token requests", "Requests to the token endpoint by credential and outcome.",
                     [g.query(v.increase("holdfast_token_requests_total", own, INTERVAL, "by (credential, outcome)"),
                              "{{credential}}: {{outcome}}")], unit="none", thresholds=v.NEUTRAL, style="bars",
                     stack=True, size=(8, 7)),
        g.timeseries("Audit events", "Events written to the audit trail, per second, by kind.",
                     [g.query(v.rate("holdfast_audit_events_total", own, "by (event)"), "{{event}}")], unit="cps",
                     thresholds=v.NEUTRAL, stack=True, size=(8, 7)),
        g.timeseries("Audit events dropped", "Events that a sink could not take.",
                     [g.query(v.increase("holdfast_audit_dropped_total", own, INTERVAL, "by (sink)"), "{{sink}}")],
                     unit="none", thresholds=v.ANY_BAD, style="bars", stack=True, size=(8, 7)),
    ]


def build():
    return g.dashboard(
        v.STREAM_VIEW, "Holdfast / Stream",
        "A single stream: what it is doing, why it was lost, how it came back, and what did not arrive.",
        v.variables(one_stream=True), v.ANNOTATIONS,
        [g.link("All streams", v.OVERVIEW, "The fleet, worst streams first")],
        [("Now", now()), ("State", state()), ("Why", why()), ("How fast it comes back", speed()),
         ("Messages", messages()), ("Heartbeats, tokens, audit trail", upkeep())],
    )
