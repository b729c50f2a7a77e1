import Testing

@testable import MetricsRegistry

@Suite struct RegistrationTests {
    private func refusal(_ declare: (inout SeriesDeclaration) -> Void) -> RegistryError? {
        let registry = MetricsRegistry()
        var declaration = SeriesDeclaration(writers: .one)
        declare(&declaration)
        do {
            _ = try registry.register(declaration)
            return nil
        } catch {
            return error
        }
    }

    @Test func names() {
        #expect(refusal { _ = $0.gauge("a:b_C9", "G.") } == nil)
        #expect(refusal { _ = $0.gauge("9a", "G.") } == .invalidMetricName("9a"))
        #expect(refusal { _ = $0.gauge("", "G.") } == .invalidMetricName(""))
        #expect(refusal { _ = $0.gauge("a-b", "G.") } == .invalidMetricName("a-b"))
        #expect(refusal { _ = $0.gauge("é", "G.") } == .invalidMetricName("é"))
        #expect(refusal { _ = $0.counter("c", "C.") } == .counterWithoutTotal("c"))
        #expect(refusal { _ = $0.counter("_total", "C.") } == .counterWithoutTotal("_total"))
        #expect(refusal { _ = $0.gauge("g", "G.", unit: "bytes") } == .nameWithoutUnit(name: "g", unit: "bytes"))
        #expect(refusal { _ = $0.counter("sent_bytes_total", "C.", unit: "bytes") } == nil)
        #expect(
            refusal { _ = $0.durationCounter("c_total", "C.") } == .nameWithoutUnit(name: "c_total", unit: "seconds"))
    }

    @Test func namesThatCollide() {
        #expect(refusal { _ = ($0.gauge("g", "G."), $0.gauge("g", "G.")) } == .duplicateName("g"))
        // Different samples, but one family for OpenMetrics.
        #expect(refusal { _ = ($0.gauge("x", "X."), $0.counter("x_total", "X.")) } == .duplicateName("x"))
        #expect(
            refusal { _ = ($0.histogram("h", "H.", bounds: [1]), $0.gauge("h_sum", "G.")) } == .duplicateName("h_sum"))
        #expect(
            refusal { _ = ($0.gauge("h_count", "G."), $0.histogram("h", "H.", bounds: [1])) }
                == .duplicateName("h_count"))
    }

    @Test(arguments: [[], [1, 1], [2, 1], [1, .infinity], [.nan]] as [[Double]]) func bounds(bounds: [Double]) {
        #expect(refusal { _ = $0.histogram("h", "H.", bounds: bounds) } == .invalidBounds("h"))
    }

    @Test func dimensions() {
        func refused(_ label: String, _ values: [String]) -> RegistryError? {
            refusal { _ = $0.counter("c_total", "C.", by: .init(label, values)) }
        }
        #expect(refused("reason", ["a", "b"]) == nil)
        #expect(refused("reason", []) == .invalidDimension(family: "c_total", label: "reason"))
        #expect(refused("reason", ["a", "a"]) == .invalidDimension(family: "c_total", label: "reason"))
        #expect(refused("le", ["a"]) == .reservedLabel("le"))
        #expect(refused("a b", ["a"]) == .invalidLabelName("a b"))
    }

    @Test func labelSets() throws {
        #expect(throws: RegistryError.invalidLabelName("")) { try LabelSet([Label("", "x")]) }
        #expect(throws: RegistryError.invalidLabelName("a:b")) { try LabelSet([Label("a:b", "x")]) }
        #expect(throws: RegistryError.reservedLabel("le")) { try LabelSet([Label("le", "x")]) }
        #expect(throws: RegistryError.reservedLabel("quantile")) { try LabelSet([Label("quantile", "x")]) }
        #expect(throws: RegistryError.reservedLabel("__name__")) { try LabelSet([Label("__name__", "x")]) }
        #expect(throws: RegistryError.duplicateLabel("a")) { try LabelSet([Label("a", "x"), Label("a", "y")]) }
        var declaration = SeriesDeclaration(writers: .one)
        _ = declaration.counter("c_total", "C.", by: .init("reason", ["a"]))
        let layout = try MetricsRegistry().register(declaration)
        #expect(throws: RegistryError.duplicateLabel("reason")) {
            try layout.makeGroup(LabelSet([Label("reason", "x")]))
        }
    }

    @Test func refusedDeclarationLeavesNothing() throws {
        let registry = MetricsRegistry()
        _ = try registry.gauge("g", "G.")
        var declaration = SeriesDeclaration(writers: .one)
        _ = declaration.gauge("fresh", "F.")
        _ = declaration.gauge("g", "G.")
        #expect(throws: RegistryError.duplicateName("g")) { try registry.register(declaration) }
        _ = try registry.gauge("fresh", "F.")
    }

    @Test func errorsSayWhatToDo() {
        let error = RegistryError.duplicateSeries(family: "up", labels: [Label("stream", "a")])
        #expect(error.description.contains("up{stream=\"a\"}"))
        #expect(RegistryError.counterWithoutTotal("c").description.contains("_total"))
    }
}

