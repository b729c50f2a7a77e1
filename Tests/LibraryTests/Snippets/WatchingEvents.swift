import Holdfast
import HoldfastTracing
import Tracing

enum WatchingEvents {
    static func page(_ text: String) async {}

    static func sequence(_ exporter: Exporter) async {
        for await element in exporter.events() {
            guard case .event(let event) = element, let stream = event.stream else { continue }
            switch event.streamEvent {
            case .messagesLost(let range, _, let continuity):
                await page("\(stream.name) lost \(range.count) messages; continuity is \(continuity)")
            case .retriesExhausted(let retries, let cause, _):
                await page("\(stream.name) was given up after \(retries) retries: \(cause)")
            default: break
            }
        }
    }

    static func callback(_ exporter: Exporter) {
        let observation = exporter.observe("queue-events") { element in
            switch element {
            case .event(let event):
                if let line = event.line { await page(String(decoding: line.bytes, as: UTF8.self)) }
            case .dropped(let count, let lines):
                await page("\(count) events were dropped; look up the lines \(lines.map { "\($0)" } ?? "of none")")
            }
        }
        observation.cancel()
    }

    static func attempts(_ exporter: Exporter, _ logger: Logger) async {
        for await case .event(let event) in exporter.events() {
            switch event.streamEvent {
            case .attemptStarted(let attempt): logger.info("attempt \(attempt.id) begins")
            case .live(let attempt, let phases, _): logger.info("attempt \(attempt.id) is live: \(phases.measured)")
            case .attemptFailed(let attempt, _, let failure): logger.info("attempt \(attempt.id): \(failure.reason)")
            default: break
            }
        }
    }

    static func traces(_ exporter: Exporter, _ tracer: some Instrument) {
        InstrumentationSystem.bootstrap(tracer)
        exporter.traceAttempts()
    }
}
