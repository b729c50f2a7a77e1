import StreamModel
import StreamRuntime

/// What a stream says of itself, against what the simulation knows.
extension Probe {
    func check(_ event: StreamEvent) {
        if hasEnded, !isAfterTheEnd(event) { fail("state", "\(event) after the end") }
        switch event {
        case .started(let last): started(last)
        case .stateChanged(let new): entered(new)
        case .attemptStarted(let facts): began(facts)
        case .attemptFailed(let facts, let outcome, let failure): failed(facts, outcome, failure)
        case .resumeAcknowledged(let facts, _):
            if !facts.isResume { fail("resume", "an attempt that resumes nothing was acknowledged as a resume") }
            counts.resumesAcknowledged += 1
            ledger.hold = .until(now + ledger.window)
        case .reconnected(let facts, _): reconnected(facts)
        case .live(let facts, _, let outage): becameLive(facts, outage)
        case .held: held()
        case .connectionLost(let loss): lost(loss)
        case .backoffScheduled(let delay, let retry, _): willRetry(delay.nanoseconds, retry)
        case .gapOpened(let range, _): expectNote(.gapOpened(first: range.first, last: range.last))
        case .gapClosed(let range, _): expectNote(.gapClosed(first: range.first, last: range.last))
        case .sequenceReset(let previous, let baseline, _):
            expectNote(.reset(previous: previous, baseline: baseline))
        case .messagesLost(let range, _, _):
            if let complaint = ledger.giveUp(.init(first: range.first, last: range.last), at: now) {
                fail("ledger", complaint)
            }
        case .resumeSettled(let outcome): settled(outcome)
        case .retriesExhausted(let number, _, _): exhausted(number)
        case .stopped: stopped()
        case .heartbeatAnswered(let roundTrip): heartbeatAnswered(after: roundTrip.nanoseconds)
        case .heartbeatMissed: counts.missedHeartbeats += 1
        case .handover(let step): handedOver(step)
        case .subscriptionsRejected, .bufferFlushed, .silenceDetected: break
        }
    }

    private func isAfterTheEnd(_ event: StreamEvent) -> Bool {
        switch event {
        // What was open when the stream ended is still given up; a person can begin a fresh cycle.
        case .messagesLost, .stateChanged, .attemptStarted, .resumeSettled: true
        default: false
        }
    }

    private func expectNote(_ note: Ledger.Note) {
        guard ledger.notes.first == note else {
            return fail("ledger", "told \(note), and what happened was \(ledger.notes)")
        }
        ledger.notes.removeFirst()
    }

    // MARK: Attempts

    private func started(_ last: UInt64?) {
        observedSince = now
        if let last {
            hasSession = true
            ledger.highest = last
            ledger.baseline = last
            if last != lastCursor { fail("cursor", "started from \(last), and \(show(lastCursor)) was saved") }
        } else if isSequenced, let lastCursor {
            fail("cursor", "started from nothing, and \(lastCursor) was saved")
        }
        if isSequenced, life.cursors?.cursor(of: name) != nil { hasSession = true }
    }

    private func began(_ facts: StreamEvent.Attempt) {
        counts.attempts += 1
        hasEnded = false
        if attempt != nil { fail("one attempt", "attempt \(facts.generation) begins while another is under way") }
        if live != nil, handover == nil {
            fail("one live", "attempt \(facts.generation) begins while a connection is live")
        }
        if facts.generation != generation + 1 { fail("generation", "\(facts.generation) follows \(generation)") }
        generation = facts.generation
        if facts.isReconnect != (generation > 1) { fail("reconnect", "attempt \(generation) says the opposite") }
        if facts.isResume != (isSequenced && hasSession) { fail("resume", "attempt \(generation) says the opposite") }
        if let scheduled {
            let waited = now - scheduled.at
            if waited < scheduled.delay {
                fail("pacing", "retried after \(waited) ns, and the delay was \(scheduled.delay) ns")
            }
            if waited > scheduled.delay, !mayBeLate { fail("pacing", "retried \(waited - scheduled.delay) ns late") }
            retries += 1
            if facts.delay.nanoseconds != scheduled.delay { fail("pacing", "the attempt tells of another delay") }
        } else if generation > 1 {
            // A fresh cycle of a parked stream, or what a person asked for: the only attempts without a delay.
            let isPlanned = facts.cause == "request" && askedByPerson || facts.cause == handover?.rawValue
            if !isPlanned, facts.cause != "rearmed" { fail("pacing", "retried without a delay: \(facts.cause)") }
            if state == .exhausted || state == .stopped || state == .idle { retries = 0 }
            if isSequenced, hasSession { ledger.hold = .resume }
        }
        if facts.cause == "request" { askedByPerson = false }
        if facts.retryCount != retries {
            fail("proof", "retry \(facts.retryCount), and it is number \(retries) since the stream last held")
        }
        let most = policy.backoff.maxAttempts
        if most > 0, retries > most { fail("limit", "retry \(retries) of at most \(most)") }
        attempt = PendingAttempt(facts: facts, began: now)
        scheduled = nil
    }

