public import StreamModel

/// Holds one stream: decides when to connect, what to send, what is lost, when to give up.
///
/// The machine has no socket, no clock and no randomness of its own. The same inputs, times and seed always give the
/// same actions, so that a day of faults runs in a second of test. What it keeps to:
///
/// * Backoff resets on proof, not on open: acknowledged **and** held for `reset_after`. A connection that falls
///   before that is one more retry.
/// * Never a redial without a delay; a planned hand-over is the one exception.
/// * Every wait has a deadline, except the wait for the connect budget, which grants in bounded time by its own rate.
/// * At most one connection is live. A second one may be under way while it is (a hand-over), and the one that it
///   replaces may still be draining.
/// * A fact of an earlier connection carries its generation and is ignored.
///
///     idle ── started ──▶ attempt ── proof ──▶ live ── loss ──▶ rest(backing off) ── deadline ──▶ attempt
///                            │                   │
///                            └── failure ──▶ rest(backing off | exhausted | stopped) ◀── stop
public struct StreamMachine: Sendable {
    /// How the stream is to be held.
    public let policy: StreamPolicy
    /// What has arrived of what was sent.
    public internal(set) var continuity: Continuity

    var rest = Rest.idle
    var attempt: PendingAttempt?
    var live: LiveConnection?
    var draining: Draining?
    var backoff: Backoff

    /// The generation of the newest connection.
    var generation: UInt64 = 0
    /// What attempts' identifiers are made of.
    let attemptSeed: UInt64
    /// Consecutive retries since the stream last held.
    var retryCount = 0
    /// Attempts since the stream was last live.
    var attemptNumber = 0
    /// When the live connection was lost that is not live again yet.
    var lostAt: Instant?
    /// When a live connection was lost or an attempt failed for the last time.
    var fellAt: Instant?
    /// Whether there is a session to resume: the stream was live, or a cursor was saved.
    var hasSession = false
    var directive = StreamAction.StateDirective.preserve
    /// Consecutive refusals of a token; the second one means the credential, not the token.
    var tokenRefusals = 0
    /// The state that was last told.
    var toldState = StreamState.idle

    /// What there is when there is neither an attempt nor a live connection.
    enum Rest: Hashable, Sendable {
        case idle
        case backingOff(until: Instant, delay: Duration, cause: String)
        case exhausted(rearmAt: Instant?)
        case stopped
    }

    /// An attempt under way.
    struct PendingAttempt: Hashable, Sendable {
        enum Stage: Hashable, Sendable {
            case awaitingPermit
            case awaitingToken(since: Instant, deadline: Instant)
            case connecting(deadline: Instant)
            /// Open; waiting for the server's hello before anything is sent.
            case awaitingHello(deadline: Instant)
            /// The subscribe or resume message was built at `sentAt`; its acknowledgment is awaited.
            case subscribing(sentAt: Instant, deadline: Instant)
        }

        var facts: StreamEvent.Attempt
        var stage: Stage
        let began: Instant
        var phases = PhaseTimings()
        var flushed: UInt64 = 0
        /// What the hand-over is for, while the connection that it replaces lives on.
        var handover: StreamEvent.Handover.Cause?
        var heartbeatInterval: Duration?
        /// How old it is already what this attempt's connection was prepared with.
        var preparedAge = Duration.zero
    }

    /// The live connection.
    struct LiveConnection: Hashable, Sendable {
        let generation: UInt64
        let since: Instant
        var lastMessage: Instant
        /// When the stream will have held; nil once it has.
        var holdsAt: Instant?
        var heartbeatInterval: Duration
        /// When the next heartbeat is due; nil while one is unanswered or there are none.
        var heartbeatDue: Instant?
        /// When the unanswered heartbeat was sent, and when its answer is overdue.
        var unanswered: (sentAt: Instant, deadline: Instant)?
        /// When the connection is of age and is to be replaced.
        var agesAt: Instant?
        /// When the next hand-over begins of our own accord; nil while one is under way or there is none.
        var handoverDue: (at: Instant, cause: StreamEvent.Handover.Cause)?
        /// Hand-overs that failed.
        var failedHandovers = 0

        static func == (left: Self, right: Self) -> Bool { left.generation == right.generation }
        func hash(into hasher: inout Hasher) { hasher.combine(generation) }
    }

    /// A connection that we are closing; what it still delivers counts until `deadline`.
    struct Draining: Hashable, Sendable {
        let generation: UInt64
        let deadline: Instant
        let delivers: Bool
    }

    /// A stream that is not started yet. `lastSequence` is the saved cursor, where there is one: the first attempt
    /// then resumes. `attemptSeed` is what the identifiers of its attempts are made of; it decides nothing.
    public init(
        policy: StreamPolicy, lastSequence: UInt64? = nil, resumesSession: Bool = false, attemptSeed: UInt64 = 0
    ) {
        self.policy = policy
        self.attemptSeed = attemptSeed
        continuity = Continuity(policy: policy)
        backoff = Backoff(policy.backoff)
        if policy.resumable, lastSequence != nil || resumesSession {
            hasSession = true
            if let lastSequence { continuity.restore(lastSequence: lastSequence) }
        }
    }

