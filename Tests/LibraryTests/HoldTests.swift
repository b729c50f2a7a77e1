import GatewaySimulator
import Holdfast
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct HoldTests {
    private static func read(_ messages: StreamMessages, upTo last: UInt64) async -> [StreamElement] {
        var elements: [StreamElement] = []
        for await element in messages {
            elements.append(element)
            if case .message(let message) = element, message.sequence == last { break }
        }
        return elements
    }

    @Test func throughAnOutageEachMissingNumberIsAGap() async throws {
        let bench = try await LibraryBench()
        let messages = try bench.exporter.hold(bench.stream())
        try bench.exporter.start()
        async let reading = Self.read(messages, upTo: 105)
        // 30 before, 40 while it was away, 20 after, 5 that were skipped, 10 at last.
        try await bench.gateway.haveAnOutage(
            failures: 6, before: 30, missed: 40, replayed: 15, after: 20, skipped: 5, last: 10)
        let elements = await reading
        await bench.end()

        var next: UInt64 = 1
        var missing: [UInt64] = []
        for element in elements {
            switch element {
            case .message(let message):
                #expect(message.sequence == next)
                next += 1
            case .gap(let range):
                #expect(range.first == next)
                missing += range.first...range.last
                next = range.last + 1
            case .interrupted, .restored: break
            case .reset, .dropped: Issue.record("unexpected: \(element)")
            }
        }
        #expect(next == 106)
        #expect(missing == Array(31...55) + Array(91...95))
        #expect(elements.filter { if case .interrupted = $0 { true } else { false } }.count == 1)
        #expect(elements.filter { if case .restored = $0 { true } else { false } }.count == 1)
    }

    @Test func oneCallIsEnough() async throws {
        var options = GatewaySimulator.Options()
        options.acceptsAnyClient = true
        options.eventRate = 100
        let gateway = try await GatewaySimulator.start(options: options)
        let numbers = try await withHeldStream(
            LibraryBench.stream(of: gateway), credentials: ["gateway": LibraryBench.credential(gateway)],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { messages in
            var numbers: [UInt64] = []
            for await case .message(let message) in messages {
                numbers.append(message.sequence ?? 0)
                if numbers.count == 20 { break }
            }
            return numbers
        }
        #expect(numbers == Array((numbers.first ?? 0)..<((numbers.first ?? 0) + 20)))
        // Closed with a close frame, so that the gateway knows.
        try await gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        await gateway.stop()
    }

    @Test func whoeverIsCancelledClosesTheStream() async throws {
        let bench = try await LibraryBench()
        let messages = try bench.exporter.hold(bench.stream())
        try bench.exporter.start()
        let reading = Task { for await _ in messages {} }
        try await bench.gateway.acknowledged()
        reading.cancel()
        await reading.value
        try await bench.gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        // Its name is free again.
        _ = try bench.exporter.hold(bench.stream())
        await bench.end()
    }

    @Test func whatIsLetGoOfIsClosed() async throws {
        let bench = try await LibraryBench()
        try bench.exporter.start()
        do {
            let messages = try bench.exporter.hold(bench.stream())
            try await bench.gateway.acknowledged()
            #expect(messages.backlog == 0)
        }
        try await bench.gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        await bench.end()
    }

    @Test func whatHadArrivedIsReadAfterTheClose() async throws {
        let bench = try await LibraryBench()
        let messages = try bench.exporter.hold(bench.stream())
        try bench.exporter.start()
        let name = try await bench.gateway.acknowledged()
        try await bench.gateway.emit(10, to: name)
        while messages.backlog < 10 { try await Task.sleep(until: .now + .milliseconds(5), clock: .continuous) }
        messages.close()
        try await bench.gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        var numbers: [UInt64?] = []
        for await case .message(let message) in messages { numbers.append(message.sequence) }
        #expect(numbers == (1...10).map { UInt64($0) })
        await bench.end()
    }

    @Test func nobodyWaitsForAStreamThatCannotBe() async throws {
        let bench = try await LibraryBench(streams: ["configured"])
        #expect(throws: ExporterError.nameTaken("configured")) {
            _ = try bench.exporter.hold(bench.stream("configured"))
        }
        var other = try bench.stream()
        other.credential = "other"
        #expect(throws: ExporterError.unknownCredential("other", stream: "queue-events")) {
            _ = try bench.exporter.hold(other)
        }
        // Closed before the start.
        let early = try bench.exporter.hold(bench.stream("early"))
        early.close()
        for await _ in early { Issue.record("nothing could have come") }
        // A label that cannot be: the stream is not started.
        var labelled = try bench.stream("labelled")
        labelled.labels = [.init(name: "stream", value: "x")]
        let messages = try bench.exporter.hold(labelled)
        try bench.exporter.start()
        for await _ in messages { Issue.record("nothing could have come") }
        await bench.exporter.stop()
        #expect(throws: ExporterError.stopped) { _ = try bench.exporter.hold(bench.stream()) }
        await bench.gateway.stop()
    }

    @Test func aNewPlanLeavesWhatIsReadConnected() async throws {
        let bench = try await LibraryBench(streams: ["configured"])
        let messages = try bench.exporter.hold(bench.stream())
        try bench.exporter.start()
        try await bench.gateway.groundTruth(timeout: patience) { $0.handshakes["accepted"] == 2 }
        var plan = RuntimePlan(streams: [], credentials: ["gateway": LibraryBench.credential(bench.gateway)])
        let changes = bench.exporter.apply(plan)
        #expect(changes.removed == ["configured"] && changes.untouched == ["queue-events"])
        plan.streams = [try bench.stream("next")]
        #expect(bench.exporter.apply(plan).added == ["next"])
        #expect(messages.backlog == 0)
        await bench.end()
    }

    @Test func manyReadersComeAndGoAtOnce() async throws {
        let bench = try await LibraryBench(events: 50)
        try bench.exporter.start()
        let exporter = bench.exporter
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                let stream = try bench.stream("s\(index)")
                group.addTask {
                    var count = 0
                    for await case .message in try exporter.hold(stream) {
                        count += 1
                        if count == 3 { break }
                    }
                    #expect(count == 3)
                }
            }
            try await group.waitForAll()
        }
        try await bench.gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        await bench.end()
    }
}