    private func failed(
        _ facts: StreamEvent.Attempt, _ outcome: StreamEvent.AttemptOutcome, _ failure: AttemptFailure
    ) {
        guard let pending = attempt, pending.facts == facts else {
            return fail("attempt", "attempt \(facts.generation) failed and was not under way")
        }
        attempt = nil
        life.checks.settled(index, host: plan.service.rawValue)
        fellAt = now
        counts.failures[failure.reason, default: 0] += 1
        if facts.isReconnect { counts.retries += 1 }
        checkReason(of: failure, pending)
        floor = pending.floor
        lastFailureWasFinal = failure.consequence == .stop
        longestDelayAllowed = failure.consequence == .retryAtCap || failure.retryAfter != nil
        if failure.reason == .refusedToken || failure.consequence == .retryWithNewToken {
            tokenRefusals += 1
            if tokenRefusals > 1 { longestDelayAllowed = true }
            life.checks.wasRefused(pending.token, stream: name)
            if let came = life.checks.tokens[pending.token], came < pending.began { counts.cachedTokensRefused += 1 }
        }
        let isTimeout = failure.reason == .timeout || failure.reason == .ackTimeout
        let byDeadline = failure.reason == .token && outcome.status == .timeout
        if !byDeadline, outcome.status != (isTimeout ? .timeout : .failure) {
            fail("audit", "status \(outcome.status.rawValue) of \(failure.reason.rawValue)")
        }
    }

    private func checkReason(of failure: AttemptFailure, _ pending: PendingAttempt) {
        let reason = failure.reason
        if let expected = pending.expectedFailure {
            if reason != expected { fail("reason", "\(reason.rawValue), and it was \(expected.rawValue)") }
            return
        }
        switch reason {
        case .timeout:
            let waited = now - (pending.preparingAt ?? pending.dialedAt ?? now)
            if pending.openedAt != nil || waited < policy.connectTimeout.nanoseconds {
                fail("reason", "timeout after \(Fault.seconds(waited))")
            }
        case .ackTimeout:
            let waited = now - (pending.askedAt ?? now)
            if pending.isAcknowledged || waited < policy.ackTimeout.nanoseconds {
                fail("reason", "no acknowledgment after \(Fault.seconds(waited))")
            }
        case .token: if pending.dialedAt != nil { fail("reason", "no token, and it was dialed") }
        case .other: if !life.isStopping { fail("reason", "other: \(failure.detail ?? "")") }
        default: fail("reason", "\(reason.rawValue), and nothing like that happened")
        }
    }

    // MARK: Live

    private func reconnected(_ facts: StreamEvent.Attempt) {
        if !facts.isReconnect || attempt?.facts != facts { fail("reconnect", "attempt \(facts.generation) was none") }
        counts.retries += 1
    }

    private func becameLive(_ facts: StreamEvent.Attempt, _ outage: Duration?) {
        if live != nil, handover == nil { fail("one live", "connection \(facts.generation) is live beside another") }
        replaced = live
        guard let pending = attempt, pending.facts == facts else {
            return fail("one live", "connection \(facts.generation) is live without an attempt")
        }
        attempt = nil
        life.checks.settled(index, host: plan.service.rawValue)
        let isQuietLongEnough = !isSequenced && now - (pending.askedAt ?? now) >= policy.ackTimeout.nanoseconds
        if !pending.isAcknowledged, !isQuietLongEnough {
            fail("proof", "connection \(facts.generation) is live and nothing has proven it")
        }
        if outage?.nanoseconds != lostAt.map({ now - $0 }) { fail("outage", "\(String(describing: outage))") }
        if outage != nil { counts.reconnects += 1 }
        lostAt = nil
        tokenRefusals = 0
        if facts.isResume { watchesResume = (ledger.highest, ledger.lost, ledger.resets) }
        hasSession = true
        live = LiveConnection(
            generation: facts.generation, since: now, lastMessage: now, lastPong: now,
            heartbeatDue: now + policy.heartbeat.interval.nanoseconds, preparedAt: preparedAt, token: pending.token)
        let age = policy.rolloverAfter.nanoseconds
        if isChanneled, age > 0 {
            let known = pending.preparingAt == nil ? (pending.dialedAt ?? now) - preparedAt : 0
            live?.agesBy = now + max(0, age - known)
        }
    }

