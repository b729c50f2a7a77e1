// The unsafe buffers are of facts that the caller holds, valid during the call.

public import StreamModel

/// What happens to an open connection: messages, heartbeats, loss, hand-over.
extension StreamMachine {
    // MARK: Messages

    /// Takes application messages of the live connection as long as nothing follows from them: no action and no change of
    /// state. Gives how many; `handle` is for the one behind them.
    ///
    /// This is what a message costs in the machine. Whoever has many of them calls it first and builds no input.
    public mutating func receiveInOrder(
        _ messages: UnsafeBufferPointer<MessageFacts>, from generation: UInt64, at now: Instant
    ) -> Int {
        guard live?.generation == generation, toldState == .live, draining == nil else { return 0 }
        let count = continuity.receiveInOrder(messages)
        if count > 0 { live?.lastMessage = now }
        return count
    }

    /// The same for a single message; false where it was not taken.
    public mutating func receiveInOrder(_ facts: MessageFacts, from generation: UInt64, at now: Instant) -> Bool {
        withUnsafePointer(to: facts) { facts in
            receiveInOrder(UnsafeBufferPointer(start: facts, count: 1), from: generation, at: now) == 1
        }
    }

    @inline(__always)
    mutating func receive(
        _ facts: MessageFacts, from generation: UInt64, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        if live?.generation == generation {
            receiveLive(facts, at: now, using: &rng, &actions)
        } else if attempt?.facts.generation == generation {
            receiveEarly(facts, at: now, using: &rng, &actions)
        } else if let draining, draining.generation == generation, draining.delivers {
            collect(&actions) { $0.receive(facts, at: now, overlaps: true, events: &$1) }
        }
    }

    private mutating func receiveLive(
        _ facts: MessageFacts, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        live?.lastMessage = now
        var events: [StreamEvent] = []
        continuity.receive(facts, at: now, overlaps: draining?.delivers == true, events: &events)
        for event in events { actions.append(.emit(event)) }
        guard facts.role != .event else { return }
        switch facts.role {
        case .heartbeatAnswer:
            heartbeatAnswered(at: now, &actions)
        case .closeNotice:
            if let live { planHandover(.notice, from: live, at: now, &actions) }
        case .credentialNotice:
            if let live {
                actions.append(
                    .discardToken(generation: live.generation, status: nil, detail: "the server revoked the token"))
            }
        case .refusal:
            // A session that the server takes back can't go on; where nothing can be resumed, it is an answer like any.
            if policy.resumable, let live {
                drop(
                    live, reason: .closedAbnormal, detail: "the server ended the session", at: now, using: &rng,
                    &actions)
            }
        case .event, .acknowledgment, .hello, .heartbeat:
            break
        }
    }

    /// A message between the open and the acknowledgment.
    private mutating func receiveEarly(
        _ facts: MessageFacts, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        guard let attempt else { return }
        switch attempt.stage {
        case .awaitingPermit, .awaitingToken, .connecting:
            return  // no transport is open: nothing can have arrived
        case .awaitingHello:
            if facts.role == .hello { sendOpening(at: now, using: &rng, &actions) } else { flush() }
        case .subscribing:
            switch (facts.role, policy.acknowledgment) {
            case (.acknowledgment, _):
                becomeLive(at: now, using: &rng, &actions)
                if policy.countsAcknowledgments, facts.sequence != nil {
                    var event = facts
                    event.role = .event
                    receiveLive(event, at: now, using: &rng, &actions)
                }
            case (.refusal, _):
                let failure = AttemptFailure(reason: .ackRejected, detail: "the server refused the subscription")
                attemptFailed(
                    attempt.facts.generation, failure, phases: PhaseTimings(), at: now, using: &rng, &actions)
            case (.hello, _):
                return
            case (_, .firstMessageOrQuiet):
                becomeLive(at: now, using: &rng, &actions)
                receiveLive(facts, at: now, using: &rng, &actions)
            case (_, .message), (_, .open):
                flush()
            }
        }
    }

    /// What arrives before the acknowledgment belongs to the old session: counted, not processed.
    private mutating func flush() {
        attempt?.flushed += 1
        continuity.flush()
    }

