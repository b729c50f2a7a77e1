internal import MetricsRegistry
public import StreamModel

/// The series of one stream, and the fold from what happens to it to their values.
///
/// One thread at a time writes: the stream's event loop. Scrapes read whenever they like; nobody waits for anybody.
public final class StreamSeries: Sendable {
    let group: SeriesGroup
    private let keys: StreamKeys
    private let profile: ProfileSeries
    private let messages: MessageSeries

    init(group: SeriesGroup, keys: StreamKeys, profile: ProfileSeries, sequenced: Bool) {
        self.group = group
        self.keys = keys
        self.profile = profile
        messages = MessageSeries(group: group, keys: keys, sequenced: sequenced)
        group[keys.state].set(StreamState.idle.ordinal)
        group[keys.continuityRatio].set(sequenced ? 1 : .nan)
    }

    /// Counts what happened at `now`, on the clock that scrapes are encoded by.
    public func record(_ event: StreamEvent, at now: Instant) {
        switch event {
        case .started(let lastSequence):
            group[keys.observed].start(at: now.nanoseconds)
            if let lastSequence { group[keys.lastSequence].set(lastSequence) }
        case .stateChanged(let state):
            enter(state, at: now)
        case .attemptStarted(let attempt):
            begin(attempt)
        case .attemptFailed(let attempt, let outcome, let failure):
            group[keys.connectFailures, failure.reason.ordinal].increment()
            if attempt.isReconnect { group[keys.retries].increment() }
            profile.record(outcome.phases)
        case .reconnected(_, let outcome):
            // Counted when the attempt is over, as its line in the audit trail is written: the two always agree.
            group[keys.retries].increment()
            group[keys.reconnectLatency].observe(nanoseconds: outcome.latency.nanoseconds)
        case .live(_, let timings, let outage):
            profile.record(timings)
            guard let outage else { return }
            group[keys.reconnects].increment()
            group[keys.outageDuration].observe(nanoseconds: outage.nanoseconds)
        case .held:
            group[keys.retryCount].set(0)
        case .connectionLost(let loss):
            group[keys.disconnects, loss.reason.ordinal].increment()
        case .backoffScheduled(let delay, _, _):
            group[keys.backoffDelay].set(nanoseconds: delay.nanoseconds)
        case .resumeSettled(let outcome):
            group[keys.resumes, outcome.ordinal].increment()
        case .heartbeatAnswered(let roundTrip):
            group[keys.heartbeats, HeartbeatOutcome.answered.ordinal].increment()
            group[keys.heartbeatRoundTrip].set(nanoseconds: roundTrip.nanoseconds)
        case .heartbeatMissed:
            group[keys.heartbeats, HeartbeatOutcome.missed.ordinal].increment()
        case .retriesExhausted:
            group[keys.retriesExhausted].increment()
            group[keys.backoffDelay].set(nanoseconds: 0)
        case .stopped:
            group[keys.backoffDelay].set(nanoseconds: 0)
            enter(.stopped, at: now)
            group[keys.observed].stop(at: now.nanoseconds)
        case .resumeAcknowledged:
            // The latency comes again with `reconnected`, which every reconnect has: counted there, once.
            break
        case .subscriptionsRejected:
            // Nothing was lost of what the server agreed to send; the count of audit events tells of it.
            break
        case .bufferFlushed, .gapOpened, .gapClosed, .messagesLost, .sequenceReset:
            // What they tell is in the tallies.
            break
        case .silenceDetected, .handover:
            // The loss of the connection that follows is counted with its reason.
            break
        }
    }

    /// Shows what the stream has counted. Called after each batch of messages and whenever the tallies change.
    ///
    /// `lastMessageAt` is nil where no message has come since the last call.
    public func publish(_ tallies: StreamTallies, lastMessageAt: WallTime?) {
        messages.publish(tallies, lastMessageAt: lastMessageAt)
    }

    /// Counts bytes that went over the wire.
    public func addBytes(received: Int, sent: Int) {
        messages.addBytes(received: received, sent: sent)
    }

    /// Counts the time that an attempt waited for the connect budget.
    public func addBudgetWait(_ duration: Duration) {
        group[keys.connectBudgetWait].add(nanoseconds: duration.nanoseconds)
    }

    private func begin(_ attempt: StreamEvent.Attempt) {
        group[keys.connectAttempts].increment()
        group[keys.retryCount].set(UInt64(max(0, attempt.retryCount)))
        group[keys.backoffDelay].set(nanoseconds: 0)
    }

    private func enter(_ state: StreamState, at now: Instant) {
        group[keys.state].set(state.ordinal)
        group[keys.up].set(state == .live ? 1 : 0)
        if state == .live {
            group[keys.covered].start(at: now.nanoseconds)
        } else {
            group[keys.covered].stop(at: now.nanoseconds)
        }
    }
}

/// The values that the hot path writes, found once.
private struct MessageSeries: Sendable {
    let sequenced: Bool
    let continuityRatio: Gauge
    let received, expected, lost, late, reordered, duplicate, flushed, gaps, resets: Counter
    let pending, lastSequence: IntegerGauge
    let lastMessage: DurationGauge
    let receivedBytes, sentBytes: Counter

    init(group: SeriesGroup, keys: StreamKeys, sequenced: Bool) {
        self.sequenced = sequenced
        continuityRatio = group[keys.continuityRatio]
        received = group[keys.received]
        expected = group[keys.expected]
        lost = group[keys.lost]
        late = group[keys.late]
        reordered = group[keys.reordered]
        duplicate = group[keys.duplicate]
        flushed = group[keys.flushed]
        gaps = group[keys.gaps]
        resets = group[keys.resets]
        pending = group[keys.pending]
        lastSequence = group[keys.lastSequence]
        lastMessage = group[keys.lastMessage]
        receivedBytes = group[keys.receivedBytes]
        sentBytes = group[keys.sentBytes]
    }

    func publish(_ tallies: StreamTallies, lastMessageAt: WallTime?) {
        received.advance(to: tallies.received)
        expected.advance(to: tallies.expected)
        lost.advance(to: tallies.lost)
        late.advance(to: tallies.late)
        reordered.advance(to: tallies.reordered)
        duplicate.advance(to: tallies.duplicate)
        flushed.advance(to: tallies.flushed)
        gaps.advance(to: tallies.gaps)
        resets.advance(to: tallies.resets)
        pending.set(tallies.pending)
        if let highest = tallies.highest { lastSequence.set(highest) }
        if sequenced { continuityRatio.set(tallies.continuity) }
        if let lastMessageAt { lastMessage.set(unixMilliseconds: lastMessageAt.milliseconds) }
    }

    func addBytes(received: Int, sent: Int) {
        receivedBytes.increment(by: UInt64(max(0, received)))
        sentBytes.increment(by: UInt64(max(0, sent)))
    }
}
