import MetricsRegistry
import Synchronization
import Testing

/// Writers, scrapes and registration at the same time: no counter steps back, no group is seen in part.
@Suite struct ConcurrencyTests {
    private struct Keys: Sendable {
        var declaration: SeriesDeclaration
        let counter: SeriesKey<Counter>
        let clock: SeriesKey<RunningClock>
        let state: SeriesKey<StateGauge>
        let histogram: SeriesKey<DurationHistogram>

        init(_ writers: SeriesDeclaration.Writers) {
            declaration = SeriesDeclaration(writers: writers)
            let prefix = writers == .one ? "one" : "many"
            counter = declaration.counter("\(prefix)_total", "C.")
            clock = declaration.runningClock("\(prefix)_on_seconds_total", "C.")
            state = declaration.state("\(prefix)_state", "S.", of: .init("state", ["a", "b", "c"]))
            histogram = declaration.durationHistogram("\(prefix)_latency_seconds", "H.", bounds: [0.001, 0.01])
        }
    }

    /// How many writers are still at work.
    private final class Countdown: Sendable {
        private let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
        func end() { count.subtract(1, ordering: .relaxed) }
        var isRunning: Bool { count.load(ordering: .relaxed) > 0 }
    }

    /// A clock that goes on by one microsecond whenever it is read.
    private final class Ticker: Sendable {
        private let now = Atomic<Int64>(1_000_000)
        func read() -> Int64 { now.wrappingAdd(1_000, ordering: .relaxed).newValue }
    }

    @Test func countersNeverStepBack() async throws {
        let registry = MetricsRegistry()
        let (one, many) = (Keys(.one), Keys(.many))
        let (oneLayout, manyLayout) = (try registry.register(one.declaration), try registry.register(many.declaration))
        let shared = try manyLayout.makeGroup()
        try registry.add(shared)
        let ticker = Ticker()
        let (writers, rounds, burst) = (3, 10_000, 20)
        let total = shared[many.counter]
        let remaining = Countdown(writers)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<writers {
                let own = try oneLayout.makeGroup(LabelSet([Label("stream", "s\(number)")]))
                try registry.add(own)
                tasks.addTask {
                    for round in 0..<rounds {
                        own[one.counter].increment()
                        own[one.state].set(round % 3)
                        own[one.histogram].observe(nanoseconds: Int64(round % 12) * 1_000_000)
                        round % 2 == 0
                            ? own[one.clock].start(at: ticker.read()) : own[one.clock].stop(at: ticker.read())
                        for _ in 0..<burst { total.increment() }
                        shared[many.histogram].observe(nanoseconds: 1)
                    }
                    remaining.end()
                }
            }
            tasks.addTask {
                for round in 0..<500 {
                    let passing = try oneLayout.makeGroup(LabelSet([Label("stream", "passing\(round % 7)")]))
                    try registry.add(passing)
                    registry.remove(passing)
                }
            }
            for _ in 0..<2 {
                tasks.addTask {
                    var watch = Watch()
                    let buffer = ExpositionBuffer()
                    while remaining.isRunning {
                        registry.encode(.text, now: ticker.read(), into: buffer)
                        watch.check(String(decoding: buffer.bytes, as: UTF8.self))
                    }
                }
            }
            try await tasks.waitForAll()
        }
        let last = scrape(registry, now: ticker.read())
        #expect(value(of: "many_total", in: last) == String(writers * rounds * burst), "no increment was lost")
        #expect(value(of: "many_latency_seconds_count", in: last) == String(writers * rounds))
        #expect(value(of: "one_total{stream=\"s1\"}", in: last) == String(rounds))
        #expect(value(of: "one_latency_seconds_count{stream=\"s2\"}", in: last) == String(rounds))
    }

    /// What one scraper saw before.
    private struct Watch {
        private var seen: [String: Double] = [:]

        mutating func check(_ text: String) {
            var states: [Substring: Double] = [:]
            var perStream: [Substring: Int] = [:]
            for (series, value) in samples(text) {
                guard let number = Double(value) else {
                    Issue.record("not a number: \(series) \(value)")
                    continue
                }
                let labels = series.split(separator: "{", maxSplits: 1).last ?? ""
                if let stream = labels.split(separator: "\"").dropFirst().first, labels.hasPrefix("stream=") {
                    perStream[stream, default: 0] += 1
                    if series.hasPrefix("one_state") { states[stream, default: 0] += number }
                }
                guard series.contains("_total") || series.contains("_bucket") || series.contains("_count"),
                    !series.contains("passing")
                else { continue }
                if let before = seen[series], before > number {
                    Issue.record("\(series) went from \(before) to \(number)")
                }
                seen[series] = number
            }
            #expect(states.values.allSatisfy { $0 == 1 }, "one state at a time")
            #expect(perStream.values.allSatisfy { $0 == 10 }, "all series of a group, or none")
        }
    }
}
