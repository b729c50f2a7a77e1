import AuditTrail
import ExpositionServer
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import StreamRuntime
import Testing

@testable import Holdfast

@Suite("An exporter that shows that it lives")
struct ExporterLivenessTests {
    private func exporter(_ addresses: [ListenAddress]) throws -> Exporter {
        var configuration = ExporterConfiguration(plan: RuntimePlan(streams: []))
        configuration.listenAddresses = addresses
        configuration.threads = 2
        configuration.audit.standardOutput = false
        return try Exporter(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("it answers at every kind of address")
    func answers() async throws {
        let exporter = try exporter([
            ListenAddress(port: 0), ListenAddress(host: "127.0.0.1", port: 0), ListenAddress(host: "0.0.0.0", port: 0),
        ])
        try exporter.start()
        try await exporter.respond()
        await exporter.stop()
    }

    @Test("an event loop that hangs keeps it from answering")
    func hangs() async throws {
        let exporter = try exporter([])
        try exporter.start()
        let isReleased = NIOLockedValueBox(false)
        let gate = DispatchSemaphore(value: 0)
        exporter.group.next().execute { gate.wait() }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(300)) {
            isReleased.withLockedValue { $0 = true }
            gate.signal()
        }
        try await exporter.respond()
        #expect(isReleased.withLockedValue { $0 })
        await exporter.stop()
    }

    @Test("an address where nobody listens is an error")
    func gone() async throws {
        let exporter = try exporter([])
        try exporter.start()
        await #expect(throws: (any Error).self) {
            try await exporter.respond(at: ListenAddress(host: "127.0.0.1", port: 1))
        }
        await exporter.stop()
    }
}
