import MetricsRegistry
import StreamMetrics
import StreamModel
import Testing

/// The interface that dashboards and alerts rely on: names, types and labels, written out once more by hand.
@Suite struct CatalogueTests {
    static let documented = [
        "holdfast_stream_up gauge stream,profile",
        "holdfast_stream_state gauge stream,profile,state",
        "holdfast_retry_count gauge stream,profile",
        "holdfast_connect_attempts_total counter stream,profile",
        "holdfast_connect_failures_total counter stream,profile,reason",
        "holdfast_disconnects_total counter stream,profile,reason",
        "holdfast_reconnects_total counter stream,profile",
        "holdfast_retries_total counter stream,profile",
        "holdfast_retries_exhausted_total counter stream,profile",
        "holdfast_reconnect_latency_seconds histogram stream,profile",
        "holdfast_outage_duration_seconds histogram stream,profile",
        "holdfast_connect_phase_duration_seconds histogram profile,phase",
        "holdfast_backoff_delay_seconds gauge stream,profile",
        "holdfast_resumes_total counter stream,profile,outcome",
        "holdfast_continuity_ratio gauge stream,profile",
        "holdfast_messages_received_total counter stream,profile",
        "holdfast_messages_expected_total counter stream,profile",
        "holdfast_messages_lost_total counter stream,profile",
        "holdfast_messages_late_total counter stream,profile",
        "holdfast_messages_reordered_total counter stream,profile",
        "holdfast_messages_duplicate_total counter stream,profile",
        "holdfast_messages_flushed_total counter stream,profile",
        "holdfast_messages_pending gauge stream,profile",
        "holdfast_sequence_gaps_total counter stream,profile",
        "holdfast_sequence_resets_total counter stream,profile",
        "holdfast_last_sequence gauge stream,profile",
        "holdfast_last_message_timestamp_seconds gauge stream,profile",
        "holdfast_observed_seconds_total counter stream,profile",
        "holdfast_covered_seconds_total counter stream,profile",
        "holdfast_heartbeats_total counter stream,profile,outcome",
        "holdfast_heartbeat_rtt_seconds gauge stream,profile",
        "holdfast_received_bytes_total counter stream,profile",
        "holdfast_sent_bytes_total counter stream,profile",
        "holdfast_token_requests_total counter credential,outcome",
        "holdfast_token_expiry_timestamp_seconds gauge credential",
        "holdfast_connect_budget_wait_seconds_total counter stream,profile",
        "holdfast_audit_events_total counter event",
        "holdfast_audit_last_line gauge ",
        "holdfast_audit_dropped_total counter sink",
        "holdfast_config_last_reload_successful gauge ",
        "holdfast_config_last_reload_success_timestamp_seconds gauge ",
        "holdfast_build_info gauge version,swift",
        "holdfast_scrapes_total counter ",
        "holdfast_scrape_duration_seconds histogram ",
        "process_cpu_seconds_total counter ",
        "process_open_fds gauge ",
        "process_max_fds gauge ",
        "process_virtual_memory_bytes gauge ",
        "process_virtual_memory_max_bytes gauge ",
        "process_resident_memory_bytes gauge ",
        "process_start_time_seconds gauge ",
        "process_threads gauge ",
    ]

    static let closedSets = [
        "state": "idle authenticating connecting subscribing live backing_off exhausted stopped",
        "holdfast_connect_failures_total":
            "token refused_token forbidden throttled gateway_error http_error dns refused "
            + "timeout tls ack_timeout ack_rejected protocol closed other",
        "holdfast_disconnects_total":
            "closed_normal closed_abnormal token heartbeat silence protocol too_large transport "
            + "planned shutdown",
        "phase": "token prepare dns tcp tls upgrade ack",
        "holdfast_resumes_total": "full partial refused unknown",
        "holdfast_heartbeats_total": "answered missed",
        "holdfast_token_requests_total": "ok throttled rejected error",
    ]

