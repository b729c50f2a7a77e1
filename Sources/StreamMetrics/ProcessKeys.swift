internal import MetricsRegistry
internal import StreamModel

// What several threads write: the event loops of many streams, the audit trail's writer, the scrapes.

/// The metrics of one profile.
struct ProfileKeys: Sendable {
    let declaration: SeriesDeclaration
    let phases: SeriesKey<DurationHistogram>

    init() {
        var series = SeriesDeclaration(writers: .many)
        phases = series.durationHistogram(
            "holdfast_connect_phase_duration_seconds", "Duration of the phases of attempts to connect.",
            bounds: Bounds.latency, by: .init("phase", ConnectPhase.self))
        declaration = series
    }
}

/// The metrics of one credential.
struct CredentialKeys: Sendable {
    let declaration: SeriesDeclaration
    let requests: SeriesKey<Counter>
    let expiry: SeriesKey<DurationGauge>

    init() {
        var series = SeriesDeclaration(writers: .many)
        requests = series.counter(
            "holdfast_token_requests_total", "Requests to the token endpoint, by outcome.",
            by: .init("outcome", TokenOutcome.self))
        expiry = series.durationGauge(
            "holdfast_token_expiry_timestamp_seconds",
            "Unix time at which the token expires, 0 where that is not known.")
        declaration = series
    }
}

/// The metrics of one sink of the audit trail.
struct SinkKeys: Sendable {
    let declaration: SeriesDeclaration
    let dropped: SeriesKey<Counter>

    init() {
        var series = SeriesDeclaration(writers: .many)
        dropped = series.counter("holdfast_audit_dropped_total", "Audit events that a sink could not take.")
        declaration = series
    }
}

/// The metrics of the process itself.
struct ProcessKeys: Sendable {
    let declaration: SeriesDeclaration
    let auditEvents: SeriesKey<Counter>
    let auditLastLine: SeriesKey<IntegerGauge>
    let reloadSuccessful: SeriesKey<IntegerGauge>
    let reloadTime: SeriesKey<DurationGauge>
    let scrapes: SeriesKey<Counter>
    let scrapeDuration: SeriesKey<DurationHistogram>

    init(auditEvents names: [String]) {
        var series = SeriesDeclaration(writers: .many)
        auditEvents = series.counter(
            "holdfast_audit_events_total", "Lines written to the audit trail, by event.", by: .init("event", names))
        auditLastLine = series.integerGauge(
            "holdfast_audit_last_line", "Number of the newest line of the audit trail: up to which a replay compares.")
        reloadSuccessful = series.integerGauge(
            "holdfast_config_last_reload_successful", "Whether the last load of the configuration succeeded.")
        reloadTime = series.durationGauge(
            "holdfast_config_last_reload_success_timestamp_seconds",
            "Unix time of the last successful load of the configuration.")
        scrapes = series.counter("holdfast_scrapes_total", "Scrapes answered.")
        scrapeDuration = series.durationHistogram(
            "holdfast_scrape_duration_seconds", "Time taken to encode a scrape.", bounds: Bounds.scrape)
        declaration = series
    }
}

/// The metric that tells which build this is.
struct BuildKeys: Sendable {
    let declaration: SeriesDeclaration
    let info: SeriesKey<IntegerGauge>

    init() {
        var series = SeriesDeclaration(writers: .many)
        info = series.integerGauge(
            "holdfast_build_info", "The version of Holdfast and of the Swift compiler that built it; always 1.")
        declaration = series
    }
}
