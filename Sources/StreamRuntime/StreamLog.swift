import Logging
import StreamModel

/// What of a stream's life is worth a log line: what a person who watches a terminal wants to know, and no more.
enum StreamLog {
    /// What a line is about: an attempt, or the connection that it made.
    typealias Subject = (id: AttemptID, generation: UInt64)

    /// - Parameter live: the attempt that made the live connection; what belongs to no attempt happened on it.
    static func write(_ event: StreamEvent, stream: String, live: Subject?, to logger: Logger) {
        let level = level(of: event)
        // The level first: most of what happens is not logged at most levels, and its line is not made to be thrown away.
        guard logger.logLevel <= level, let (text, metadata) = line(event) else { return }
        var all = Self.metadata(stream: stream, attempt: event.subject ?? live)
        for (key, value) in metadata { all[key] = "\(value)" }
        logger.log(level: level, "\(text)", metadata: all)
    }

    /// What every line of a stream carries.
    static func metadata(stream: String, attempt: Subject?) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["stream": "\(stream)"]
        if let attempt {
            metadata["attempt_id"] = "\(attempt.id)"
            metadata["connection"] = "\(attempt.generation)"
        }
        return metadata
    }

    private static func level(of event: StreamEvent) -> Logger.Level {
        switch event {
        case .stateChanged, .attemptStarted, .resumeAcknowledged, .gapClosed, .held, .heartbeatAnswered: .debug
        case .started, .live, .reconnected, .backoffScheduled, .gapOpened, .resumeSettled, .stopped, .bufferFlushed:
            .info
        case .connectionLost(let loss): loss.reason == .planned || loss.reason == .shutdown ? .info : .warning
        case .handover(let handover): handover.phase == .failed ? .warning : .info
        case .attemptFailed, .subscriptionsRejected, .messagesLost, .sequenceReset, .heartbeatMissed, .silenceDetected:
            .warning
        case .retriesExhausted: .error
        }
    }

    private typealias Line = (text: String, metadata: [(String, String)])

    private static func line(_ event: StreamEvent) -> Line? {
        switch event {
        case .started(let last):
            return ("stream started", last.map { [("last_sequence", String($0))] } ?? [])
        case .live(let attempt, _, let outage):
            return (
                "live",
                [("attempt", String(attempt.number))] + (outage.map { [("outage", seconds($0))] } ?? [])
            )
        case .connectionLost(let loss):
            return (
                "connection lost",
                [("reason", loss.reason.rawValue)] + (loss.closeCode.map { [("close_code", String($0))] } ?? [])
                    + (loss.detail.isEmpty ? [] : [("detail", loss.detail)])
            )
        case .attemptFailed(let attempt, _, let failure):
            return (
                "attempt failed",
                [("attempt", String(attempt.number)), ("reason", failure.reason.rawValue)]
                    + (failure.httpStatus.map { [("http_status", String($0))] } ?? [])
                    + (failure.detail.map { [("detail", $0)] } ?? [])
            )
        case .backoffScheduled(let delay, let retry, _):
            return ("waiting before the next attempt", [("delay", seconds(delay)), ("retry", String(retry))])
        case .gapOpened(let range, _):
            return ("gap in the sequence", [("first", String(range.first)), ("last", String(range.last))])
        case .messagesLost(let range, _, let continuity):
            return (
                "messages lost",
                [("count", String(range.count)), ("first", String(range.first)), ("continuity", String(continuity))]
            )
        case .sequenceReset(let previous, let baseline, _):
            return (
                "the server numbers anew",
                [("previous_highest", String(previous)), ("baseline", String(baseline))]
            )
        case .resumeSettled(let outcome): return ("resume settled", [("outcome", outcome.rawValue)])
        case .heartbeatMissed(let after): return ("heartbeat not answered", [("after", seconds(after))])
        case .silenceDetected(let after): return ("nothing received", [("after", seconds(after))])
        case .handover(let handover):
            return (
                "hand-over \(handover.phase.rawValue)",
                [("cause", handover.cause.rawValue)]
            )
        case .retriesExhausted(let retries, let cause, let rearm):
            return (
                "retries exhausted; the stream is given up",
                [("retries", String(retries)), ("cause", cause)] + (rearm.map { [("rearms_after", seconds($0))] } ?? [])
            )
        case .stopped(let cause): return ("stream stopped", [("cause", "\(cause)")])
        case .subscriptionsRejected(let rejections):
            return (
                "subscriptions rejected; nothing will come for them",
                [
                    ("count", String(rejections.count)),
                    ("subscriptions", rejections.subscriptions.joined(separator: " ")),
                ]
                    + (rejections.reason.isEmpty ? [] : [("reason", rejections.reason)])
            )
        case .bufferFlushed(let count):
            return ("messages before the acknowledgment flushed", [("count", String(count))])
        case .stateChanged, .attemptStarted, .resumeAcknowledged, .gapClosed, .held, .heartbeatAnswered:
            return debugLine(event)
        case .reconnected: return nil  // `live` says it
        }
    }

    /// For whoever looks for the reason of something: each step.
    private static func debugLine(_ event: StreamEvent) -> Line? {
        switch event {
        case .stateChanged(let state): ("state changed", [("state", state.rawValue)])
        case .attemptStarted(let attempt):
            ("attempt started", [("attempt", String(attempt.number)), ("resumes", String(attempt.isResume))])
        case .resumeAcknowledged(_, let latency): ("resume acknowledged", [("latency", seconds(latency))])
        case .gapClosed(let range, _):
            ("gap closed", [("first", String(range.first)), ("last", String(range.last))])
        case .held: ("held; the retry count is 0 again", [])
        case .heartbeatAnswered(let roundTrip): ("heartbeat answered", [("after", seconds(roundTrip))])
        default: nil
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        "\(Double(duration.nanoseconds / 1_000_000) / 1000)s"
    }
}

extension StreamEvent {
    /// The attempt that the event itself names.
    fileprivate var subject: StreamLog.Subject? {
        switch self {
        case .attemptStarted(let attempt), .attemptFailed(let attempt, _, _), .resumeAcknowledged(let attempt, _),
            .reconnected(let attempt, _), .live(let attempt, _, _):
            (attempt.id, attempt.generation)
        case .connectionLost(let loss): (loss.attempt, loss.generation)
        case .started, .stateChanged, .subscriptionsRejected, .bufferFlushed, .held, .backoffScheduled, .gapOpened,
            .gapClosed, .messagesLost,
            .sequenceReset, .resumeSettled, .heartbeatAnswered, .heartbeatMissed, .silenceDetected, .handover,
            .retriesExhausted, .stopped:
            nil
        }
    }
}
