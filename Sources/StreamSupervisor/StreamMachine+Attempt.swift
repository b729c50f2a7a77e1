import StreamModel

/// How an attempt begins, goes on, succeeds and fails.
extension StreamMachine {
    /// Why an attempt is made.
    enum AttemptKind {
        /// The first of a start.
        case first
        /// After a backoff delay.
        case retry(delay: Duration, cause: String)
        /// The first of a fresh cycle of a stream that was parked.
        case freshCycle(cause: String)
        /// Planned: no delay, and no retry that counts towards the limit.
        case handover(StreamEvent.Handover.Cause, overlapping: Bool)
    }

    mutating func beginAttempt(_ kind: AttemptKind, at now: Instant, _ actions: inout [StreamAction]) {
        generation += 1
        attemptNumber += 1
        var delay = Duration.zero
        var cause = ""
        var isReconnect = true
        var handover: StreamEvent.Handover.Cause?
        switch kind {
        case .first:
            isReconnect = false
        case .retry(let waited, let why):
            retryCount += 1
            delay = waited
            cause = why
        case .freshCycle(let why):
            cause = why
        case .handover(let why, let overlapping):
            cause = why.rawValue
            if overlapping { handover = why }
        }
        let facts = StreamEvent.Attempt(
            id: AttemptID(seed: attemptSeed, generation: generation), generation: generation, number: attemptNumber,
            retryCount: retryCount, isReconnect: isReconnect, isResume: policy.resumable && hasSession, delay: delay,
            cause: cause)
        attempt = PendingAttempt(facts: facts, stage: .awaitingPermit, began: now, handover: handover)
        actions.append(.emit(.attemptStarted(facts)))
        actions.append(.requestPermit(generation: generation))
    }

    mutating func beginFreshCycle(cause: String, at now: Instant, _ actions: inout [StreamAction]) {
        retryCount = 0
        attemptNumber = 0
        tokenRefusals = 0
        backoff.reset()
        if policy.resumable, hasSession { collect(&actions) { $0.resumeAwaited(events: &$1) } }
        beginAttempt(.freshCycle(cause: cause), at: now, &actions)
    }

    // MARK: Stages

    mutating func permitGranted(_ generation: UInt64, at now: Instant, _ actions: inout [StreamAction]) {
        guard attempt?.facts.generation == generation, attempt?.stage == .awaitingPermit else { return }
        attempt?.stage = .awaitingToken(since: now, deadline: now + policy.tokenTimeout)
        let renews = policy.renewsTokenOnReconnect && attempt?.facts.isReconnect == true
        // Fetched for this attempt: since the one before it failed. Streams that fell together can still share one.
        actions.append(.requestToken(generation: generation, notBefore: renews ? fellAt : nil))
    }

    mutating func tokenThrottled(_ generation: UInt64, until: Instant) {
        guard attempt?.facts.generation == generation, case .awaitingToken(let since, _) = attempt?.stage else {
            return
        }
        attempt?.stage = .awaitingToken(since: since, deadline: until + policy.tokenTimeout)
    }

    mutating func tokenObtained(_ generation: UInt64, at now: Instant, _ actions: inout [StreamAction]) {
        guard let attempt, attempt.facts.generation == generation, case .awaitingToken(let since, _) = attempt.stage
        else { return }
        self.attempt?.phases[.token] = now - since
        self.attempt?.stage = .connecting(deadline: now + policy.connectTimeout)
        actions.append(.openTransport(generation: generation, resuming: attempt.facts.isResume))
    }

    mutating func transportOpened(
        _ generation: UInt64, phases: PhaseTimings, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        guard let attempt, attempt.facts.generation == generation, case .connecting = attempt.stage else { return }
        self.attempt?.phases = attempt.phases.merging(phases)
        if policy.awaitsHello {
            self.attempt?.stage = .awaitingHello(deadline: now + policy.ackTimeout)
        } else {
            sendOpening(at: now, using: &rng, &actions)
        }
    }

