import MetricsRegistry
import StreamMetrics
import StreamModel
import Testing

@Suite struct StreamMetricsTests {
    private let metrics: StreamMetrics

    init() throws {
        metrics = try StreamMetrics(version: "1", swift: "6")
    }

    private func identity(_ name: String, _ labels: [StreamIdentity.Label] = [], profile: String = "p")
        -> StreamIdentity
    {
        StreamIdentity(name: name, profile: profile, clientID: "c", labels: labels)
    }

    @Test func streamsComeAndGo() throws {
        _ = try metrics.addStream(identity("a"), sequenced: true)
        _ = try metrics.addStream(identity("b"), sequenced: true)
        #expect(metrics.removeStream(named: "a"))
        #expect(!metrics.removeStream(named: "a"))
        let scrape = Scrape(metrics)
        #expect(!scrape.samples.contains { $0.series.contains(#"stream="a""#) })
        #expect(scrape.samples.contains { $0.series.contains(#"stream="b""#) })
        // A stream that comes again starts anew.
        _ = try metrics.addStream(identity("a"), sequenced: true)
        #expect(Scrape(metrics).stream("stream_up") == "0")
    }

    @Test func namesAreUnique() throws {
        _ = try metrics.addStream(identity("a"), sequenced: true)
        // Other labels would make other series, but still one stream under the name of another.
        #expect(throws: RegistryError.duplicateSeries(family: "holdfast_stream_up", labels: [Label("stream", "a")])) {
            try metrics.addStream(identity("a", [.init(name: "team", value: "x")], profile: "q"), sequenced: true)
        }
        #expect(!Scrape(metrics).samples.contains { $0.series.contains(#"profile="q""#) })
    }

    @Test(arguments: [
        "stream", "profile", "reason", "state", "outcome", "phase", "event", "sink", "le", "quantile", "__name__",
        "credential",
    ])
    func reservedLabels(name: String) {
        #expect(throws: RegistryError.reservedLabel(name)) {
            try metrics.addStream(identity("a", [.init(name: name, value: "x")]), sequenced: true)
        }
    }

    @Test func invalidLabels() {
        #expect(throws: RegistryError.invalidLabelName("my-team")) {
            try metrics.addStream(identity("a", [.init(name: "my-team", value: "x")]), sequenced: true)
        }
        let twice = [StreamIdentity.Label(name: "team", value: "x"), .init(name: "team", value: "y")]
        #expect(throws: RegistryError.duplicateLabel("team")) {
            try metrics.addStream(identity("a", twice), sequenced: true)
        }
        #expect(!Scrape(metrics).samples.contains { $0.series.contains("stream=") })
    }

    @Test func streamsOfAProfileShareItsPhases() throws {
        let first = try metrics.addStream(identity("a"), sequenced: true)
        let second = try metrics.addStream(identity("b"), sequenced: true)
        let attempt = StreamEvent.Attempt(
            generation: 1, number: 1, retryCount: 0, isReconnect: false, isResume: false, delay: .zero, cause: "")
        var timings = PhaseTimings()
        timings[.tls] = .milliseconds(20)
        for series in [first, second] {
            series.record(.live(attempt, timings, outage: nil), at: Instant(nanoseconds: 0))
        }
        let count = #"holdfast_connect_phase_duration_seconds_count{profile="p",phase="tls"}"#
        #expect(Scrape(metrics)[count] == "2")
        #expect(try metrics.profileSeries("p") === metrics.profileSeries("p"))
    }

    @Test func credentials() throws {
        try metrics.addCredential("k")
        try metrics.addCredential("k")
        metrics.record(.requestEnded(.ok), credential: "k")
        metrics.record(.requestEnded(.throttled), credential: "k")
        metrics.record(.requestEnded(.ok), credential: "k")
        metrics.record(.requestEnded(.ok), credential: "unknown")
        metrics.record(.rejected(.init(cause: .invalidClient, status: 401, detail: "no")), credential: "k")
        metrics.record(.refreshed(expiry: WallTime(milliseconds: 1_763_785_800_500)), credential: "k")
        let expiry = #"holdfast_token_expiry_timestamp_seconds{credential="k"}"#
        let scrape = Scrape(metrics)
        func requests(_ outcome: String) -> String? {
            scrape[#"holdfast_token_requests_total{credential="k",outcome="\#(outcome)"}"#]
        }
        #expect(TokenOutcome.allCases.map { requests($0.rawValue) } == ["2", "1", "0", "0"])
        #expect(scrape[expiry] == "1763785800.5")
        metrics.record(.refreshed(expiry: nil), credential: "k")
        #expect(Scrape(metrics)[expiry] == "0")
        #expect(metrics.removeCredential(named: "k"))
        #expect(Scrape(metrics)[expiry] == nil)
    }

    @Test func auditTrail() throws {
        metrics.recordAuditEvent("stream_live")
        metrics.recordAuditEvent("stream_live")
        metrics.recordAuditEvent("no such event")
        try metrics.auditDropped(sink: "file").increment(by: 3)
        try metrics.auditDropped(sink: "file").increment()
        let scrape = Scrape(metrics)
        #expect(scrape[#"holdfast_audit_events_total{event="stream_live"}"#] == "2")
        #expect(scrape[#"holdfast_audit_events_total{event="stream_stopped"}"#] == "0")
        #expect(scrape[#"holdfast_audit_dropped_total{sink="file"}"#] == "4")
    }

    @Test func processWide() {
        metrics.recordConfigurationLoad(success: true, at: WallTime(milliseconds: 1_000_250))
        metrics.recordConfigurationLoad(success: false, at: WallTime(milliseconds: 2_000_000))
        metrics.recordScrape(.microseconds(700))
        let scrape = Scrape(metrics)
        #expect(scrape["holdfast_config_last_reload_successful"] == "0")
        #expect(scrape["holdfast_config_last_reload_success_timestamp_seconds"] == "1000.25")
        #expect(scrape["holdfast_scrapes_total"] == "1")
        #expect(scrape["holdfast_scrape_duration_seconds_sum"] == "0.0007")
        #expect(scrape[#"holdfast_scrape_duration_seconds_bucket{le="0.0005"}"#] == "0")
        #expect(scrape[#"holdfast_scrape_duration_seconds_bucket{le="0.001"}"#] == "1")
        #expect(scrape[#"holdfast_build_info{version="1",swift="6"}"#] == "1")
    }

    @Test func registersOnce() {
        #expect(throws: RegistryError.duplicateName("holdfast_stream_up")) {
            try StreamMetrics(registry: metrics.registry, version: "1", swift: "6")
        }
    }
}
