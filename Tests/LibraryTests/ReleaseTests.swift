import GatewaySimulator
import Holdfast
import Testing

/// An application that holds streams for a while, and others later, must not keep what it had first.
@Suite struct ReleaseTests {
    private struct Witness {
        weak var exporter: Exporter?
        weak var trail: AuditTrail?
        weak var metrics: StreamMetrics?

        /// What is not freed.
        var held: [String] {
            let all: [(String, AnyObject?)] = [("exporter", exporter), ("trail", trail), ("metrics", metrics)]
            return all.filter { $0.1 != nil }.map(\.0)
        }
    }

    /// Holds a stream, reads some of it, serves scrapes, and ends.
    private func hold(reading: Bool) async throws -> Witness {
        let bench = try await LibraryBench(events: 50, streams: ["configured"]) { configuration in
            configuration.listenAddresses = [ListenAddress(host: "127.0.0.1", port: 0)]
        }
        let witness = Witness(exporter: bench.exporter, trail: bench.exporter.trail, metrics: bench.exporter.metrics)
        try bench.exporter.start()
        if reading {
            let messages = try bench.exporter.hold(bench.stream("read"))
            var count = 0
            for await _ in messages {
                count += 1
                if count == 5 { break }
            }
        } else {
            try await bench.gateway.acknowledged()
        }
        await bench.end()
        return witness
    }

    @Test(arguments: [false, true]) func whatHasStoppedIsFreed(reading: Bool) async throws {
        let witness = try await hold(reading: reading)
        // What the last threads held goes with them, a moment later.
        let end = ContinuousClock.now + patience
        while !witness.held.isEmpty, ContinuousClock.now < end {
            try await Task.sleep(until: .now + .milliseconds(10), clock: .continuous)
        }
        #expect(witness.held == [])
    }
}