    private func held() {
        guard let live, now - live.since >= policy.backoff.resetAfter.nanoseconds else {
            return fail("proof", "held, and it was not live for so long")
        }
        self.live?.hasHeld = true
        retries = 0
        previousDelay = nil
    }

    private func lost(_ loss: StreamEvent.ConnectionLoss) {
        if let replaced { return retired(replaced, loss) }
        guard let live, live.generation == loss.generation else {
            return fail("one live", "connection \(loss.generation) was lost and was not live")
        }
        self.live = nil
        // A successor that is on its way becomes an ordinary attempt.
        handover = nil
        world.tally.streamSeconds += Double(now - live.since) / 1e9
        counts.disconnects[loss.reason, default: 0] += 1
        if loss.liveFor.nanoseconds != now - live.since { fail("outage", "live for \(loss.liveFor)") }
        if let expected = live.expectedLoss, expected != loss.reason {
            fail("reason", "lost for \(loss.reason.rawValue), and it was \(expected.rawValue)")
        }
        checkReason(of: loss, live)
        lostAt = now
        fellAt = now
        longestDelayAllowed = false
        floor = 0
        if loss.reason == .token { tokenRefusals += 1 }
        if isSequenced { ledger.hold = .resume } else { ledger.hold = .none }
    }

    private func checkReason(of loss: StreamEvent.ConnectionLoss, _ live: LiveConnection) {
        switch loss.reason {
        case .heartbeat:
            guard let unanswered = live.unanswered else { return fail("heartbeat", "missed, and none was sent") }
            if now - unanswered.at < policy.heartbeat.timeout.nanoseconds {
                fail("heartbeat", "missed, and it was sent at \(Fault.seconds(unanswered.at))")
            }
        case .silence:
            if now - live.lastMessage < policy.silenceTimeout.nanoseconds { fail("silence", "told too early") }
        case .planned: if !askedByPerson { fail("handover", "nobody asked for it") }
        case .shutdown: if !life.isStopping { fail("state", "nobody asked it to stop") }
        case .closedNormal, .closedAbnormal, .token, .transport:
            if live.expectedLoss == nil { fail("reason", "lost for \(loss.reason.rawValue), and nothing closed") }
        case .protocol, .tooLarge: fail("reason", "lost for \(loss.reason.rawValue)")
        }
    }

    // MARK: Retries

    private func willRetry(_ delay: Int64, _ retry: Int) {
        if retry != retries + 1 { fail("proof", "retry \(retry) is next, and it would be number \(retries + 1)") }
        let base = policy.backoff.base.nanoseconds
        let cap = policy.backoff.cap.nanoseconds
        var nominal = base
        for _ in 0..<min(retries, 62) where nominal < cap { nominal *= 2 }
        nominal = min(nominal, cap)
        var least: Int64 = 1_000_000
        var most = nominal
        switch policy.backoff.jitter {
        case .none: least = nominal
        case .additive(let ratio):
            least = nominal
            most = nominal + Int64(Double(nominal) * ratio)
        case .equal: least = nominal / 2
        case .full: break
        case .decorrelated:
            least = min(base, cap)
            most = cap
        }
        if delay < floor { fail("pacing", "retry \(retry) in \(delay) ns, the gateway asked for \(floor) ns") }
        if delay < least { fail("pacing", "retry \(retry) in \(delay) ns, and \(least) ns is the least") }
        if delay > most + 2, !longestDelayAllowed {
            fail("pacing", "retry \(retry) in \(delay) ns, at most \(most) ns")
        }
        scheduled = (delay, now)
    }

    private func exhausted(_ number: Int) {
        counts.exhausted += 1
        if number != retries || retries < policy.backoff.maxAttempts || policy.backoff.maxAttempts == 0 {
            fail("limit", "exhausted after \(number) retries")
        }
        if policy.rearmAfter > .zero { rearmsAt = now + policy.rearmAfter.nanoseconds }
        ledger.hold = .none
    }

    private func stopped() {
        hasEnded = true
        ledger.hold = .none
        lostAt = nil
        scheduled = nil
        if let since = observedSince { observed += now - since }
        observedSince = nil
    }

    // MARK: Resumes and states

