internal import MetricsRegistry
internal import StreamModel

/// The metrics of one stream, each with the key by which its series are found. The order is that of the exposition.
///
/// A class: every stream's series hold it.
final class StreamKeys: Sendable {
    let declaration: SeriesDeclaration

    let up: SeriesKey<IntegerGauge>
    let state: SeriesKey<StateGauge>
    let retryCount: SeriesKey<IntegerGauge>
    let backoffDelay: SeriesKey<DurationGauge>

    let connectAttempts, connectFailures, disconnects, reconnects, retries, retriesExhausted: SeriesKey<Counter>
    let reconnectLatency, outageDuration: SeriesKey<DurationHistogram>
    let connectBudgetWait: SeriesKey<DurationCounter>
    let resumes: SeriesKey<Counter>

    let continuityRatio: SeriesKey<Gauge>
    let received, expected, lost, late, reordered, duplicate, flushed: SeriesKey<Counter>
    let pending: SeriesKey<IntegerGauge>
    let gaps, resets: SeriesKey<Counter>
    let lastSequence: SeriesKey<IntegerGauge>
    let lastMessage: SeriesKey<DurationGauge>

    let observed, covered: SeriesKey<RunningClock>
    let heartbeats: SeriesKey<Counter>
    let heartbeatRoundTrip: SeriesKey<DurationGauge>
    let receivedBytes, sentBytes: SeriesKey<Counter>

    init() {
        // A stream's event loop is the one thread that writes its series.
        var series = SeriesDeclaration(writers: .one)

        up = series.integerGauge("holdfast_stream_up", "Whether the stream is live: 1 while it is, 0 otherwise.")
        state = series.state(
            "holdfast_stream_state", "The state of the stream: 1 for the current one, 0 for the others.",
            of: .init("state", StreamState.self))
        retryCount = series.integerGauge(
            "holdfast_retry_count", "Consecutive retries since the stream last held for reset_after.")
        backoffDelay = series.durationGauge(
            "holdfast_backoff_delay_seconds",
            "The delay drawn for the attempt that is being waited for, 0 while none is.")

        connectAttempts = series.counter(
            "holdfast_connect_attempts_total", "Attempts to connect that were started, the first one included.")
        connectFailures = series.counter(
            "holdfast_connect_failures_total", "Attempts that did not become live, by reason.",
            by: .init("reason", ConnectFailureReason.self))
        disconnects = series.counter(
            "holdfast_disconnects_total", "Live connections that were lost, by reason.",
            by: .init("reason", DisconnectReason.self))
        reconnects = series.counter(
            "holdfast_reconnects_total", "Times the stream became live again after a loss.")
        retries = series.counter(
            "holdfast_retries_total", "Reconnect attempts made; the first attempt of a start is none.")
        retriesExhausted = series.counter(
            "holdfast_retries_exhausted_total", "Times the retry limit was reached.")
        reconnectLatency = series.durationHistogram(
            "holdfast_reconnect_latency_seconds",
            "Time from the moment the reconnect payload was built until it was acknowledged.",
            bounds: Bounds.latency)
        outageDuration = series.durationHistogram(
            "holdfast_outage_duration_seconds", "Time from the loss of a live connection until live again.",
            bounds: Bounds.outage)
        connectBudgetWait = series.durationCounter(
            "holdfast_connect_budget_wait_seconds_total", "Time that attempts waited for the shared connect budget.")
        resumes = series.counter(
            "holdfast_resumes_total", "What resumes brought back after a reconnect, by outcome.",
            by: .init("outcome", ResumeOutcome.self))

        continuityRatio = series.gauge(
            "holdfast_continuity_ratio",
            "Share of the expected messages that arrived, 0 to 1; NaN where the protocol has no sequence.",
            unit: "ratio")
        received = series.counter(
            "holdfast_messages_received_total", "Application messages received while live.")
        expected = series.counter(
            "holdfast_messages_expected_total",
            "Distinct messages that arrived in time and messages lost: the denominator of continuity.")
        lost = series.counter("holdfast_messages_lost_total", "Sequence numbers given up as lost.")
        late = series.counter(
            "holdfast_messages_late_total", "Messages that arrived after they were counted as lost.")
        reordered = series.counter(
            "holdfast_messages_reordered_total",
            "Messages that arrived out of order, but within the reorder window or the replay of a resume.")
        duplicate = series.counter("holdfast_messages_duplicate_total", "Messages that had been seen already.")
        flushed = series.counter(
            "holdfast_messages_flushed_total", "Messages that arrived between open and acknowledgment.")
        pending = series.integerGauge("holdfast_messages_pending", "Missing messages that are still waited for.")
        gaps = series.counter("holdfast_sequence_gaps_total", "Gaps in the sequence that were opened.")
        resets = series.counter(
            "holdfast_sequence_resets_total", "Times the server started to number its messages anew.")
        lastSequence = series.integerGauge(
            "holdfast_last_sequence", "The highest sequence number seen, 0 before the first.")
        lastMessage = series.durationGauge(
            "holdfast_last_message_timestamp_seconds",
            "Unix time at which the last message was received, 0 before the first.")

        observed = series.runningClock("holdfast_observed_seconds_total", "Time for which the stream was watched.")
        covered = series.runningClock(
            "holdfast_covered_seconds_total", "Time for which the stream was live and not stalled.")
        heartbeats = series.counter(
            "holdfast_heartbeats_total", "Heartbeats, by outcome.", by: .init("outcome", HeartbeatOutcome.self))
        heartbeatRoundTrip = series.durationGauge(
            "holdfast_heartbeat_rtt_seconds", "Round trip of the latest answered heartbeat, 0 before the first.")
        receivedBytes = series.counter("holdfast_received_bytes_total", "Bytes received.", unit: "bytes")
        sentBytes = series.counter("holdfast_sent_bytes_total", "Bytes sent.", unit: "bytes")

        declaration = series
    }
}
