import CoreMetrics
import Foundation
import Holdfast
import Metrics
import MetricsRegistry
import Testing

@testable import HoldfastMetrics

@Suite(.timeLimit(.minutes(5))) struct MetricsBackendTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func factory(_ change: (inout RegistryMetricsFactory.Options) -> Void = { _ in }) -> RegistryMetricsFactory
    {
        var options = RegistryMetricsFactory.Options()
        change(&options)
        return RegistryMetricsFactory(options: options, logger: logger)
    }

    /// The lines of a scrape that are samples, those of the factory's own counter left out.
    private func samples(_ factory: RegistryMetricsFactory, own: Bool = false) -> [String] {
        let buffer = ExpositionBuffer()
        factory.registry.encode(.text, now: 0, into: buffer)
        return String(decoding: buffer.bytes, as: UTF8.self).split(separator: "\n").map(String.init).filter {
            !$0.hasPrefix("#") && $0.hasPrefix("metrics_backend_") == own
        }
    }

    @Test func everyKindOfMetricIsExposed() {
        let factory = self.factory { options in
            options.timerBounds = [0.1, 1]
            options.bounds["batch.size"] = [10, 100]
        }
        let counter = Metrics.Counter(label: "http.requests", dimensions: [("method", "GET")], factory: factory)
        counter.increment()
        counter.increment(by: 41)
        counter.increment(by: -5)
        let spent = FloatingPointCounter(label: "money.spent", factory: factory)
        spent.increment(by: 0.25)
        spent.increment(by: 0.5)
        spent.increment(by: -1)
        let meter = Meter(label: "queue.depth", factory: factory)
        meter.set(7)
        meter.increment(by: 2.5)
        meter.decrement()
        Metrics.Gauge(label: "temperature", factory: factory).record(-3)
        let recorder = Recorder(label: "batch.size", factory: factory)
        for size in [5, 50, 500] { recorder.record(size) }
        let timer = Metrics.Timer(label: "request.duration", factory: factory)
        timer.recordMilliseconds(50)
        timer.recordSeconds(2)
        #expect(
            samples(factory) == [
                #"http_requests_total{method="GET"} 42"#, "money_spent_total 0.75", "queue_depth 8.5",
                "temperature -3.0",
                #"batch_size_bucket{le="10.0"} 1"#, #"batch_size_bucket{le="100.0"} 2"#,
                #"batch_size_bucket{le="+Inf"} 3"#, "batch_size_sum 555", "batch_size_count 3",
                #"request_duration_seconds_bucket{le="0.1"} 1"#, #"request_duration_seconds_bucket{le="1.0"} 1"#,
                #"request_duration_seconds_bucket{le="+Inf"} 2"#, "request_duration_seconds_sum 2.05",
                "request_duration_seconds_count 2",
            ])
        counter.reset()
        spent.reset()
        #expect(samples(factory).prefix(2) == [#"http_requests_total{method="GET"} 0"#, "money_spent_total 0"])
    }

    @Test(arguments: [
        ("requests_total", "requests_total"), ("total", "total_total"), ("_total", "_total_total"),
        ("1st", "_1st_total"),
        ("café/☕", "caf____total"), ("", "__total"), ("a:b", "a:b_total"),
    ])
    func namesAreMadeValid(label: String, name: String) {
        let factory = self.factory()
        Metrics.Counter(label: label, factory: factory).increment()
        #expect(samples(factory) == ["\(name) 1"])
    }

    @Test func dimensionsAreMadeValidAndNoneIsLost() {
        let factory = self.factory { $0.maximumValueLength = 4 }
        let dimensions = [
            ("http.route", "/a"), ("http-route", "/b"), ("le", "1"), ("__name__", "x"), ("9", "y"), ("empty", ""),
            ("quote", "\"\\\n"), ("long", "aaaé"),
        ]
        Metrics.Counter(label: "c", dimensions: dimensions, factory: factory).increment()
        // The same, in another order: the same series.
        Metrics.Counter(label: "c", dimensions: dimensions.reversed(), factory: factory).increment()
        #expect(
            samples(factory).contains(
                #"c_total{_9="y",exported___name__="x",exported_le="1",http_route="/b;/",long="aaa",quote="\"\\\n"} 2"#)
        )
    }

    @Test func theSameNameIsTheSameSeriesUntilItIsDestroyed() {
        let factory = self.factory()
        let one = Metrics.Counter(label: "c", factory: factory)
        let other = Metrics.Counter(label: "c", factory: factory)
        one.increment()
        other.increment()
        #expect(samples(factory) == ["c_total 2"])
        one.destroy()
        #expect(samples(factory).isEmpty)
        // Destroyed twice, written to afterwards: nothing happens. Made again, it begins anew.
        other.destroy()
        other.increment()
        Metrics.Counter(label: "c", factory: factory).increment()
        #expect(samples(factory) == ["c_total 1"])
        for _ in 0..<10 {
            let meter = Meter(label: "m", dimensions: [("a", "b")], factory: factory)
            meter.set(1)
            meter.destroy()
        }
        let timer = Metrics.Timer(label: "t", factory: factory)
        timer.destroy()
        let recorder = Recorder(label: "r", factory: factory)
        recorder.destroy()
        let floating = FloatingPointCounter(label: "f", factory: factory)
        floating.destroy()
        #expect(samples(factory) == ["c_total 1"])
    }

    @Test func whatCannotBeExposedIsCountedAndDoesNoHarm() {
        let factory = self.factory { options in
            options.maximumFamilies = 3
            options.maximumSeries = 2
        }
        for user in ["a", "b", "c", "d"] {
            Metrics.Counter(label: "logins", dimensions: [("user", user)], factory: factory).increment()
        }
        #expect(samples(factory).count == 2)
        #expect(samples(factory, own: true).contains(#"metrics_backend_refused_total{reason="limit"} 2"#))
        // A counter of this name is there: its samples, and its family as OpenMetrics calls it.
        Metrics.Gauge(label: "logins", factory: factory).record(1)
        Metrics.Gauge(label: "logins_total", factory: factory).record(1)
        FloatingPointCounter(label: "logins", factory: factory).increment(by: 1)
        Metrics.Counter(label: "holdfast.scrapes", factory: factory).increment()
        Metrics.Gauge(label: "process_resident_memory_bytes", factory: factory).record(1)
        #expect(samples(factory, own: true).contains(#"metrics_backend_refused_total{reason="name"} 5"#))
        Meter(label: "one", factory: factory).set(1)
        Meter(label: "two", factory: factory).set(1)
        Meter(label: "three", factory: factory).set(1)
        #expect(samples(factory, own: true).contains(#"metrics_backend_refused_total{reason="limit"} 3"#))
        #expect(samples(factory).count == 4)
        Meter(label: "three", factory: factory).destroy()
    }

    @Test func manyThreadsMakeAndWriteAtOnce() async {
        let factory = self.factory()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<500 {
                        let label = "c\(index % 10)"
                        Metrics.Counter(label: label, dimensions: [("d", "\(index % 7)")], factory: factory).increment()
                        if task == 0, index % 100 == 0 {
                            let passing = Metrics.Counter(label: "passing", factory: factory)
                            passing.increment()
                            passing.destroy()
                        }
                    }
                }
            }
        }
        let total = samples(factory).reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
        #expect(total == 8 * 500)
    }

    @Test func theyComeOutOfTheSameEndpointAndPrometheusTakesThem() async throws {
        let factory = self.factory()
        let bench = try await LibraryBench(streams: ["queue-events"]) { configuration in
            configuration.registry = factory.registry
            configuration.listenAddresses = [ListenAddress(host: "127.0.0.1", port: 0)]
        }
        Metrics.Counter(label: "orders.taken", dimensions: [("Markt", "Zürich \"1\"")], factory: factory).increment(
            by: 3)
        Metrics.Timer(label: "order.duration", factory: factory).recordMilliseconds(12)
        Recorder(label: "order.lines", factory: factory).record(4)
        FloatingPointCounter(label: "order.value", factory: factory).increment(by: 12.5)
        Meter(label: "orders.open", factory: factory).set(2)
        let address = try #require(try bench.exporter.start().first)
        for format in ["text/plain", "application/openmetrics-text;version=1.0.0"] {
            let curl = try RunningProgram(
                URL(filePath: "/usr/bin/curl"), ["-sf", "-H", "Accept: \(format)", "http://\(address)/metrics"])
            #expect(try await curl.end() == 0)
            let text = curl.output
            #expect(text.contains(#"orders_taken_total{Markt="Zürich \"1\""} 3"#))
            #expect(text.contains("order_value_total 12.5\n") && text.contains("orders_open 2\n"))
            #expect(text.contains(#"holdfast_stream_up{stream="queue-events""#))
            if format == "text/plain" { try await judge(text) }
        }
        await bench.end()
    }

    /// What promtool says of a scrape: nothing of the application's metrics, and no error of form (status 1).
    private func judge(_ text: String) async throws {
        let file = NSTemporaryDirectory() + "/holdfast-scrape-\(UUID().uuidString)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let promtool = try RunningProgram(
            URL(filePath: "/bin/sh"), ["-c", #"exec promtool check metrics < "$0""#, file])
        let status = try await promtool.end()
        #expect([0, 3].contains(status))
        let said = promtool.output + promtool.errors
        #expect(!said.contains("order") && !said.contains("metrics_backend"), "\(said)")
    }
}
