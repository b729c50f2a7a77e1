import ConfigurationReader
import Holdfast
import Logging
import NIOConcurrencyHelpers
import StreamRuntime

/// Reads the configuration file again. One with a mistake changes nothing, and says so.
final class ConfigurationReloader: Sendable {
    /// What was wrong with the new configuration.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private let path: String
    private let shard: Shard?
    private let environment: [String: String]
    private let logger: Logger
    private let manager: ServiceManager?
    /// One reload at a time: two that overlap would apply plans in an order that nobody chose.
    private let lock = NIOLock()

    init(
        path: String, shard: Shard?, environment: [String: String], logger: Logger, manager: ServiceManager? = nil
    ) {
        self.path = path
        self.shard = shard
        self.environment = environment
        self.logger = logger
        self.manager = manager
    }

    /// Reads the file and applies it to `exporter`.
    ///
    /// - Throws: ``Refusal`` with every mistake, one a line.
    func reload(_ exporter: Exporter) throws {
        try lock.withLock {
            manager?.reloading()
            // Ready again either way: with a mistake, the old configuration stays in force.
            defer { manager?.ready(status: ServiceHeartbeat.status(of: exporter)) }
            let result = ConfigurationFile.load(path: path, environment: environment)
            guard var plan = result.configuration?.plan else {
                let mistakes = result.diagnostics.map(\.description)
                exporter.refuseReload(mistakes.joined(separator: "; "))
                throw Refusal(description: mistakes.joined(separator: "\n"))
            }
            for diagnostic in result.diagnostics { logger.warning("\(diagnostic)") }
            if let shard { plan.streams.removeAll { !shard.takes($0.name) } }
            exporter.apply(plan)
        }
    }
}
