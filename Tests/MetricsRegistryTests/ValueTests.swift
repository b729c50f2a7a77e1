import Testing

@testable import MetricsRegistry

/// Each kind of value, with either way of writing.
@Suite struct ValueTests {
    typealias Writers = SeriesDeclaration.Writers

    private func value<Value: MetricValue>(
        _ writers: Writers, _ declare: (inout SeriesDeclaration) -> SeriesKey<Value>
    ) throws -> Value {
        var declaration = SeriesDeclaration(writers: writers)
        let key = declare(&declaration)
        return try MetricsRegistry().register(declaration).makeGroup()[key]
    }

    @Test(arguments: [Writers.one, .many]) func counter(writers: Writers) throws {
        let counter = try value(writers) { $0.counter("c_total", "C.") }
        #expect(counter.value == 0)
        counter.increment()
        counter.increment(by: 4)
        #expect(counter.value == 5)
        counter.advance(to: 9)
        #expect(counter.value == 9)
        counter.advance(to: 3)
        #expect(counter.value == 9, "a counter never decreases")
    }

    @Test(arguments: [Writers.one, .many]) func durationCounter(writers: Writers) throws {
        let counter = try value(writers) { $0.durationCounter("c_seconds_total", "C.") }
        counter.add(nanoseconds: 5)
        counter.add(nanoseconds: -3)
        #expect(counter.nanoseconds == 5)
        counter.advance(toNanoseconds: 8)
        counter.advance(toNanoseconds: 7)
        #expect(counter.nanoseconds == 8)
    }

    @Test(arguments: [Writers.one, .many]) func gauges(writers: Writers) throws {
        let gauge = try value(writers) { $0.gauge("g", "G.") }
        gauge.set(2.5)
        gauge.add(-4)
        #expect(gauge.value == -1.5)
        let integer = try value(writers) { $0.integerGauge("g", "G.") }
        integer.set(.max)
        #expect(integer.value == .max)
        let duration = try value(writers) { $0.durationGauge("g_seconds", "G.") }
        duration.set(nanoseconds: -7)
        #expect(duration.nanoseconds == -7)
        duration.set(unixMilliseconds: 1_763_785_800_123)
        #expect(duration.nanoseconds == 1_763_785_800_123_000_000)
        duration.set(unixMilliseconds: .max)
        #expect(duration.nanoseconds == .max)
        duration.set(unixMilliseconds: .min)
        #expect(duration.nanoseconds == .min)
        let state = try value(writers) { $0.state("s", "S.", of: .init("state", ["a", "b"])) }
        #expect(state.current == 0)
        state.set(1)
        #expect(state.current == 1)
    }

    @Test(arguments: [Writers.one, .many]) func histogram(writers: Writers) throws {
        var declaration = SeriesDeclaration(writers: writers)
        let key = declaration.histogram("h", "H.", bounds: [-1, 0.5, 2])
        let registry = MetricsRegistry()
        let group = try registry.register(declaration).makeGroup()
        try registry.add(group)
        let histogram = group[key]
        for value in [-2, -1, 0.5, 0.6, 2, 2.1, .infinity] { histogram.observe(value) }
        #expect(histogram.count == 7)
        #expect(samples(scrape(registry)).map(\.value) == ["2", "3", "5", "7", "+Inf", "7"])
        histogram.observe(.nan)
        #expect(samples(scrape(registry)).map(\.value) == ["2", "3", "5", "8", "NaN", "8"])
        #expect(histogram.sum.isNaN)
    }

    @Test(arguments: [Writers.one, .many]) func durationHistogram(writers: Writers) throws {
        let histogram = try value(writers) { $0.durationHistogram("h_seconds", "H.", bounds: [0.1, 1]) }
        for nanoseconds: Int64 in [-5, 100_000_000, 100_000_001, 2_000_000_000] {
            histogram.observe(nanoseconds: nanoseconds)
        }
        #expect(histogram.count == 4)
        #expect(histogram.nanoseconds == 2_200_000_001)
    }

    @Test func variantsAreApart() throws {
        var declaration = SeriesDeclaration(writers: .one)
        let key = declaration.durationHistogram("h_seconds", "H.", bounds: [1], by: .init("phase", ["a", "b", "c"]))
        let after = declaration.counter("after_total", "A.")
        let group = try MetricsRegistry().register(declaration).makeGroup()
        #expect(key.variants == 3)
        group[key, 1].observe(nanoseconds: 5)
        group[key, 2].observe(nanoseconds: 5_000_000_000)
        #expect((0..<3).map { group[key, $0].count } == [0, 1, 1])
        #expect((0..<3).map { group[key, $0].nanoseconds } == [0, 5, 5_000_000_000])
        #expect(group[after].value == 0)
    }
}

@Suite struct RunningClockTests {
    private func makeClock(
        _ writers: SeriesDeclaration.Writers = .one
    ) throws -> (clock: RunningClock, registry: MetricsRegistry) {
        var declaration = SeriesDeclaration(writers: writers)
        let key = declaration.runningClock("c_seconds_total", "C.")
        let registry = MetricsRegistry()
        let group = try registry.register(declaration).makeGroup()
        try registry.add(group)
        return (group[key], registry)
    }

    private func shown(_ registry: MetricsRegistry, at now: Int64) -> String? {
        value(of: "c_seconds_total", in: scrape(registry, now: now))
    }

    @Test(arguments: [0, 1, 1_000_000_000_000] as [Int64]) func runsWhileOn(origin: Int64) throws {
        let (clock, registry) = try makeClock()
        #expect(!clock.isRunning)
        #expect(shown(registry, at: origin + 5) == "0")
        clock.start(at: origin)
        #expect(clock.isRunning)
        #expect(clock.nanoseconds(at: origin + 7) == 7)
        clock.start(at: origin + 100)  // no effect
        #expect(shown(registry, at: origin + 1_500_000_000) == "1.5")
        clock.stop(at: origin + 2_000_000_000)
        clock.stop(at: origin + 3_000_000_000)  // no effect
        #expect(!clock.isRunning)
        #expect(shown(registry, at: origin + 9_000_000_000) == "2")
        clock.start(at: origin + 10_000_000_000)
        #expect(shown(registry, at: origin + 10_250_000_000) == "2.25")
    }

    @Test func neverStepsBack() throws {
        let (clock, registry) = try makeClock()
        clock.start(at: 1_000)
        // A scrape whose `now` is ahead of the writer's.
        #expect(shown(registry, at: 3_000) == "0.000002")
        clock.stop(at: 2_000)
        #expect(shown(registry, at: 4_000) == "0.000002")
        // A scrape whose `now` lies before the start that it already sees.
        clock.start(at: 10_000)
        #expect(shown(registry, at: 9_000) == "0.000002")
        #expect(shown(registry, at: 12_500) == "0.0000035")
    }
}
