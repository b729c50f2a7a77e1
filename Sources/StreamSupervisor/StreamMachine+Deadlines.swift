public import StreamModel

/// The timers of the machine. One next deadline comes out; what is due is found when time has passed.
extension StreamMachine {
    /// When `deadlineReached` is to be handed in next; nil where nothing is waited for.
    public var nextDeadline: Instant? {
        var next = continuity.nextDeadline ?? .distantFuture
        if let attempt {
            switch attempt.stage {
            case .awaitingPermit: break
            case .awaitingToken(_, let deadline), .connecting(let deadline), .awaitingHello(let deadline),
                .subscribing(_, let deadline):
                next = min(next, deadline)
            }
        }
        if let live {
            if let deadline = live.holdsAt { next = min(next, deadline) }
            if let deadline = live.heartbeatDue { next = min(next, deadline) }
            if let deadline = live.unanswered?.deadline { next = min(next, deadline) }
            if let deadline = live.handoverDue?.at { next = min(next, deadline) }
            if policy.silenceTimeout > .zero { next = min(next, live.lastMessage + policy.silenceTimeout) }
        } else if attempt == nil {
            switch rest {
            case .backingOff(let until, _, _): next = min(next, until)
            case .exhausted(let rearmAt?): next = min(next, rearmAt)
            case .exhausted(nil), .idle, .stopped: break
            }
        }
        if let draining { next = min(next, draining.deadline) }
        return next == .distantFuture ? nil : next
    }

    mutating func passTime(
        at now: Instant, using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        if let due = continuity.nextDeadline, now >= due {
            collect(&actions) { $0.passTime(at: now, events: &$1) }
        }
        if let draining, now >= draining.deadline {
            self.draining = nil
            actions.append(.abort(generation: draining.generation))
        }
        if let attempt { passTime(of: attempt, at: now, using: &rng, &actions) }
        if let live {
            passTime(of: live, at: now, using: &rng, &actions)
        } else if self.attempt == nil {
            passRest(at: now, &actions)
        }
    }

    private mutating func passTime(
        of attempt: PendingAttempt, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        let failure: AttemptFailure
        switch attempt.stage {
        case .awaitingToken(_, let deadline) where now >= deadline:
            failure = AttemptFailure(reason: .token, detail: "no token within \(policy.tokenTimeout.seconds) s")
        case .connecting(let deadline) where now >= deadline:
            failure = AttemptFailure(reason: .timeout, detail: "not open within \(policy.connectTimeout.seconds) s")
        case .awaitingHello(let deadline) where now >= deadline:
            failure = AttemptFailure(reason: .ackTimeout, detail: "no hello within \(policy.ackTimeout.seconds) s")
        case .subscribing(_, let deadline) where now >= deadline:
            if policy.acknowledgment == .firstMessageOrQuiet {
                becomeLive(at: now, using: &rng, &actions)
                return
            }
            failure = AttemptFailure(
                reason: .ackTimeout, detail: "no acknowledgment within \(policy.ackTimeout.seconds) s")
        case .awaitingPermit, .awaitingToken, .connecting, .awaitingHello, .subscribing:
            return
        }
        attemptFailed(
            attempt.facts.generation, failure, phases: PhaseTimings(), status: .timeout, at: now, using: &rng, &actions)
    }

    private mutating func passTime(
        of connection: LiveConnection, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        if let holdsAt = connection.holdsAt, now >= holdsAt {
            live?.holdsAt = nil
            retryCount = 0
            backoff.reset()
            actions.append(.emit(.held))
        }
        if let unanswered = connection.unanswered, now >= unanswered.deadline {
            actions.append(.emit(.heartbeatMissed(after: policy.heartbeat.timeout)))
            drop(connection, reason: .heartbeat, detail: "heartbeat not answered", at: now, using: &rng, &actions)
            return
        }
        if policy.silenceTimeout > .zero, now >= connection.lastMessage + policy.silenceTimeout {
            actions.append(.emit(.silenceDetected(after: now - connection.lastMessage)))
            drop(connection, reason: .silence, detail: "nothing received", at: now, using: &rng, &actions)
            return
        }
        if let due = connection.heartbeatDue, now >= due { sendHeartbeat(on: connection, at: now, &actions) }
        if let due = connection.handoverDue, now >= due.at {
            planHandover(due.cause, from: connection, at: now, &actions)
        }
    }

    private mutating func passRest(at now: Instant, _ actions: inout [StreamAction]) {
        switch rest {
        case .backingOff(let until, let delay, let cause) where now >= until:
            beginAttempt(.retry(delay: delay, cause: cause), at: now, &actions)
        case .exhausted(let rearmAt?) where now >= rearmAt:
            beginFreshCycle(cause: "rearmed", at: now, &actions)
        case .backingOff, .exhausted, .idle, .stopped:
            return
        }
    }
}