/// Groups come and go with all of their series.
@Suite struct GroupTests {
    private struct Fixture {
        let registry = MetricsRegistry()
        let layout: SeriesLayout
        let first: SeriesKey<Counter>
        let second: SeriesKey<Counter>

        init() throws {
            var declaration = SeriesDeclaration(writers: .one)
            first = declaration.counter("first_total", "F.")
            second = declaration.counter("second_total", "S.")
            layout = try registry.register(declaration)
        }

        func group(_ name: String) throws -> SeriesGroup {
            try layout.makeGroup(LabelSet([Label("stream", name)]))
        }

        func series() -> [String] { samples(scrape(registry)).map(\.series) }
    }

    @Test func appearAndDisappearAtOnce() throws {
        let fixture = try Fixture()
        let (a, b) = (try fixture.group("a"), try fixture.group("b"))
        #expect(fixture.series().isEmpty)
        try fixture.registry.add(b)
        try fixture.registry.add(a)
        // Grouped by family; within it in the order of addition.
        #expect(
            fixture.series() == [
                "first_total{stream=\"b\"}", "first_total{stream=\"a\"}", "second_total{stream=\"b\"}",
                "second_total{stream=\"a\"}",
            ])
        #expect(fixture.registry.remove(b))
        #expect(!fixture.registry.remove(b))
        #expect(fixture.series() == ["first_total{stream=\"a\"}", "second_total{stream=\"a\"}"])
        b[fixture.first].increment()  // harmless
        #expect(fixture.registry.remove(a))
        #expect(scrape(fixture.registry) == "", "a family without series says nothing")
    }

    @Test func duplicatesAreRefused() throws {
        let fixture = try Fixture()
        let labels = [Label("stream", "a"), Label("team", "x")]
        try fixture.registry.add(fixture.layout.makeGroup(LabelSet(labels)))
        let before = fixture.series()
        let same = [labels, labels.reversed(), labels + [Label("empty", "")]]
        for set in same {
            #expect(throws: RegistryError.duplicateSeries(family: "first_total", labels: set)) {
                try fixture.registry.add(fixture.layout.makeGroup(LabelSet(set)))
            }
        }
        #expect(fixture.series() == before)
        // The twin of a group is not the group.
        #expect(!fixture.registry.remove(try fixture.layout.makeGroup(LabelSet(labels))))
        #expect(fixture.series() == before)
    }

    @Test func groupsOfAnotherRegistryAreRefused() throws {
        let (one, other) = (try Fixture(), try Fixture())
        #expect(throws: RegistryError.unknownLayout(family: "first_total")) {
            try one.registry.add(try other.group("a"))
        }
        #expect(!one.registry.remove(try other.group("a")))
    }

    @Test func orderSurvivesManyRemovals() throws {
        let fixture = try Fixture()
        let groups = try (0..<1_000).map { try fixture.group("s\($0)") }
        for group in groups { try fixture.registry.add(group) }
        for (number, group) in groups.enumerated() where number % 10 != 3 {
            #expect(fixture.registry.remove(group))
        }
        let kept = stride(from: 3, to: 1_000, by: 10).map { "first_total{stream=\"s\($0)\"}" }
        #expect(Array(fixture.series().prefix(100)) == kept)
        // Positions are right after the rows have moved, and a name can be used again.
        #expect(fixture.registry.remove(groups[993]))
        try fixture.registry.add(fixture.group("s0"))
        #expect(Array(fixture.series().prefix(100)) == kept.dropLast() + ["first_total{stream=\"s0\"}"])
    }

    @Test func collectorsRunBeforeTheScrape() throws {
        let registry = MetricsRegistry()
        let gauge = try registry.gauge("g", "G.")
        registry.onScrape { gauge.add(1) }
        #expect(value(of: "g", in: scrape(registry)) == "1")
        #expect(value(of: "g", in: scrape(registry)) == "2")
    }

    @Test func singleMetrics() throws {
        let registry = MetricsRegistry()
        let labels = try LabelSet([Label("version", "1.0")])
        try registry.counter("c_total", "C.", labels: labels).increment(by: 3)
        try registry.histogram("h", "H.", bounds: [1]).observe(0.5)
        #expect(value(of: "c_total{version=\"1.0\"}", in: scrape(registry)) == "3")
        #expect(value(of: "h_sum", in: scrape(registry)) == "0.5")
        #expect(throws: RegistryError.duplicateName("c_total")) { try registry.counter("c_total", "C.") }
    }
}
