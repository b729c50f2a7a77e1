import Synchronization
import Testing

@testable import MetricsRegistry

/// A text that is written as it is read: the same bytes in whatever pieces, of one moment.
@Suite struct ExpositionTests {
    private struct Keys {
        var declaration = SeriesDeclaration(writers: .many)
        let requests: SeriesKey<Counter>
        let failures: SeriesKey<Counter>
        let ratio: SeriesKey<Gauge>
        let busy: SeriesKey<DurationCounter>
        let on: SeriesKey<RunningClock>
        let mode: SeriesKey<StateGauge>
        let sizes: SeriesKey<Histogram>
        let latency: SeriesKey<DurationHistogram>

        init() {
            requests = declaration.counter("requests_total", "Requests.")
            failures = declaration.counter("failures_total", "Failures.", by: .init("reason", ["dns", "tls"]))
            ratio = declaration.gauge("hit_ratio", "Ratio.", unit: "ratio")
            busy = declaration.durationCounter("busy_seconds_total", "Busy.")
            on = declaration.runningClock("on_seconds_total", "On.")
            mode = declaration.state("mode", "Mode.", of: .init("mode", ["slow", "fast", "idle"]))
            sizes = declaration.histogram("size_bytes", "Size.", bounds: [1, 1000], unit: "bytes")
            latency = declaration.durationHistogram(
                "latency_seconds", "Latency.", bounds: [0.001, 1], by: .init("phase", ["dial", "ask"]))
        }
    }

    /// Groups with labels of every length, values of every width, holes in between, and one group without labels.
    private func filled(_ count: Int, seed: UInt64) throws -> MetricsRegistry {
        let registry = MetricsRegistry()
        let keys = Keys()
        let layout = try registry.register(keys.declaration)
        var random = SplitMix(state: seed)
        for number in 0..<count {
            let labels =
                number == count / 2
                ? LabelSet.empty
                : try LabelSet([Label("stream", "\(number)" + String(repeating: "x", count: Int(random.next() % 90)))])
            let group = try layout.makeGroup(labels)
            group[keys.requests].increment(by: random.next() >> (random.next() % 64))
            group[keys.failures, 1].increment(by: random.next() % 20)
            group[keys.ratio].set(Double(random.next() % 100_000) / 99_991)
            group[keys.busy].add(nanoseconds: Int64(random.next() >> (1 + random.next() % 62)))
            group[keys.on].start(at: Int64(random.next() % 1_000_000_000))
            group[keys.mode].set(Int(random.next() % 3))
            for _ in 0..<(random.next() % 12) {
                group[keys.sizes].observe(Double(random.next() % 2_000_000) / 1000)
                group[keys.latency, Int(random.next() % 2)].observe(nanoseconds: Int64(random.next() % 2_000_000_000))
            }
            try registry.add(group)
            if random.next() % 3 == 0 { registry.remove(group) }
        }
        _ = try registry.counter("last_total", "Last.", labels: LabelSet([Label("of", "it")]))
        return registry
    }

    private func read(_ exposition: Exposition, pieces: () -> Int) -> [UInt8] {
        let reader = ExpositionReader(exposition)
        var text: [UInt8] = []
        while true {
            // Guarded: nothing may be written beyond the piece.
            let size = pieces()
            var piece = [UInt8](repeating: 0xEE, count: size + 64)
            let count = piece.withUnsafeMutableBytes {
                reader.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<size]))
            }
            #expect(piece[size...].allSatisfy { $0 == 0xEE }, "written beyond the piece")
            text += piece[..<count]
            if count < size { return text }
        }
    }

    @Test(arguments: [0, 1, 2, 31, 32, 33, 64, 200]) func inWhateverPieces(groups: Int) throws {
        let registry = try filled(groups, seed: UInt64(groups))
        for format in [ExpositionFormat.text, .openMetrics] {
            let exposition = registry.exposition(format, now: 2_000_000_000)
            let whole = read(exposition) { exposition.count + 1 }
            #expect(whole.count == exposition.count)
            let isScrape = String(decoding: whole, as: UTF8.self) == scrape(registry, format, now: 2_000_000_000)
            #expect(isScrape)
            for size in [1, 7, 64, 1000, 4096] {
                let isSame = read(exposition) { size } == whole
                #expect(isSame, "in pieces of \(size)")
            }
            var random = SplitMix(state: 7)
            let isSame = read(exposition) { Int(random.next() % 700) + 1 } == whole
            #expect(isSame)
        }
    }

    @Test func whatComesLaterIsNotInIt() throws {
        let registry = MetricsRegistry()
        let keys = Keys()
        let layout = try registry.register(keys.declaration)
        let group = try layout.makeGroup(LabelSet([Label("stream", "a")]))
        try registry.add(group)
        group[keys.requests].increment(by: 99)
        let exposition = registry.exposition(.text, now: 0)
        let before = scrape(registry)
        // It grows by a digit, and goes; another comes.
        group[keys.requests].increment(by: 1)
        group[keys.mode].set(2)
        #expect(scrape(registry) != before)
        registry.remove(group)
        try registry.add(try layout.makeGroup(LabelSet([Label("stream", "b")])))
        #expect(String(decoding: read(exposition) { 100 }, as: UTF8.self) == before)
        #expect(exposition.count == before.utf8.count)
    }

    @Test func theMemoryOfOneIsNotThatOfAnother() throws {
        let registry = try filled(40, seed: 3)
        let first = registry.exposition(.text, now: 0)
        let text = read(first) { 5000 }
        // While the first is held, others come and go in the memory that is kept for the next.
        for now in 1...5 { _ = read(registry.exposition(.text, now: Int64(now) * 1_000_000_000)) { 5000 } }
        let isSame = read(first) { 333 } == text
        #expect(isSame)
    }

    @Test func theEndIsToldOnce() throws {
        let registry = try filled(5, seed: 4)
        let held = Ends()
        let exposition = registry.exposition(.text, now: 0) { _ in held.count.add(1, ordering: .relaxed) }
        _ = read(exposition) { 50 }
        _ = read(exposition) { 100_000 }
        let half = ExpositionReader(exposition)
        _ = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { half.read(into: $0) }
        #expect(held.count.load(ordering: .relaxed) == 2)
    }

    private final class Ends: Sendable {
        let count = Atomic(0)
    }

    @Test func textThatIsThereIsReadAsItIs() {
        let text = ExpositionBuffer()
        text.append(Array("up 1\n".utf8))
        let exposition = Exposition(text)
        #expect(exposition.count == 5)
        #expect(read(exposition) { 2 } == Array("up 1\n".utf8))
    }
}
