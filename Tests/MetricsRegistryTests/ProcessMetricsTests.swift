import Glibc
import Testing

@testable import MetricsRegistry

@Suite struct ProcessMetricsTests {
    @Test func describesThisProcess() throws {
        let registry = MetricsRegistry()
        try ProcessMetrics.register(in: registry)
        let text = scrape(registry)
        func number(_ name: String) -> Double { value(of: name, in: text).flatMap { Double($0) } ?? -1 }
        #expect(samples(text).map(\.series) == ProcessMetrics.families.map(\.name))
        #expect(number("process_cpu_seconds_total") > 0)
        #expect(number("process_open_fds") >= 3)
        #expect(number("process_max_fds") >= number("process_open_fds"))
        #expect(number("process_resident_memory_bytes") > 1_000_000)
        #expect(number("process_virtual_memory_bytes") > number("process_resident_memory_bytes"))
        #expect(number("process_threads") >= 1)
        // After 2020 and, all clocks being sane, not in the far future.
        #expect((1.5e9...1e10).contains(number("process_start_time_seconds")))
        #expect(
            value(of: "process_start_time_seconds", in: scrape(registry))
                == value(of: "process_start_time_seconds", in: text))
    }

    @Test func descriptorsAreCounted() throws {
        let open = (0..<300).map { _ in dup(0) }
        defer { for descriptor in open where descriptor >= 0 { close(descriptor) } }
        let held = UInt64(open.count { $0 >= 0 })
        // Other tests open and close theirs meanwhile.
        #expect(try #require(ProcessMetrics.listDescriptors()) >= held)
        let metrics = try ProcessMetrics.register(in: MetricsRegistry())
        #expect(try #require(metrics.countDescriptors()) >= held)
    }

    @Test func readsTheStatLine() {
        let tail = "S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 7 0 12345 4096000 321 18446744073709551615 1\n"
        let expected = ProcessStatistics(
            cpuTicks: 300, threads: 7, startTicks: 12345, virtualBytes: 4_096_000, residentPages: 321)
        #expect(ProcessStatistics.parse("42 (holdfast) " + tail) == expected)
        #expect(ProcessStatistics.parse("42 (a) b (c d)) " + tail) == expected, "names hold anything")
        #expect(ProcessStatistics.parse("") == nil)
        #expect(ProcessStatistics.parse("42 (holdfast) S 1 2 3") == nil)
        #expect(ProcessStatistics.parse("42 (holdfast) " + tail.replacing("250", with: "x")) == nil)
    }
}