    private func settled(_ outcome: ResumeOutcome) {
        counts.resumes[outcome, default: 0] += 1
        guard isSequenced else { return }
        guard let watch = watchesResume else { return fail("resume", "settled twice, or never acknowledged") }
        watchesResume = nil
        switch outcome {
        case .full:
            let isWhole = ledger.gaps.isEmpty && ledger.lost == watch.lost && ledger.resets == watch.resets
            if !isWhole || ledger.highest ?? 0 <= watch.highest ?? 0 { fail("resume", "full, and it is not") }
        case .partial: if ledger.lost == watch.lost { fail("resume", "partial, and nothing is lost") }
        case .refused: if ledger.resets == watch.resets { fail("resume", "refused, and it was not") }
        case .unknown: break
        }
    }

    private func entered(_ new: StreamState) {
        if new == state { fail("state", "entered \(new.rawValue) twice") }
        if (new == .live) != (live != nil) { fail("state", "\(new.rawValue), and live is \(live != nil)") }
        if state == .live { covered += now - liveStateSince }
        if new == .live { liveStateSince = now }
        state = new
    }

    // MARK: At the end

    func examineAtEnd() {
        if !canStayLive || mayStillRecover { return }
        if live == nil { fail("recovery", "not live at the end: \(state.rawValue)") }
        if retries != 0 { fail("recovery", "\(retries) retries at the end, and all was well for minutes") }
        if isChanneled, policy.rolloverAfter > .zero { checkQuietEvents() }
        if ledger.pending != 0 { fail("recovery", "\(ledger.pending) numbers are still waited for") }
    }

    /// The series of this stream against the simulation's own counts.
    func compare(with scrape: Scrape) {
        if isRemoved { return }
        let labels = "stream=\"\(name)\",profile=\"\(plan.service.rawValue)\""
        func check(_ metric: String, _ value: Double, _ label: String = "", within error: Double = 0) {
            scrape.expect("holdfast_\(metric){\(labels)\(label)}", value, world, name, within: error)
        }
        check("stream_up", live == nil ? 0 : 1)
        check("connect_attempts_total", Double(counts.attempts))
        check("retries_total", Double(counts.retries))
        check("reconnects_total", Double(counts.reconnects))
        check("retries_exhausted_total", Double(counts.exhausted))
        check("retry_count", Double(retries))
        for reason in ConnectFailureReason.allCases {
            check("connect_failures_total", Double(counts.failures[reason] ?? 0), ",reason=\"\(reason.rawValue)\"")
        }
        for reason in DisconnectReason.allCases {
            check("disconnects_total", Double(counts.disconnects[reason] ?? 0), ",reason=\"\(reason.rawValue)\"")
        }
        for outcome in ResumeOutcome.allCases {
            check("resumes_total", Double(counts.resumes[outcome] ?? 0), ",outcome=\"\(outcome.rawValue)\"")
        }
        for state in StreamState.allCases {
            check("stream_state", state == self.state ? 1 : 0, ",state=\"\(state.rawValue)\"")
        }
        check("heartbeats_total", Double(counts.answeredHeartbeats), ",outcome=\"answered\"")
        check("heartbeats_total", Double(counts.missedHeartbeats), ",outcome=\"missed\"")
        check("messages_received_total", Double(ledger.received))
        check("messages_expected_total", Double(ledger.unique + ledger.lost))
        check("messages_lost_total", Double(ledger.lost))
        check("messages_late_total", Double(ledger.late))
        check("messages_reordered_total", Double(ledger.reordered))
        check("messages_duplicate_total", Double(ledger.duplicate))
        check("messages_flushed_total", Double(ledger.flushed))
        check("messages_pending", Double(ledger.pending))
        check("sequence_gaps_total", Double(ledger.gapCount))
        check("sequence_resets_total", Double(ledger.resets))
        check("received_bytes_total", Double(counts.received))
        check("sent_bytes_total", Double(counts.sent))
        if let highest = ledger.highest { check("last_sequence", Double(highest)) }
        if isSequenced {
            let expected = Double(ledger.unique + ledger.lost)
            check("continuity_ratio", expected == 0 ? 1 : 1 - Double(ledger.lost) / expected, within: 1e-12)
        }
        let observed = observed + (observedSince.map { now - $0 } ?? 0)
        let covered = covered + (state == .live ? now - liveStateSince : 0)
        check("observed_seconds_total", Double(observed) / 1e9, within: 1e-6)
        check("covered_seconds_total", Double(covered) / 1e9, within: 1e-6)
        check("connect_budget_wait_seconds_total", Double(counts.budgetWait) / 1e9, within: 1e-6)
        let reconnects = life.checks.reconnectLines[name] ?? 0
        let underWay = attempt?.facts.isReconnect == true ? 1 : 0
        let made = counts.attempts - 1 - underWay
        if reconnects != max(0, made) {
            fail("audit", "\(reconnects) lines websocket_reconnection for \(max(0, made)) reconnect attempts")
        }
    }
}
