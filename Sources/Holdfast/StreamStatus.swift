import StreamModel
import StreamSupervisor

/// What people are shown of one stream.
struct StreamStatus: Sendable {
    let identity: StreamIdentity
    let isSequenced: Bool
    var state = StreamState.idle
    var stateSince: WallTime
    var startedAt: WallTime
    /// Nil while it is not live.
    var liveSince: WallTime?
    var retryCount = 0
    var attempts: UInt64 = 0
    var retries: UInt64 = 0
    var reconnects: UInt64 = 0
    var lastReconnectLatency: Duration?
    var tallies = StreamTallies()
    var lastMessageAt: WallTime?
    var nextAttemptAt: WallTime?
    var lastFailure: (reason: String, detail: String, at: WallTime)?
    var outage: Outage?
    var coverage = Coverage()
    var phases: PhaseTimings?
    var heartbeatRoundTrip: Duration?

    /// The last time that the live connection was lost.
    struct Outage: Sendable {
        var began: WallTime
        var cause: String
        var closeCode: UInt16?
        /// What the peer said, or what went wrong: text from outside, without secrets.
        var detail = ""
        /// Nil while it lasts.
        var duration: Duration?
    }

    /// The time watched, and the time live.
    struct Coverage: Sendable {
        private var observed = Duration.zero
        private var covered = Duration.zero
        private var observing: Instant?
        private var covering: Instant?

        mutating func observe(_ isObserving: Bool, at now: Instant) {
            if let since = observing { observed += now - since }
            observing = isObserving ? now : nil
        }

        mutating func cover(_ isCovering: Bool, at now: Instant) {
            if let since = covering { covered += now - since }
            covering = isCovering ? now : nil
        }

        /// The share of the time watched that was covered; nil before any was watched.
        func share(at now: Instant) -> Double? {
            let (observed, covered) = times(at: now)
            return observed > .zero ? min(1, covered.seconds / observed.seconds) : nil
        }

        func times(at now: Instant) -> (observed: Duration, covered: Duration) {
            (
                observed + (observing.map { now - $0 } ?? .zero),
                covered + (covering.map { now - $0 } ?? .zero)
            )
        }
    }

    init(_ identity: StreamIdentity, isSequenced: Bool, at wall: WallTime) {
        self.identity = identity
        self.isSequenced = isSequenced
        stateSince = wall
        startedAt = wall
    }

    /// The most characters of a text from outside that are shown.
    private static let detailLimit = 512

    /// Takes note of an event. `redact` takes secrets out of what a server said, before it is cut: a secret that the cut
    /// parts would no longer be known as one.
    mutating func note(
        _ event: StreamEvent, at now: Instant, wall: WallTime, redact: (String) -> String = { $0 }
    ) {
        switch event {
        case .started: coverage.observe(true, at: now)
        case .stateChanged(let state):
            self.state = state
            stateSince = wall
            liveSince = state == .live ? wall : nil
            coverage.cover(state == .live, at: now)
            if state != .backingOff { nextAttemptAt = nil }
        case .attemptStarted(let attempt):
            attempts += 1
            if attempt.isReconnect { retries += 1 }
            retryCount = attempt.retryCount
        case .attemptFailed(_, _, let failure):
            lastFailure = (
                failure.reason.rawValue, String(redact(failure.detail ?? "").prefix(Self.detailLimit)), wall
            )
        case .live(_, let phases, let outage):
            self.phases = phases
            if let outage {
                reconnects += 1
                self.outage?.duration = outage
            }
        case .reconnected(_, let outcome): lastReconnectLatency = outcome.latency
        case .held: retryCount = 0
        case .connectionLost(let loss):
            guard loss.reason != .planned else { break }
            outage = Outage(
                began: wall, cause: loss.reason.rawValue, closeCode: loss.closeCode,
                detail: String(redact(loss.detail).prefix(Self.detailLimit)))
        case .backoffScheduled(let delay, _, _):
            nextAttemptAt = WallTime(milliseconds: wall.milliseconds + delay.nanoseconds / 1_000_000)
        case .heartbeatAnswered(let roundTrip): heartbeatRoundTrip = roundTrip
        case .stopped: coverage.observe(false, at: now)
        case .resumeAcknowledged, .subscriptionsRejected, .bufferFlushed, .gapOpened, .gapClosed, .messagesLost,
            .sequenceReset,
            .resumeSettled, .heartbeatMissed, .silenceDetected, .handover, .retriesExhausted:
            break
        }
    }
}
