import Foundation
import GatewaySimulator
import Holdfast
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct EventsTests {
    @Test func eventsAreTypedInTheOrderOfTheirLinesAndNameTheirAttempt() async throws {
        let bench = try await LibraryBench(streams: ["queue-events"])
        let events = bench.exporter.events()
        let other = bench.exporter.events(of: "nobody")
        try bench.exporter.start()
        try await bench.gateway.acknowledged()
        try await bench.gateway.inject(.drop(.reset))
        try await bench.gateway.acknowledged(2)
        await bench.end()

        var all: [AuditEvent] = []
        for await element in events {
            if case .event(let event) = element { all.append(event) } else { Issue.record("\(element)") }
        }
        for await element in other { Issue.record("\(element)") }

        let numbers = all.compactMap(\.line?.number)
        #expect(numbers == Array(1...UInt64(numbers.count)))
        #expect(numbers.count == Int(bench.exporter.trail.lastLine))
        #expect(all.allSatisfy { $0.stream?.name == "queue-events" })

        // What the typed event says, the line says.
        var attempts: [AttemptID] = []
        for event in all {
            let line = try event.line.map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.bytes)) as? [String: Any])
            }
            switch event.streamEvent {
            case .attemptStarted(let attempt):
                attempts.append(attempt.id)
                #expect(line == nil)
            case .live(let attempt, _, _):
                #expect(attempt.id == attempts.last)
                #expect(line?["attemptId"] as? String == attempts.last?.description)
            case .connectionLost(let loss):
                #expect(loss.attempt == attempts.last)
                #expect(line?["attemptId"] as? String == loss.attempt.description)
            default: break
            }
        }
        #expect(attempts.count >= 2 && Set(attempts).count == attempts.count)
    }

    @Test func aSlowReaderIsToldWhichLinesItMissed() async throws {
        let bench = try await LibraryBench()
        let events = bench.exporter.events(limit: 3)
        for _ in 1...10 { bench.exporter.apply(RuntimePlan(streams: [])) }
        #expect(events.backlog == 4)
        await bench.end()
        var lines: [UInt64] = []
        var dropped: [AuditElement] = []
        for await element in events {
            if case .event(let event) = element {
                lines.append(event.line?.number ?? 0)
            } else {
                dropped.append(element)
            }
        }
        #expect(lines == [1, 2, 3])
        #expect(dropped == [.dropped(count: 7, lines: 4...10)])
    }

    @Test func aCallbackMayTakeItsTimeAndCallTheExporter() async throws {
        let bench = try await LibraryBench()
        let exporter = bench.exporter
        let seen = NIOLockedValueBox<[UInt64]>([])
        exporter.observe { element in
            // With the trail's lock held, this would never return.
            let known = exporter.trail.lastLine
            await Task.yield()
            guard case .event(let event) = element, let number = event.line?.number else { return }
            #expect(number <= known)
            seen.withLockedValue { $0.append(number) }
        }
        for _ in 1...100 { exporter.apply(RuntimePlan(streams: [])) }
        await bench.end()
        #expect(seen.withLockedValue { $0 } == Array(1...100))
    }

    @Test func aCallbackThatNeverReturnsHoldsUpNothing() async throws {
        let bench = try await LibraryBench()
        let (forever, hold) = AsyncStream.makeStream(of: Void.self)
        let observation = bench.exporter.observe { _ in for await _ in forever {} }
        bench.exporter.apply(RuntimePlan(streams: []))
        await bench.end()
        hold.finish()
        await observation.finished()
    }

    @Test func whoeverIsCancelledHearsNoMore() async throws {
        let bench = try await LibraryBench()
        let observation = bench.exporter.observe { _ in Issue.record("was cancelled") }
        observation.cancel()
        await observation.finished()
        bench.exporter.apply(RuntimePlan(streams: []))
        await bench.end()
        // After the end there is nothing to hear.
        for await _ in bench.exporter.events() { Issue.record("has stopped") }
    }
}