    /// Sends what subscribes or resumes. This is the moment at which the payload is built: reconnect latency runs
    /// from here.
    mutating func sendOpening(
        at now: Instant, using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        guard let attempt else { return }
        let generation = attempt.facts.generation
        self.attempt?.stage = .subscribing(sentAt: now, deadline: now + policy.ackTimeout)
        if attempt.facts.isResume {
            actions.append(
                .resume(
                    generation: generation, lastSequence: continuity.tallies.highest ?? 0, directive: directive))
        } else {
            actions.append(.subscribe(generation: generation))
        }
        if policy.acknowledgment == .open { becomeLive(at: now, using: &rng, &actions) }
    }

    // MARK: Success

    mutating func becomeLive(
        at now: Instant, using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        guard var attempt, case .subscribing(let sentAt, _) = attempt.stage else { return }
        self.attempt = nil
        attempt.phases[.ack] = now - sentAt
        let old = live
        actions.append(.releasePermit(generation: attempt.facts.generation))
        if attempt.facts.isResume {
            actions.append(.emit(.resumeAcknowledged(attempt.facts, latency: now - sentAt)))
        }
        if attempt.flushed > 0 { actions.append(.emit(.bufferFlushed(count: attempt.flushed))) }
        if attempt.facts.isReconnect {
            let outcome = outcome(of: attempt, status: .success, at: now)
            actions.append(.emit(.reconnected(attempt.facts, outcome)))
        }
        if attempt.facts.isResume {
            collect(&actions) { $0.resumeAcknowledged(at: now, events: &$1) }
        } else if attempt.facts.isReconnect, old == nil, hasSession {
            collect(&actions) { $0.startOver(events: &$1) }
            if !policy.resumable { actions.append(.emit(.resumeSettled(.unknown))) }
        }
        live = connection(of: attempt, at: now, using: &rng)
        actions.append(.emit(.live(attempt.facts, attempt.phases, outage: lostAt.map { now - $0 })))
        hasSession = true
        directive = .preserve
        lostAt = nil
        attemptNumber = 0
        tokenRefusals = 0
        if let old, let cause = attempt.handover { retire(old, cause: cause, at: now, &actions) }
    }

    private func connection(
        of attempt: PendingAttempt, at now: Instant, using rng: inout some RandomNumberGenerator
    ) -> LiveConnection {
        let interval = attempt.heartbeatInterval ?? policy.heartbeat.interval
        var connection = LiveConnection(
            generation: attempt.facts.generation, since: now, lastMessage: now,
            holdsAt: now + policy.backoff.resetAfter, heartbeatInterval: interval)
        if interval > .zero { connection.heartbeatDue = now + interval }
        if policy.rolloverAfter > .zero {
            let share = Double.random(in: 0...max(0, policy.rolloverJitter), using: &rng)
            let age = Duration.fromSeconds(policy.rolloverAfter.seconds * (1 - share)) - attempt.preparedAge
            let agesAt = now + max(.zero, age)
            connection.agesAt = agesAt
            connection.handoverDue = (agesAt, .rollover)
        }
        return connection
    }

    // MARK: Failure

    mutating func attemptFailed(
        _ generation: UInt64, _ failure: AttemptFailure, phases: PhaseTimings, status: AttemptStatus? = nil,
        at now: Instant, using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        guard var attempt, attempt.facts.generation == generation else { return }
        fellAt = now
        attempt.phases = attempt.phases.merging(phases)
        let handover = attempt.handover
        let timedOut = failure.reason == .timeout || failure.reason == .ackTimeout
        abandon(attempt, failure, status: status ?? (timedOut ? .timeout : .failure), at: now, &actions)
        var consequence = failure.consequence
        if failure.reason == .refusedToken || consequence == .retryWithNewToken {
            tokenRefusals += 1
            let status = failure.httpStatus ?? failure.closeCode.map(Int.init)
            actions.append(
                .discardToken(generation: generation, status: status, detail: failure.detail ?? ""))
            if tokenRefusals > 1, consequence != .stop { consequence = .retryAtCap }
        }
        if consequence == .prepareAnew { actions.append(.discardPrepared) }
        if failure.reason == .ackRejected, attempt.facts.isResume {
            directive = .reset
            if policy.startsOverAfterRefusal { hasSession = false }
            collect(&actions) { $0.resumeRefused(events: &$1) }
        }
        if let handover, live != nil {
            // The connection that was to be replaced goes on; when it closes, the ordinary way follows.
            actions.append(.emit(.handover(.init(phase: .failed, cause: handover))))
            planNextHandover(
                after: handover, isHopeless: consequence == .stop, atCap: consequence == .retryAtCap,
                floor: failure.retryAfter, at: now, using: &rng)
            return
        }
        if consequence == .stop {
            if failure.reason == .closed, let code = failure.closeCode {
                end(.finalClose(code: code), &actions)
            } else {
                end(.hopeless(failure.reason), &actions)
            }
            return
        }
        scheduleRetry(
            cause: failure.reason.rawValue, atCap: consequence == .retryAtCap, floor: failure.retryAfter, at: now,
            using: &rng, &actions)
    }

