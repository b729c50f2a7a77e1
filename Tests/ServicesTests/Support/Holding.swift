import AuditTrail
import ConfigurationReader
import Foundation
import Logging
import MetricsRegistry
import StreamModel
import Testing

@testable import Holdfast
@testable import HoldfastCommand

/// A configuration held as `holdfast run` holds it, without flags and an endpoint.
final class Holding: Sendable {
    private let exporter: Exporter

    private init(_ text: String) throws {
        let environment = ["TOKEN": "secret"]
        let read = ConfigurationFile.load(text: text, file: "c.yml", environment: environment)
        var configuration = try #require(read.configuration, "\(read.diagnostics.map(\.description))")
        configuration.audit.standardOutput = false
        configuration.threads = 1
        exporter = try Exporter(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Holds `text` while `body` runs.
    static func of(_ text: String, _ body: (Holding) async throws -> Void) async throws {
        let holding = try Holding(text)
        try holding.exporter.start()
        do {
            try await body(holding)
        } catch {
            await holding.exporter.stop()
            throw error
        }
        await holding.exporter.stop()
    }

    /// A scrape.
    var metrics: Scrape {
        let now = Instant(nanoseconds: Int64(DispatchTime.now().uptimeNanoseconds))
        let buffer = ExpositionBuffer()
        exporter.metrics.registry.encode(.text, now: now.nanoseconds, into: buffer)
        return Scrape(text: String(decoding: buffer.bytes, as: UTF8.self))
    }

    /// Scrapes until `isReached`; fails the test where it never is.
    func until(
        sourceLocation: SourceLocation = #_sourceLocation, _ isReached: (Scrape) -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while !isReached(metrics) {
            try #require(ContinuousClock.now < end, "\(metrics.text)", sourceLocation: sourceLocation)
            try await Task.sleep(until: .now + .milliseconds(5), clock: .continuous)
        }
    }
}

/// The text of a scrape.
struct Scrape {
    let text: String

    /// The value of the one series of `name` that has all of `labels`.
    func value(_ name: String, _ labels: String...) -> Double? {
        let line = text.split(separator: "\n").first { line in
            line.hasPrefix(name + "{") && labels.allSatisfy(line.contains)
        }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }
}
