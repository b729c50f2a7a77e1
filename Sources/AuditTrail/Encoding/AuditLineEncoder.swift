internal import StreamModel

/// Turns records into lines. Bytes, not `Codable`: the trail must keep up with a fleet that falls all at once.
struct AuditLineEncoder: Sendable {
    /// Takes secrets out of text that came from outside.
    let redact: @Sendable (String) -> String

    /// The line number `number` for `record`; nil where the trail does not record such a fact.
    func line(_ number: UInt64, for record: EventRecord) -> AuditLine? {
        switch record.fact {
        case .stream(let identity, let event):
            return line(number, at: record.time, for: event, of: identity)
        case .credential(let credential, let stream, let event):
            return line(number, at: record.time, for: event, of: credential, stream: stream.name)
        case .configurationReloaded(let success, let detail):
            return line(number, at: record.time, .configReloaded, stream: "") { writer in
                writer.write("success", success)
                write(detail: detail, to: &writer)
            }
        }
    }

    /// The line that says that `sink` could not take `count` lines.
    func droppedLine(_ number: UInt64, at time: WallTime, sink: AuditSinkName, count: UInt64) -> AuditLine {
        line(number, at: time, .auditDropped, stream: "") { writer in
            writer.write("sink", sink.rawValue)
            writer.write("count", count)
        }
    }

    private func line(
        _ number: UInt64, at time: WallTime, _ event: AuditEventName, stream: String,
        _ body: (inout JSONObjectWriter) -> Void
    ) -> AuditLine {
        var writer = JSONObjectWriter()
        writer.write("timestamp", time: time)
        writer.write("line", number)
        writer.write("event", event.rawValue)
        writer.write("stream", stream)
        body(&writer)
        writer.finish()
        return AuditLine(number: number, time: time, event: event, stream: stream, bytes: writer.bytes)
    }

    private func line(
        _ number: UInt64, at time: WallTime, for event: StreamEvent, of identity: StreamIdentity
    ) -> AuditLine? {
        guard let name = event.auditName else { return nil }
        return line(number, at: time, name, stream: identity.name) { writer in
            write(event, of: identity, to: &writer)
        }
    }

    private func line(
        _ number: UInt64, at time: WallTime, for event: CredentialEvent, of credential: String, stream: String
    ) -> AuditLine? {
        switch event {
        case .requestEnded: return nil
        case .refreshed(let expiry):
            return line(number, at: time, .tokenRefreshed, stream: stream) { writer in
                writer.write("credential", credential)
                if let expiry { writer.write("expiresAt", time: expiry) }
            }
        case .rejected(let rejection):
            return line(number, at: time, .tokenRejected, stream: stream) { writer in
                writer.write("credential", credential)
                writer.write("cause", rejection.cause.rawValue)
                // One number says either; HTTP has three digits (RFC 9110, section 15), close codes four.
                if let status = rejection.status {
                    if status < 1_000 { writer.write("httpStatus", status) } else { writer.write("closeCode", status) }
                }
                write(detail: rejection.detail, to: &writer)
            }
        }
    }

    private func write(_ event: StreamEvent, of identity: StreamIdentity, to writer: inout JSONObjectWriter) {
        switch event {
        case .started(let lastSequence):
            writer.write("clientId", identity.clientID)
            writer.write("profile", identity.profile)
            if let lastSequence { writer.write("lastSequence", lastSequence) }
        case .live(let attempt, let phases, let outage):
            writer.write("attempt", attempt.number)
            writer.write("attemptId", attempt.id)
            if let outage { writer.write("outageMs", milliseconds: outage) }
            writer.write("phasesMs", phases: phases)
        case .connectionLost(let loss): write(loss, to: &writer)
        case .backoffScheduled(let delay, let retry, let cause):
            writer.write("retry", retry)
            writer.write("delayMs", milliseconds: delay)
            writer.write("cause", cause)
        case .reconnected(let attempt, let outcome):
            write(attempt, outcome, nil, of: identity, to: &writer)
        case .attemptFailed(let attempt, let outcome, let failure):
            write(attempt, outcome, failure, of: identity, to: &writer)
        case .resumeAcknowledged(let attempt, let latency):
            writer.write("latencyMs", milliseconds: latency)
            writer.write("attempt", attempt.number)
            writer.write("attemptId", attempt.id)
        case .resumeSettled(let outcome): writer.write("outcome", outcome.rawValue)
        case .subscriptionsRejected(let rejections):
            writer.write("count", rejections.count)
            writer.write("subscriptions", rejections.subscriptions.map(redact))
            write(detail: rejections.reason, to: &writer)
        case .bufferFlushed(let count): writer.write("count", count)
        case .gapOpened, .gapClosed, .messagesLost, .sequenceReset: writeContinuity(event, to: &writer)
        case .heartbeatMissed(let after), .silenceDetected(let after): writer.write("afterMs", milliseconds: after)
        case .handover(let handover):
            writer.write("phase", handover.phase.rawValue)
            writer.write("cause", handover.cause.rawValue)
        case .retriesExhausted(let retries, let cause, let willRearmAfter):
            writer.write("retries", retries)
            writer.write("cause", cause)
            if let willRearmAfter { writer.write("rearmAfterMs", milliseconds: willRearmAfter) }
        case .stopped(let cause): write(cause, to: &writer)
        case .stateChanged, .attemptStarted, .held, .heartbeatAnswered: break
        }
    }