    /// What the stream is doing.
    public var state: StreamState {
        if live != nil { return .live }
        if let attempt {
            switch attempt.stage {
            case .awaitingPermit, .awaitingToken: return .authenticating
            case .connecting: return .connecting
            case .awaitingHello, .subscribing: return .subscribing
            }
        }
        switch rest {
        case .idle: return .idle
        case .backingOff: return .backingOff
        case .exhausted: return .exhausted
        case .stopped: return .stopped
        }
    }

    /// The generation of the live connection; nil while not live.
    public var liveGeneration: UInt64? { live?.generation }

    /// Whether there is a session that another life of the process could resume.
    public var hasResumableSession: Bool { policy.resumable && hasSession }

    /// Consecutive retries since the stream last held for `reset_after`.
    public var retries: Int { retryCount }

    /// Takes one fact and gives the orders that follow from it.
    public mutating func handle(
        _ input: StreamInput, at now: Instant, using rng: inout some RandomNumberGenerator
    ) -> [StreamAction] {
        var actions: [StreamAction] = []
        if case .messageReceived(let generation, let facts) = input {
            if receiveInOrder(facts, from: generation, at: now) { return actions }
            receive(facts, from: generation, at: now, using: &rng, &actions)
        } else {
            apply(input, at: now, using: &rng, &actions)
        }
        if toldState != state { tellState(&actions) }
        return actions
    }

    private mutating func apply(
        _ input: StreamInput, at now: Instant, using rng: inout some RandomNumberGenerator,
        _ actions: inout [StreamAction]
    ) {
        switch input {
        case .started: start(at: now, &actions)
        case .stopRequested: stop(at: now, &actions)
        case .reconnectRequested: reconnect(at: now, &actions)
        case .permitGranted(let generation): permitGranted(generation, at: now, &actions)
        case .tokenObtained(let generation): tokenObtained(generation, at: now, &actions)
        case .tokenThrottled(let generation, let until): tokenThrottled(generation, until: until)
        case .tokenFailed(let generation, let failure):
            attemptFailed(generation, failure, phases: PhaseTimings(), at: now, using: &rng, &actions)
        case .transportOpened(let generation, let phases):
            transportOpened(generation, phases: phases, at: now, using: &rng, &actions)
        case .transportFailed(let generation, let failure, let phases):
            attemptFailed(generation, failure, phases: phases, at: now, using: &rng, &actions)
        case .transportClosed(let generation, let closure):
            transportClosed(generation, closure, at: now, using: &rng, &actions)
        case .messageReceived: break  // handled before
        case .preparationReused(let generation, let age):
            if attempt?.facts.generation == generation { attempt?.preparedAge = age }
        case .heartbeatIntervalNamed(let generation, let interval):
            heartbeatIntervalNamed(generation, interval, at: now, using: &rng)
        case .pongReceived(let generation): pongReceived(generation, at: now, &actions)
        case .deadlineReached: passTime(at: now, using: &rng, &actions)
        }
    }

    private mutating func tellState(_ actions: inout [StreamAction]) {
        toldState = state
        actions.append(.emit(.stateChanged(toldState)))
    }

    // MARK: Requests

    private mutating func start(at now: Instant, _ actions: inout [StreamAction]) {
        guard rest == .idle, attempt == nil, live == nil else { return }
        actions.append(.emit(.started(lastSequence: hasSession ? continuity.tallies.highest : nil)))
        beginAttempt(.first, at: now, &actions)
    }

    private mutating func stop(at now: Instant, _ actions: inout [StreamAction]) {
        // One that ended and was called back has not stopped, whatever it did before.
        guard state != .stopped else { return }
        if let attempt {
            abandon(
                attempt, AttemptFailure(reason: .other, detail: "the stream was asked to stop"), status: .failure,
                at: now, &actions)
        }
        if let live {
            lose(live, reason: .shutdown, closeCode: nil, detail: "the stream was asked to stop", at: now, &actions)
            close(live, delivers: false, at: now, &actions)
        }
        end(.requested, &actions)
    }

    private mutating func reconnect(at now: Instant, _ actions: inout [StreamAction]) {
        if let live {
            guard attempt == nil else { return }
            planHandover(.request, from: live, at: now, &actions)
            return
        }
        guard attempt == nil else { return }
        switch rest {
        case .exhausted, .stopped: beginFreshCycle(cause: "request", at: now, &actions)
        case .idle, .backingOff: return
        }
    }

    // MARK: Ends

    /// The stream ends and makes no further attempt of its own accord.
    mutating func end(_ cause: StreamEvent.StopCause, _ actions: inout [StreamAction]) {
        rest = .stopped
        lostAt = nil
        collect(&actions) { $0.resumeAbandoned(events: &$1) }
        collect(&actions) { $0.end(events: &$1) }
        actions.append(.emit(.stopped(cause)))
    }

    /// Runs `body` on the continuity and emits what it found.
    mutating func collect(_ actions: inout [StreamAction], _ body: (inout Continuity, inout [StreamEvent]) -> Void) {
        var events: [StreamEvent] = []
        body(&continuity, &events)
        for event in events { actions.append(.emit(event)) }
    }
}