    // MARK: Heartbeats

    mutating func heartbeatIntervalNamed(
        _ generation: UInt64, _ interval: Duration, at now: Instant, using rng: inout some RandomNumberGenerator
    ) {
        guard interval > .zero else { return }
        if attempt?.facts.generation == generation {
            attempt?.heartbeatInterval = interval
        } else if live?.generation == generation {
            live?.heartbeatInterval = interval
            if live?.unanswered == nil { live?.heartbeatDue = now + interval }
        }
    }

    mutating func pongReceived(_ generation: UInt64, at now: Instant, _ actions: inout [StreamAction]) {
        guard live?.generation == generation, policy.heartbeat.kind == .ping else { return }
        heartbeatAnswered(at: now, &actions)
    }

    private mutating func heartbeatAnswered(at now: Instant, _ actions: inout [StreamAction]) {
        guard let live, let unanswered = live.unanswered else { return }
        self.live?.unanswered = nil
        // The next one is due an interval after this one was sent: the timer never runs twice.
        self.live?.heartbeatDue = max(now, unanswered.sentAt + live.heartbeatInterval)
        actions.append(.emit(.heartbeatAnswered(roundTrip: now - unanswered.sentAt)))
    }

    mutating func sendHeartbeat(on connection: LiveConnection, at now: Instant, _ actions: inout [StreamAction]) {
        switch policy.heartbeat.kind {
        case .ping: actions.append(.sendPing(generation: connection.generation))
        case .message: actions.append(.sendHeartbeat(generation: connection.generation))
        }
        if policy.heartbeat.timeout > .zero {
            live?.heartbeatDue = nil
            live?.unanswered = (now, now + policy.heartbeat.timeout)
        } else {
            live?.heartbeatDue = now + connection.heartbeatInterval
        }
    }

    // MARK: Loss

    mutating func transportClosed(
        _ generation: UInt64, _ closure: Closure, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        if draining?.generation == generation {
            draining = nil
            actions.append(.abort(generation: generation))
        } else if let live, live.generation == generation {
            liveClosed(live, closure, at: now, using: &rng, &actions)
        } else if attempt?.facts.generation == generation {
            attemptFailed(generation, closure.failure, phases: PhaseTimings(), at: now, using: &rng, &actions)
        }
    }

    private mutating func liveClosed(
        _ connection: LiveConnection, _ closure: Closure, at now: Instant,
        using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        let reason = closure.disconnectReason
        actions.append(.abort(generation: connection.generation))
        lose(connection, reason: reason, closeCode: closure.code, detail: closure.reason, at: now, &actions)
        if closure.meaning == .staleCredential {
            tokenRefusals += 1
            actions.append(
                .discardToken(
                    generation: connection.generation, status: Int(closure.code), detail: closure.reason))
        }
        guard attempt == nil else {
            attempt?.handover = nil  // the successor is on its way: it becomes an ordinary attempt
            return
        }
        if closure.meaning == .final {
            end(.finalClose(code: closure.code), &actions)
            return
        }
        scheduleRetry(
            cause: reason.rawValue, atCap: closure.meaning == .throttled, at: now, using: &rng, &actions)
    }

    /// Our side ends a live connection that is no good any more, and the ordinary way follows.
    mutating func drop(
        _ connection: LiveConnection, reason: DisconnectReason, detail: String, at now: Instant,
        using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        // Whoever does not answer a heartbeat will not answer a close frame either: no closing handshake.
        actions.append(.abort(generation: connection.generation))
        lose(connection, reason: reason, closeCode: nil, detail: detail, at: now, &actions)
        guard attempt == nil else {
            attempt?.handover = nil
            return
        }
        scheduleRetry(cause: reason.rawValue, at: now, using: &rng, &actions)
    }

    /// The live connection is gone.
    mutating func lose(
        _ connection: LiveConnection, reason: DisconnectReason, closeCode: UInt16?, detail: String, at now: Instant,
        _ actions: inout [StreamAction]
    ) {
        live = nil
        lostAt = now
        fellAt = now
        actions.append(.emit(.connectionLost(loss(of: connection, reason, closeCode, detail, at: now))))
        collect(&actions) { [resumable = policy.resumable] in
            if resumable { $0.resumeAwaited(events: &$1) } else { $0.resumeAbandoned(events: &$1) }
        }
    }

