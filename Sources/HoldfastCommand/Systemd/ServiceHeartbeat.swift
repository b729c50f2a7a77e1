import Holdfast
import Logging

/// Tells the service manager that the service is ready, and then again and again that it lives.
///
/// A sign of life is sent only after every event loop has run a task and the endpoint has answered. Where one of them
/// hangs, nothing is sent any more, and the manager starts the service anew.
struct ServiceHeartbeat: Sendable {
    /// How often the status line is brought up to date where there is no watchdog.
    private static let statusInterval = Duration.seconds(10)

    let manager: ServiceManager
    let exporter: Exporter
    let logger: Logger

    /// Runs until its task is cancelled.
    func run() async {
        await prove()
        guard !Task.isCancelled else { return }
        var told = status
        manager.ready(status: told)
        // Half of what is allowed, as sd_watchdog_enabled(3) recommends: one late answer does no harm.
        let interval = manager.watchdogMicroseconds.map { Duration.microseconds(Int64(clamping: $0 / 2)) }
        while !Task.isCancelled {
            if interval != nil { manager.notify("WATCHDOG=1") }
            if status != told {
                told = status
                manager.notify("STATUS=\(told)")
            }
            do {
                try await Task.sleep(for: interval ?? Self.statusInterval)
            } catch {
                return
            }
            await prove()
        }
    }

    /// Returns once everything has shown that it works.
    private func prove() async {
        while !Task.isCancelled {
            do {
                try await exporter.respond()
                return
            } catch {
                logger.warning("the endpoint does not answer its own process: \(error)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private var status: String { Self.status(of: exporter) }

    /// What `systemctl status` shows.
    static func status(of exporter: Exporter) -> String {
        let streams = exporter.summaries
        return "\(streams.count { $0.state == "live" }) of \(streams.count) streams are live"
    }
}
