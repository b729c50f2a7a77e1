import ArgumentParser
import ExpositionServer
import Foundation
import Holdfast
import Logging
import UnixSignals

/// Runs an ``Exporter`` as a process: until a signal, or until a stream with `on_exhausted: exit` has given up.
struct ExporterService {
    private let logger: Logger
    private let manager: ServiceManager?
    private let ended: AsyncStream<String>
    private let endedContinuation: AsyncStream<String>.Continuation

    /// - Parameter manager: the service manager that wants to hear how the service does; nil where there is none.
    init(logger: Logger, manager: ServiceManager? = nil) {
        self.logger = logger
        self.manager = manager
        (ended, endedContinuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
        // A reader of standard output that leaves must not end the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Starts an exporter and says where it listens.
    ///
    /// - Throws: `ExitCode.failure`, after a sentence that says what is wrong.
    func start(
        _ configuration: ExporterConfiguration, vault: SecretVault,
        reload: (@Sendable (Exporter) throws -> Void)? = nil
    ) throws -> Exporter {
        do {
            let exporter = try Exporter(
                configuration, logger: logger, vault: vault,
                reload: reload.map { reload in { @Sendable exporter in try reload(exporter) } },
                ended: { [endedContinuation] in endedContinuation.yield($0) })
            for address in try exporter.start() {
                let scheme = configuration.web?.tls == nil ? "http" : "https"
                logger.info(
                    "listening",
                    metadata: [
                        "address": "\(address)",
                        "url": "\(scheme)://\(address)\(configuration.server.telemetryPath)",
                    ])
            }
            return exporter
        } catch {
            logger.error("cannot start: \(error)")
            throw ExitCode.failure
        }
    }

    private enum Cause: Sendable {
        case signal(UnixSignal)
        case exhausted(String)
    }

    /// The signals that a service heeds, from now on: before anything is started, so that none ends the process uncleanly.
    static func signals() async -> UnixSignalsSequence {
        await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    }

    /// Waits for the end, and stops cleanly.
    ///
    /// - Parameters:
    ///   - signals: from ``signals()``.
    ///   - hangup: what SIGHUP does.
    /// - Throws: `ExitCode.failure` where a stream ended the process.
    func runUntilStopped(
        _ exporter: Exporter, signals: UnixSignalsSequence, hangup: @escaping @Sendable () -> Void = {}
    ) async throws {
        let heartbeat = manager.map { ServiceHeartbeat(manager: $0, exporter: exporter, logger: logger) }
        let cause = await withTaskGroup(of: Cause?.self) { group in
            group.addTask {
                for await signal in signals {
                    guard signal == .sighup else { return .signal(signal) }
                    hangup()
                }
                return nil
            }
            group.addTask { [ended] in
                for await stream in ended { return .exhausted(stream) }
                return nil
            }
            if let heartbeat {
                group.addTask {
                    await heartbeat.run()
                    return nil
                }
            }
            var first: Cause?
            while first == nil, let next = await group.next() { first = next }
            group.cancelAll()
            return first
        }
        manager?.stopping(status: "closing the streams")
        switch cause {
        case .signal(let signal): logger.info("stopping", metadata: ["signal": "\(signal)"])
        case .exhausted(let stream):
            logger.error("stopping: the retries of a stream are used up", metadata: ["stream": "\(stream)"])
        case nil: logger.info("stopping")
        }
        await exporter.stop()
        if case .exhausted = cause { throw ExitCode.failure }
    }
}
