import Holdfast
import StreamModel
import Tracing

/// Makes spans of events. Their times are those of the events: it does not matter how late they are delivered.
actor AttemptSpans {
    private struct Attempt {
        let facts: StreamEvent.Attempt
        let span: any Span
        let began: WallTime
        /// When the connection began to be made.
        var connecting: WallTime?
    }

    private let tracer: any Tracer
    /// By the stream's name: at most one attempt of a stream is under way.
    private var attempts: [String: Attempt] = [:]
    private var outages: [String: any Span] = [:]

    init(tracer: any Tracer) {
        self.tracer = tracer
    }

    func take(_ element: AuditElement) {
        switch element {
        case .event(let event):
            if case .stream(let identity, let fact) = event.fact { take(fact, of: identity, at: event.time) }
        case .dropped(let count, _): giveUp("\(count) events were dropped")
        }
    }

    private func take(_ event: StreamEvent, of stream: StreamIdentity, at time: WallTime) {
        switch event {
        case .connectionLost(let loss) where loss.reason != .shutdown: begin(loss, of: stream, at: time)
        case .attemptStarted(let attempt): begin(attempt, of: stream, at: time)
        case .stateChanged(let state): pass(state, of: stream, at: time)
        case .attemptFailed(let facts, let outcome, let failure):
            end(facts, of: stream, outcome.phases, at: time) { span in
                span.updateAttributes { attributes in
                    attributes["holdfast.status"] = outcome.status.rawValue
                    attributes["error.type"] = failure.reason.rawValue
                    attributes["http.response.status_code"] = failure.httpStatus
                    attributes["holdfast.close_code"] = failure.closeCode.map(Int.init)
                }
                span.setStatus(SpanStatus(code: .error, message: failure.reason.rawValue))
            }
        case .live(let facts, let phases, _):
            end(facts, of: stream, phases, at: time) { span in
                span.updateAttributes { $0["holdfast.status"] = AttemptStatus.success.rawValue }
                span.setStatus(SpanStatus(code: .ok))
            }
            endOutage(of: stream.name, SpanStatus(code: .ok), at: time)
        case .retriesExhausted(_, let cause, _):
            endOutage(of: stream.name, SpanStatus(code: .error, message: "retries exhausted: \(cause)"), at: time)
        case .stopped: endOutage(of: stream.name, SpanStatus(code: .error, message: "the stream was stopped"), at: time)
        default: break
        }
    }

    // MARK: Outages

    private func begin(_ loss: StreamEvent.ConnectionLoss, of stream: StreamIdentity, at time: WallTime) {
        let span = tracer.startSpan(
            "holdfast.outage", context: .topLevel, ofKind: .internal, at: timestamp(time), function: #function,
            file: #fileID, line: #line)
        span.updateAttributes { attributes in
            attributes["holdfast.stream"] = stream.name
            attributes["holdfast.profile"] = stream.profile
            attributes["holdfast.cause"] = loss.reason.rawValue
            // The attempt that had made the connection.
            attributes["holdfast.attempt.id"] = loss.attempt.description
            attributes["holdfast.close_code"] = loss.closeCode.map(Int.init)
        }
        outages[stream.name] = span
    }

    private func endOutage(of stream: String, _ status: SpanStatus, at time: WallTime) {
        guard let span = outages.removeValue(forKey: stream) else { return }
        span.setStatus(status)
        span.end(at: timestamp(time))
    }

    // MARK: Attempts

    private func begin(_ facts: StreamEvent.Attempt, of stream: StreamIdentity, at time: WallTime) {
        let span = tracer.startSpan(
            "holdfast.attempt", context: outages[stream.name]?.context ?? .topLevel, ofKind: .client,
            at: timestamp(time), function: #function, file: #fileID, line: #line)
        span.updateAttributes { attributes in
            attributes["holdfast.stream"] = stream.name
            attributes["holdfast.profile"] = stream.profile
            attributes["holdfast.client_id"] = stream.clientID
            attributes["holdfast.attempt.id"] = facts.id.description
            attributes["holdfast.attempt.number"] = facts.number
            attributes["holdfast.retry_count"] = facts.retryCount
            attributes["holdfast.connection"] = Int(clamping: facts.generation)
            attributes["holdfast.resume"] = facts.isResume
            attributes["holdfast.delay_ms"] = Int(facts.delay.nanoseconds / 1_000_000)
            if !facts.cause.isEmpty { attributes["holdfast.cause"] = facts.cause }
        }
        attempts[stream.name] = Attempt(facts: facts, span: span, began: time)
    }

    /// How far an attempt came, at its own time.
    private func pass(_ state: StreamState, of stream: StreamIdentity, at time: WallTime) {
        guard let attempt = attempts[stream.name] else { return }
        switch state {
        case .connecting: attempts[stream.name]?.connecting = time
        case .authenticating, .subscribing: break
        case .idle, .live, .backingOff, .exhausted, .stopped: return
        }
        attempt.span.addEvent(SpanEvent(name: state.rawValue, at: timestamp(time)))
    }

    private func end(
        _ facts: StreamEvent.Attempt, of stream: StreamIdentity, _ phases: PhaseTimings, at time: WallTime,
        _ finish: (any Span) -> Void
    ) {
        guard let attempt = attempts[stream.name], attempt.facts.id == facts.id else { return }
        attempts[stream.name] = nil
        // The token comes before the connection begins to be made, the acknowledgment ends the attempt, and the phases
        // between follow each other.
        var elapsed = Duration.zero
        let connecting = timestamp(attempt.connecting ?? attempt.began).nanosecondsSinceEpoch
        for (phase, duration) in phases.measured {
            var end = connecting
            switch phase {
            case .token: break
            case .ack: end = timestamp(time).nanosecondsSinceEpoch
            case .prepare, .dns, .tcp, .tls, .upgrade:
                elapsed += duration
                end += UInt64(clamping: elapsed.nanoseconds)
            }
            attempt.span.addEvent(
                SpanEvent(
                    name: "holdfast.phase.\(phase.rawValue)",
                    at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: end),
                    attributes: ["holdfast.phase.duration_ms": .double(duration.seconds * 1_000)]))
        }
        finish(attempt.span)
        attempt.span.end(at: timestamp(time))
    }

    /// Events are missing: what is under way cannot be told any more.
    private func giveUp(_ why: String) {
        for span in attempts.values.map(\.span) + Array(outages.values) {
            span.setStatus(SpanStatus(code: .error, message: why))
            span.end()
        }
        attempts = [:]
        outages = [:]
    }

    private func timestamp(_ time: WallTime) -> DefaultTracerClock.Timestamp {
        DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: UInt64(clamping: time.milliseconds) &* 1_000_000)
    }
}