    private func loss(
        of connection: LiveConnection, _ reason: DisconnectReason, _ closeCode: UInt16?, _ detail: String,
        at now: Instant
    ) -> StreamEvent.ConnectionLoss {
        StreamEvent.ConnectionLoss(
            attempt: AttemptID(seed: attemptSeed, generation: connection.generation),
            generation: connection.generation, reason: reason, closeCode: closeCode, detail: detail,
            liveFor: now - connection.since, lastSequence: continuity.tallies.highest)
    }

    // MARK: Hand-over

    mutating func planHandover(
        _ cause: StreamEvent.Handover.Cause, from connection: LiveConnection, at now: Instant,
        _ actions: inout [StreamAction]
    ) {
        guard attempt == nil else { return }  // one is under way
        live?.handoverDue = nil
        actions.append(.emit(.handover(.init(phase: .planned, cause: cause))))
        switch policy.handover {
        case .makeBeforeBreak:
            actions.append(.discardPrepared)
            beginAttempt(.handover(cause, overlapping: true), at: now, &actions)
        case .breakBeforeMake:
            lose(connection, reason: .planned, closeCode: nil, detail: cause.rawValue, at: now, &actions)
            close(connection, delivers: false, code: policy.plannedCloseCode, at: now, &actions)
            beginAttempt(.handover(cause, overlapping: false), at: now, &actions)
        }
    }

    /// The successor is live: the old connection is closed, and what it still delivers is counted once.
    mutating func retire(
        _ connection: LiveConnection, cause: StreamEvent.Handover.Cause, at now: Instant,
        _ actions: inout [StreamAction]
    ) {
        actions.append(.emit(.connectionLost(loss(of: connection, .planned, nil, cause.rawValue, at: now))))
        actions.append(.emit(.handover(.init(phase: .completed, cause: cause))))
        close(connection, delivers: true, at: now, &actions)
    }

    /// Begins the closing handshake; what the connection still `delivers` may count until its deadline.
    mutating func close(
        _ connection: LiveConnection, delivers: Bool, code: UInt16 = 1000, at now: Instant,
        _ actions: inout [StreamAction]
    ) {
        if let draining { actions.append(.abort(generation: draining.generation)) }
        actions.append(.closeTransport(generation: connection.generation, code: code, reason: ""))
        draining = Draining(
            generation: connection.generation, deadline: now + policy.closeTimeout, delivers: delivers)
    }
}

extension Closure {
    /// The reason that metrics know a lost connection by.
    var disconnectReason: DisconnectReason {
        switch (origin, meaning) {
        case (.protocolError, _): .protocol
        case (.tooLarge, _): .tooLarge
        case (.transport, _): .transport
        case (.local, _): .planned
        case (_, .staleCredential): .token
        case (_, .final): .closedNormal
        case (.peer, .plain), (.peer, .throttled), (.endOfStream, .plain), (.endOfStream, .throttled): .closedAbnormal
        }
    }

    /// The failure of an attempt whose connection closed before it was live.
    var failure: AttemptFailure {
        let code = origin == .peer || origin == .endOfStream ? code : nil
        switch (origin, meaning) {
        case (.protocolError, _), (.tooLarge, _):
            return AttemptFailure(reason: .protocol, detail: reason)
        case (_, .staleCredential):
            return AttemptFailure(
                reason: .refusedToken, closeCode: code, detail: reason, consequence: .retryWithNewToken)
        case (_, .final):
            return AttemptFailure(reason: .closed, closeCode: code, detail: reason, consequence: .stop)
        case (_, .throttled):
            return AttemptFailure(reason: .throttled, closeCode: code, detail: reason, consequence: .retryAtCap)
        case (.peer, .plain), (.endOfStream, .plain), (.transport, .plain), (.local, .plain):
            return AttemptFailure(reason: .closed, closeCode: code, detail: reason)
        }
    }
}