    private func write(
        _ attempt: StreamEvent.Attempt, _ outcome: StreamEvent.AttemptOutcome, _ failure: AttemptFailure?,
        of identity: StreamIdentity, to writer: inout JSONObjectWriter
    ) {
        writer.write("clientId", identity.clientID)
        if attempt.isReconnect { writer.write("retryCount", attempt.retryCount) }
        writer.write("latencyMs", milliseconds: outcome.latency)
        writer.write("continuityRate", ratio: outcome.continuity)
        writer.write("status", outcome.status.rawValue)
        writer.write("attempt", attempt.number)
        writer.write("attemptId", attempt.id)
        if let failure { writer.write("cause", failure.reason.rawValue) }
        if !attempt.cause.isEmpty { writer.write("after", attempt.cause) }
        if attempt.isReconnect { writer.write("delayMs", milliseconds: attempt.delay) }
        if let status = failure?.httpStatus { writer.write("httpStatus", status) }
        if let code = failure?.closeCode { writer.write("closeCode", code) }
        if let lastSequence = outcome.lastSequence { writer.write("lastSequence", lastSequence) }
        writer.write("phasesMs", phases: outcome.phases)
        if let detail = failure?.detail { write(detail: detail, to: &writer) }
    }

    private func write(_ loss: StreamEvent.ConnectionLoss, to writer: inout JSONObjectWriter) {
        writer.write("cause", loss.reason.rawValue)
        if let code = loss.closeCode { writer.write("closeCode", code) }
        writer.write("liveMs", milliseconds: loss.liveFor)
        writer.write("attemptId", loss.attempt)
        if let lastSequence = loss.lastSequence { writer.write("lastSequence", lastSequence) }
        write(detail: loss.detail, to: &writer)
    }

    private func writeContinuity(_ event: StreamEvent, to writer: inout JSONObjectWriter) {
        switch event {
        case .gapOpened(let range, let channel), .gapClosed(let range, let channel):
            writer.write("first", range.first)
            writer.write("last", range.last)
            writer.write("missing", range.count)
            write(channel: channel, to: &writer)
        case .messagesLost(let range, let channel, let continuity):
            writer.write("first", range.first)
            writer.write("last", range.last)
            writer.write("count", range.count)
            writer.write("continuityRate", ratio: continuity)
            write(channel: channel, to: &writer)
        case .sequenceReset(let previousHighest, let baseline, let channel):
            writer.write("previousHighest", previousHighest)
            writer.write("baseline", baseline)
            write(channel: channel, to: &writer)
        default: break
        }
    }

    private func write(_ cause: StreamEvent.StopCause, to writer: inout JSONObjectWriter) {
        switch cause {
        case .requested: writer.write("cause", "requested")
        case .finalClose(let code):
            writer.write("cause", "final_close")
            writer.write("closeCode", code)
        case .hopeless(let reason):
            writer.write("cause", "hopeless")
            writer.write("reason", reason.rawValue)
        }
    }

    /// A hash has no meaning as a number, and JSON readers that hold numbers as doubles would change it: hexadecimal.
    private func write(channel: UInt64, to writer: inout JSONObjectWriter) {
        if channel == 0 { return }
        writer.write("channel", hexadecimal: channel)
    }

    /// Secrets go before the cut: a secret that the cut parts would no longer be known as one.
    private func write(detail: String, to writer: inout JSONObjectWriter) {
        if detail.isEmpty { return }
        writer.write("detail", redact(detail), limit: JSONObjectWriter.maximumDetailLength)
    }
}

extension StreamEvent {
    /// The name of this event's line; nil where it makes none.
    var auditName: AuditEventName? {
        switch self {
        case .started: .streamStarted
        case .live: .streamLive
        case .connectionLost: .connectionLost
        case .backoffScheduled: .backoffScheduled
        case .reconnected: .websocketReconnection
        case .attemptFailed(let attempt, _, _): attempt.isReconnect ? .websocketReconnection : .connectFailed
        case .resumeAcknowledged: .reconnectAck
        case .resumeSettled: .resumeSettled
        case .subscriptionsRejected: .subscriptionsRejected
        case .bufferFlushed: .bufferFlushed
        case .gapOpened: .sequenceGap
        case .gapClosed: .sequenceGapClosed
        case .messagesLost: .messagesLost
        case .sequenceReset: .sequenceReset
        case .heartbeatMissed: .heartbeatTimeout
        case .silenceDetected: .silenceTimeout
        case .handover: .plannedHandover
        case .retriesExhausted: .retriesExhausted
        case .stopped: .streamStopped
        case .stateChanged, .attemptStarted, .held, .heartbeatAnswered: nil
        }
    }
}
