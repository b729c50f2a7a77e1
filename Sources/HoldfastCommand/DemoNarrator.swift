import AuditTrail
import Foundation
import GatewaySimulator
import Holdfast

/// Tells in the terminal what happens in the demo: the faults, what the exporter made of them, and the figures.
struct DemoNarrator: Sendable {
    private let exporter: Exporter

    init(_ exporter: Exporter) {
        self.exporter = exporter
    }

    func introduce(_ gateway: GatewaySimulator, listening: [String]) {
        let base = "http://\(listening.first ?? "127.0.0.1")"
        Terminal.write(
            """

            Holdfast demo: a simulated Genesys Cloud gateway misbehaves by script, and two streams hold on to it.

              page      \(base)/
              metrics   \(base)/metrics
              streams   \(base)/api/v1/streams
              trail     curl -N '\(base)/api/v1/audit?follow=true'
              gateway   http://\(gateway.authority)/      (curl -d 'fault: drop' http://\(gateway.authority)/-/faults)

            Stop with Control-C.

            """)
    }

    /// Prints each line of the trail that a person wants to see.
    func follow() -> AuditSubscription {
        exporter.trail.follow(newest: 100, receive: { Self.tell($0) }).subscription
    }

    static func gateway(_ text: String) {
        Terminal.write("\(clock())  gateway   \(text)")
    }

    /// Prints the figures of every stream now and then.
    func summarize(every interval: Duration) async {
        // Not `sleep(for:)`: where that is cancelled, optimized code of Swift 6.3 aborts (swiftlang/swift#86204).
        while (try? await Task.sleep(until: .now + interval, clock: .continuous)) != nil { summarize() }
    }

    func conclude() {
        Terminal.write("\nIn the end:")
        summarize()
    }

    private func summarize() {
        for summary in exporter.summaries {
            let latency = summary.lastReconnectLatency.map { "\(Int64($0 / .milliseconds(1))) ms" }
            Terminal.write(
                """
                \(Self.clock())  figures   \(Self.padded(summary.stream)) \(Self.padded(summary.state, 12)) \
                continuity \(Self.percent(summary.continuity)), \(summary.received) received, \(summary.lost) lost, \
                \(summary.reconnects) reconnects, \(summary.retries) retries, last latency \(latency ?? "–")
                """)
        }
    }

    private static func tell(_ line: AuditLine) {
        guard let object = (try? JSONSerialization.jsonObject(with: Data(line.bytes))) as? [String: Any] else { return }
        let keys = [
            "status", "cause", "after", "attempt", "retryCount", "delayMs", "latencyMs", "outageMs", "httpStatus",
            "closeCode", "first", "last", "count", "missing", "outcome", "continuityRate", "detail",
        ]
        let details = keys.compactMap { key in object[key].map { "\(key)=\($0)" } }.joined(separator: " ")
        Terminal.write("\(clock())  holdfast  \(padded(line.stream)) \(padded(line.event.rawValue, 24)) \(details)")
    }

    private static func padded(_ text: String, _ width: Int = 20) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func percent(_ ratio: Double) -> String {
        String(format: "%.3f %%", (ratio * 100_000).rounded(.down) / 1000)
    }

    private static func clock() -> String {
        let parts = Calendar.current.dateComponents([.hour, .minute, .second], from: Date())
        return String(format: "%02d:%02d:%02d", parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0)
    }
}