    @Test func isWhatIsDocumented() {
        let actual = StreamMetrics.catalogue.map {
            "\($0.family.name) \($0.family.kind.rawValue) \($0.labels.joined(separator: ","))"
        }
        #expect(Set(actual) == Set(Self.documented))
        #expect(actual.count == Self.documented.count)
    }

    @Test func closedSetsAreWhatIsDocumented() {
        var checked = 0
        for entry in StreamMetrics.catalogue {
            guard let dimension = entry.family.dimension,
                let expected = Self.closedSets[entry.family.name] ?? Self.closedSets[dimension.label]
            else { continue }
            #expect(dimension.values.joined(separator: " ") == expected, "\(entry.family.name)")
            checked += 1
        }
        #expect(checked == Self.closedSets.count)
    }

    @Test func everyMetricIsExplained() {
        for entry in StreamMetrics.catalogue {
            #expect(entry.family.help.hasSuffix("."), "\(entry.family.name)")
            #expect(entry.family.help.count > 10, "\(entry.family.name)")
        }
    }

    @Test func ownLabelsAreReserved() {
        for entry in StreamMetrics.catalogue where entry.groupLabels.contains("stream") {
            for label in entry.labels { #expect(StreamMetrics.reservedLabels.contains(label)) }
        }
    }

    /// The catalogue and what is exposed can't part.
    @Test func everythingIsExposedFromTheStart() throws {
        let metrics = try StreamMetrics(version: "1.2.3", swift: "6.3")
        let identity = StreamIdentity(
            name: "a", profile: "p", clientID: "c", labels: [.init(name: "team", value: "ivr")])
        _ = try metrics.addStream(identity, sequenced: true)
        try metrics.addCredential("k")
        _ = try metrics.auditDropped(sink: "file")
        let scrape = Scrape(metrics)
        var expected: [String] = []
        let groups = [
            "stream": #"stream="a",profile="p",team="ivr""#, "profile": #"profile="p""#,
            "credential": #"credential="k""#,
            "sink": #"sink="file""#, "version": #"version="1.2.3",swift="6.3""#,
        ]
        for entry in StreamMetrics.catalogue {
            let group = entry.groupLabels.first.flatMap { groups[$0] }
            let own = entry.family.dimension.map { own in own.values.map { "\(own.label)=\"\($0)\"" } } ?? [nil]
            for label in own {
                let labels = [group, label].compactMap { $0 }
                func series(_ suffix: String, _ more: [String] = []) -> String {
                    let all = (labels + more).joined(separator: ",")
                    return entry.family.name + suffix + (all.isEmpty ? "" : "{\(all)}")
                }
                guard entry.family.kind == .histogram else {
                    expected.append(series(""))
                    continue
                }
                let bounds = entry.family.bounds.map { "\($0)" } + ["+Inf"]
                expected += bounds.map { series("_bucket", ["le=\"\($0)\""]) } + [series("_sum"), series("_count")]
            }
        }
        #expect(scrape.samples.map(\.series) == expected)
        for (series, value) in scrape.samples where series.contains("stream=") {
            let isOne = series.contains("state=\"idle\"") || series.hasPrefix("holdfast_continuity_ratio")
            #expect(value == (isOne ? "1" : "0"), "\(series)")
        }
    }
}

/// What a scrape says.
struct Scrape {
    let samples: [(series: String, value: String)]

    init(_ metrics: StreamMetrics, now: Instant = Instant(nanoseconds: 0)) {
        let buffer = ExpositionBuffer()
        metrics.registry.encode(.text, now: now.nanoseconds, into: buffer)
        let text = String(decoding: buffer.bytes, as: UTF8.self)
        samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            guard let space = line.lastIndex(of: " ") else { return nil }
            return (String(line[..<space]), String(line[line.index(after: space)...]))
        }
    }

    /// The value of `holdfast_NAME` with the labels of the stream `a`, and `more`.
    func stream(_ name: String, _ more: String = "") -> String? {
        let labels = #"stream="a",profile="p""# + (more.isEmpty ? "" : "," + more)
        return self["holdfast_\(name){\(labels)}"]
    }

    subscript(series: String) -> String? {
        samples.first { $0.series == series }?.value
    }
}
