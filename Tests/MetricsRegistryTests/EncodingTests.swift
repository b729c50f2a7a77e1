import Testing

@testable import MetricsRegistry

/// The exact bytes, in both formats.
@Suite struct EncodingTests {
    private struct Keys {
        var declaration = SeriesDeclaration(writers: .one)
        let requests: SeriesKey<Counter>
        let busy: SeriesKey<DurationCounter>
        let temperature: SeriesKey<Gauge>
        let failures: SeriesKey<Counter>
        let mode: SeriesKey<StateGauge>
        let latency: SeriesKey<DurationHistogram>

        init() {
            requests = declaration.counter("requests_total", "Requests.")
            busy = declaration.durationCounter("busy_seconds_total", "Time \"busy\".")
            temperature = declaration.gauge("temperature_celsius", "How warm it is,\nin \\ degrees.", unit: "celsius")
            failures = declaration.counter("failures_total", "Failures.", by: .init("reason", ["dns", "tls"]))
            mode = declaration.state("mode", "Mode.", of: .init("mode", ["slow", "fast"]))
            latency = declaration.durationHistogram("latency_seconds", "Latency.", bounds: [0.005, 1, 30])
        }
    }

    private func filled() throws -> MetricsRegistry {
        let registry = MetricsRegistry()
        let keys = Keys()
        let layout = try registry.register(keys.declaration)
        let first = try layout.makeGroup(LabelSet([Label("stream", "a"), Label("team", "ivr")]))
        let second = try layout.makeGroup()
        first[keys.requests].increment(by: 41)
        first[keys.requests].increment()
        first[keys.busy].add(nanoseconds: 1_500_000_000)
        first[keys.temperature].set(-1.25)
        first[keys.failures, 1].increment(by: 7)
        first[keys.mode].set(1)
        for nanoseconds: Int64 in [5_000_000, 5_000_001, 30_000_000_000, 30_000_000_001] {
            first[keys.latency].observe(nanoseconds: nanoseconds)
        }
        second[keys.temperature].set(.nan)
        try registry.add(first)
        try registry.add(second)
        return registry
    }

    @Test func text() throws {
        let expected = #"""
            # HELP requests_total Requests.
            # TYPE requests_total counter
            requests_total{stream="a",team="ivr"} 42
            requests_total 0
            # HELP busy_seconds_total Time "busy".
            # TYPE busy_seconds_total counter
            busy_seconds_total{stream="a",team="ivr"} 1.5
            busy_seconds_total 0
            # HELP temperature_celsius How warm it is,\nin \\ degrees.
            # TYPE temperature_celsius gauge
            temperature_celsius{stream="a",team="ivr"} -1.25
            temperature_celsius NaN
            # HELP failures_total Failures.
            # TYPE failures_total counter
            failures_total{stream="a",team="ivr",reason="dns"} 0
            failures_total{stream="a",team="ivr",reason="tls"} 7
            failures_total{reason="dns"} 0
            failures_total{reason="tls"} 0
            # HELP mode Mode.
            # TYPE mode gauge
            mode{stream="a",team="ivr",mode="slow"} 0
            mode{stream="a",team="ivr",mode="fast"} 1
            mode{mode="slow"} 1
            mode{mode="fast"} 0
            # HELP latency_seconds Latency.
            # TYPE latency_seconds histogram
            latency_seconds_bucket{stream="a",team="ivr",le="0.005"} 1
            latency_seconds_bucket{stream="a",team="ivr",le="1.0"} 2
            latency_seconds_bucket{stream="a",team="ivr",le="30.0"} 3
            latency_seconds_bucket{stream="a",team="ivr",le="+Inf"} 4
            latency_seconds_sum{stream="a",team="ivr"} 60.010000002
            latency_seconds_count{stream="a",team="ivr"} 4
            latency_seconds_bucket{le="0.005"} 0
            latency_seconds_bucket{le="1.0"} 0
            latency_seconds_bucket{le="30.0"} 0
            latency_seconds_bucket{le="+Inf"} 0
            latency_seconds_sum 0
            latency_seconds_count 0

            """#
        #expect(try scrape(filled()) == expected)
    }

    @Test func openMetrics() throws {
        let text = try scrape(filled())
        let openMetrics = try scrape(filled(), .openMetrics)
        // The samples are the same; what differs is what is said about them.
        #expect(samples(openMetrics).map(\.series) == samples(text).map(\.series))
        #expect(samples(openMetrics).map(\.value) == samples(text).map(\.value))
        let comments = openMetrics.split(separator: "\n").filter { $0.hasPrefix("#") }.joined(separator: "\n")
        let expected = #"""
            # HELP requests Requests.
            # TYPE requests counter
            # HELP busy_seconds Time \"busy\".
            # TYPE busy_seconds counter
            # UNIT busy_seconds seconds
            # HELP temperature_celsius How warm it is,\nin \\ degrees.
            # TYPE temperature_celsius gauge
            # UNIT temperature_celsius celsius
            # HELP failures Failures.
            # TYPE failures counter
            # HELP mode Mode.
            # TYPE mode gauge
            # HELP latency_seconds Latency.
            # TYPE latency_seconds histogram
            # UNIT latency_seconds seconds
            # EOF
            """#
        #expect(comments == expected)
        #expect(openMetrics.hasSuffix("\n# EOF\n"))
    }

    @Test func emptyRegistry() {
        #expect(scrape(MetricsRegistry()) == "")
        #expect(scrape(MetricsRegistry(), .openMetrics) == "# EOF\n")
    }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("a\\b", #"a\\b"#), ("say \"hi\"", #"say \"hi\""#),
        ("two\nlines", #"two\nlines"#),
        ("\\n", #"\\n"#), ("naïve 流 🌊", "naïve 流 🌊"), ("tab\tcr\r", "tab\tcr\r"), ("a,b=\"}{ 1", #"a,b=\"}{ 1"#),
    ])
    func labelValues(raw: String, escaped: String) throws {
        let registry = MetricsRegistry()
        _ = try registry.gauge("g", "G.", labels: LabelSet([Label("x", raw)]))
        #expect(scrape(registry) == "# HELP g G.\n# TYPE g gauge\ng{x=\"\(escaped)\"} 0\n")
    }

    @Test(arguments: 0...70) func everyLengthOfLabel(length: Int) throws {
        // Copies go in blocks of 32 bytes: no length may leave a trace of another.
        let registry = MetricsRegistry()
        let text = String((0..<length).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        var declaration = SeriesDeclaration(writers: .one)
        let key = declaration.counter("c\(text)_total", "C.", by: .init("own", [text, "b"]))
        let group = try registry.register(declaration).makeGroup(LabelSet([Label("x", text)]))
        group[key, 1].increment(by: 123_456)
        try registry.add(group)
        let lines = scrape(registry).split(separator: "\n").dropFirst(2)
        #expect(
            Array(lines) == [
                "c\(text)_total{x=\"\(text)\",own=\"\(text)\"} 0", "c\(text)_total{x=\"\(text)\",own=\"b\"} 123456",
            ])
    }

    @Test func bufferIsReused() throws {
        let registry = try filled()
        let buffer = ExpositionBuffer()
        registry.encode(.text, now: 0, into: buffer)
        let first = Array(buffer.bytes)
        let capacity = buffer.capacity
        registry.encode(.text, now: 0, into: buffer)
        #expect(Array(buffer.bytes) == first)
        #expect(buffer.capacity == capacity)
        buffer.removeAll()
        #expect(buffer.bytes.isEmpty)
        #expect(buffer.capacity == capacity)
    }
}