@Suite struct SpecificationTests {
    private func specification(
        of profile: String = "genesys-architect", url: String? = nil, credential: String? = "c",
        _ variables: [String: VariableValue]
    ) throws -> StreamSpecification {
        try StreamSpecification(
            name: "s", profile: profile, url: url, credential: credential, variables: variables)
    }

    @Test func defaultsAreFilledIn() throws {
        let stream = try specification(["environment": "usw2.pure.cloud", "subscriptions": ["queueEvents"]])
        #expect(stream.variables["state_directive"] == "preserve")
        #expect(stream.policy == stream.profile.policy())
        let local = try specification(
            of: "genesys-notifications", url: "ws://127.0.0.1:9/x", ["subscriptions": ["v2.users.1.presence"]])
        #expect(local.url == nil)
        #expect(local.variables["api_url"] == "http://127.0.0.1:9")
    }

    @Test func mistakesSayWhatToDo() throws {
        func complaint(_ body: @autoclosure () throws -> StreamSpecification) -> String {
            do {
                _ = try body()
                return ""
            } catch {
                return "\(error)"
            }
        }
        let good: [String: VariableValue] = ["subscriptions": ["queueEvents"]]
        let url = "ws://127.0.0.1:9/"
        #expect(complaint(try specification(of: "genesys", url: url, good)).contains("unknown profile `genesys`"))
        #expect(complaint(try specification(url: url, credential: nil, good)).contains("needs a credential"))
        #expect(complaint(try specification(good)).contains("`environment` is missing"))
        #expect(complaint(try specification(url: url, [:])).contains("`subscriptions` is missing"))
        #expect(complaint(try specification(url: url, ["topics": ["a"]])).contains("no variable `topics`"))
        #expect(complaint(try specification(url: url, ["subscriptions": "a"])).contains("must be a list of texts"))
        #expect(complaint(try specification(url: url, ["subscriptions": []])).contains("a list of 1 to"))
        let directive: [String: VariableValue] = ["subscriptions": ["a"], "state_directive": "keep"]
        #expect(complaint(try specification(url: url, directive)).contains("one of preserve, reset"))
        #expect(complaint(try specification(url: "queue", good)).contains("the URL"))
    }
}