    /// A hand-over failed, and the connection that was to be replaced goes on.
    private mutating func planNextHandover(
        after cause: StreamEvent.Handover.Cause, isHopeless: Bool, atCap: Bool, floor: Duration?, at now: Instant,
        using rng: inout some RandomNumberGenerator
    ) {
        guard let live else { return }
        if cause == .notice, !isHopeless {
            // The server closes soon whatever we do, and what it sends while no socket is open may be lost for good.
            let delay = backoff.delay(retry: live.failedHandovers, atCap: atCap, floor: floor, using: &rng)
            self.live?.handoverDue = (now + delay, .notice)
        } else if let agesAt = live.agesAt {
            // A connection of age is tried again some times before its time is over, though not in haste: each try may
            // use up something at the service.
            self.live?.handoverDue = (max(agesAt, now + max(policy.backoff.cap, policy.rolloverAfter / 100)), .rollover)
        }
        self.live?.failedHandovers += 1
    }

    /// Ends `attempt` without a decision on what follows.
    mutating func abandon(
        _ attempt: PendingAttempt, _ failure: AttemptFailure, status: AttemptStatus, at now: Instant,
        _ actions: inout [StreamAction]
    ) {
        self.attempt = nil
        actions.append(.abort(generation: attempt.facts.generation))
        actions.append(.releasePermit(generation: attempt.facts.generation))
        actions.append(
            .emit(.attemptFailed(attempt.facts, outcome(of: attempt, status: status, at: now), failure)))
    }

    private func outcome(
        of attempt: PendingAttempt, status: AttemptStatus, at now: Instant
    ) -> StreamEvent.AttemptOutcome {
        var from = attempt.began
        if case .subscribing(let sentAt, _) = attempt.stage { from = sentAt }
        return StreamEvent.AttemptOutcome(
            status: status, latency: now - from, phases: attempt.phases, continuity: continuity.ratio,
            lastSequence: continuity.tallies.highest)
    }

    // MARK: Retries

    mutating func scheduleRetry(
        cause: String, atCap: Bool = false, floor: Duration? = nil, at now: Instant,
        using rng: inout some RandomNumberGenerator, _ actions: inout [StreamAction]
    ) {
        guard policy.backoff.maxAttempts == 0 || retryCount < policy.backoff.maxAttempts else {
            exhaust(cause: cause, at: now, &actions)
            return
        }
        let delay = backoff.delay(retry: retryCount, atCap: atCap, floor: floor, using: &rng)
        rest = .backingOff(until: now + delay, delay: delay, cause: cause)
        actions.append(.emit(.backoffScheduled(delay: delay, retry: retryCount + 1, cause: cause)))
    }

    private mutating func exhaust(cause: String, at now: Instant, _ actions: inout [StreamAction]) {
        let rearms = policy.rearmAfter > .zero && policy.onExhausted == .park
        rest = .exhausted(rearmAt: rearms ? now + policy.rearmAfter : nil)
        collect(&actions) { $0.resumeAbandoned(events: &$1) }
        actions.append(
            .emit(
                .retriesExhausted(
                    retries: retryCount, cause: cause, willRearmAfter: rearms ? policy.rearmAfter : nil)))
        if policy.onExhausted == .exit { actions.append(.endProcess) }
    }
}
