import GatewaySimulator
import Holdfast
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(5))) struct ServiceTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func aGroupStartsThemAndStopsThemCleanly() async throws {
        let bench = try await LibraryBench()
        let seen = NIOLockedValueBox<[UInt64]>([])
        let isSlow = NIOLockedValueBox(true)
        let reader = HeldStream(try bench.stream(), on: bench.exporter) { element in
            // What had arrived is still delivered while the group shuts down.
            while isSlow.withLockedValue({ $0 }) {
                try await Task.sleep(until: .now + .milliseconds(5), clock: .continuous)
            }
            if case .message(let message) = element { seen.withLockedValue { $0.append(message.sequence ?? 0) } }
        }
        let group = ServiceGroup(services: [bench.exporter, reader], logger: logger)
        let running = Task { try await group.run() }
        let name = try await bench.gateway.acknowledged()
        try await bench.gateway.emit(25, to: name)
        while bench.exporter.summaries.first?.received ?? 0 < 25 {
            try await Task.sleep(until: .now + .milliseconds(5), clock: .continuous)
        }
        await group.triggerGracefulShutdown()
        try await bench.gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        isSlow.withLockedValue { $0 = false }
        try await running.value
        #expect(seen.withLockedValue { $0 } == Array(1...25))
        await bench.gateway.stop()
    }

    @Test func aStreamThatIsGivenUpEndsTheServiceWithAnError() async throws {
        let bench = try await LibraryBench()
        await bench.gateway.stop()
        let stream = try LibraryBench.stream(of: bench.gateway) { policy in
            policy.backoff.maxAttempts = 1
            policy.onExhausted = .exit
        }
        let messages = try bench.exporter.hold(stream)
        await #expect(throws: ExporterError.retriesExhausted(stream: "queue-events")) { try await bench.exporter.run() }
        for await element in messages { #expect(element != .dropped(count: 1)) }
    }

    @Test func cancellationStopsItToo() async throws {
        let bench = try await LibraryBench(streams: ["queue-events"])
        let running = Task { try await bench.exporter.run() }
        try await bench.gateway.acknowledged()
        running.cancel()
        try await running.value
        try await bench.gateway.groundTruth(timeout: patience) { $0.openConnections == 0 }
        await bench.gateway.stop()
    }
}
