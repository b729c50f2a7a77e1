/// Something that happened to a stream. A fact, in the past tense, for whoever listens: metrics, the audit trail, the
/// library's user. Nothing downstream is ever asked what to do.
///
/// Messages in order make no event: what the hot path counts is in ``StreamTallies``.
public enum StreamEvent: Hashable, Sendable {
    /// The stream was started; `lastSequence` is the saved cursor that it resumes from.
    case started(lastSequence: UInt64?)
    /// The stream's state is now another.
    case stateChanged(StreamState)
    /// An attempt began.
    case attemptStarted(Attempt)
    /// An attempt ended without becoming live.
    case attemptFailed(Attempt, AttemptOutcome, AttemptFailure)
    /// The server acknowledged a resume.
    case resumeAcknowledged(Attempt, latency: Duration)
    /// The server took the session but not all of its subscriptions: nothing will come for these.
    case subscriptionsRejected(Rejections)
    /// Messages that arrived between the open and the acknowledgment were set aside.
    case bufferFlushed(count: UInt64)
    /// A reconnect attempt succeeded; precedes `live`.
    case reconnected(Attempt, AttemptOutcome)
    /// The stream is live: for the first time, or again. `outage` is the time since the loss.
    case live(Attempt, PhaseTimings, outage: Duration?)
    /// The stream held for `reset_after`: its retry count is 0 again.
    case held
    /// A live connection was lost.
    case connectionLost(ConnectionLoss)
    /// The next attempt comes after `delay`.
    case backoffScheduled(delay: Duration, retry: Int, cause: String)
    /// Sequence numbers were jumped over.
    case gapOpened(SequenceRange, channel: UInt64)
    /// The numbers of a gap all arrived after all.
    case gapClosed(SequenceRange, channel: UInt64)
    /// Numbers were given up as lost.
    case messagesLost(SequenceRange, channel: UInt64, continuity: Double)
    /// The server numbers anew.
    case sequenceReset(previousHighest: UInt64, baseline: UInt64, channel: UInt64)
    /// What a resume brought back is known.
    case resumeSettled(ResumeOutcome)
    /// A heartbeat was answered.
    case heartbeatAnswered(roundTrip: Duration)
    /// A heartbeat was not answered in time.
    case heartbeatMissed(after: Duration)
    /// Live, but nothing was received for so long.
    case silenceDetected(after: Duration)
    /// A hand-over to another connection was planned, went through, or came to nothing.
    case handover(Handover)
    /// The retry limit was reached.
    case retriesExhausted(retries: Int, cause: String, willRearmAfter: Duration?)
    /// The stream ended.
    case stopped(StopCause)

    /// An attempt: one try to establish a connection.
    public struct Attempt: Hashable, Sendable {
        /// What its audit lines, log lines and span have in common.
        public var id: AttemptID
        /// The generation of the connection that it would make; 1, 2, 3 … for the life of the stream.
        public var generation: UInt64
        /// 1 for the first attempt of a start or of a fresh cycle, then 2, 3 … until the stream is live.
        public var number: Int
        /// Consecutive retries since the stream last held for `reset_after`, this one included.
        public var retryCount: Int
        /// Whether this is a reconnect attempt: any but the first of a start.
        public var isReconnect: Bool
        /// Whether it resumes a session.
        public var isResume: Bool
        /// The delay waited before it.
        public var delay: Duration
        /// What it is a consequence of: a disconnect reason, a failure reason, or a request; empty for the first.
        public var cause: String

        /// An attempt.
        public init(
            id: AttemptID = AttemptID(rawValue: 0), generation: UInt64, number: Int, retryCount: Int,
            isReconnect: Bool, isResume: Bool, delay: Duration, cause: String
        ) {
            self.id = id
            self.generation = generation
            self.number = number
            self.retryCount = retryCount
            self.isReconnect = isReconnect
            self.isResume = isResume
            self.delay = delay
            self.cause = cause
        }
    }

    /// What there is to say of an attempt that ended.
    public struct AttemptOutcome: Hashable, Sendable {
        /// How it ended.
        public var status: AttemptStatus
        /// From the moment the reconnect payload was built to the attempt's end; from the attempt's begin where it
        /// ended before there was a payload.
        public var latency: Duration
        /// The phases as far as they came.
        public var phases: PhaseTimings
        /// Continuity at that moment; nil where the protocol has no sequence.
        public var continuity: Double?
        /// The highest sequence number seen.
        public var lastSequence: UInt64?

        /// What there is to say of an attempt that ended.
        public init(
            status: AttemptStatus, latency: Duration, phases: PhaseTimings, continuity: Double?, lastSequence: UInt64?
        ) {
            self.status = status
            self.latency = latency
            self.phases = phases
            self.continuity = continuity
            self.lastSequence = lastSequence
        }
    }

    /// The loss of a live connection.
    public struct ConnectionLoss: Hashable, Sendable {
        /// The attempt that had made the connection.
        public var attempt: AttemptID
        /// The generation of the connection.
        public var generation: UInt64
        /// The closed set that metrics know.
        public var reason: DisconnectReason
        /// The close code; 1006 where no close frame came; nil where we ended it.
        public var closeCode: UInt16?
        /// The close reason that the peer gave, or what went wrong. Text from outside.
        public var detail: String
        /// How long the connection was live.
        public var liveFor: Duration
        /// The highest sequence number seen.
        public var lastSequence: UInt64?

        /// The loss of a live connection.
        public init(
            attempt: AttemptID = AttemptID(rawValue: 0), generation: UInt64, reason: DisconnectReason,
            closeCode: UInt16?, detail: String, liveFor: Duration, lastSequence: UInt64?
        ) {
            self.attempt = attempt
            self.generation = generation
            self.reason = reason
            self.closeCode = closeCode
            self.detail = detail
            self.liveFor = liveFor
            self.lastSequence = lastSequence
        }
    }

    /// Subscriptions that a server did not accept. All texts are from outside.
    public struct Rejections: Hashable, Sendable {
        /// The most that are named.
        public static let namedLimit = 20

        /// How many.
        public var count: Int
        /// The first of them, ``namedLimit`` at most.
        public var subscriptions: [String]
        /// Why the first was rejected; empty where the server does not say.
        public var reason: String

        /// `subscriptions` were not accepted; more than ``namedLimit`` are counted, not kept.
        public init(_ subscriptions: [String], reason: String) {
            count = subscriptions.count
            self.subscriptions = Array(subscriptions.prefix(Self.namedLimit))
            self.reason = reason
        }
    }

    /// A planned hand-over.
    public struct Handover: Hashable, Sendable {
        /// How far it came.
        public enum Phase: String, Hashable, Sendable {
            case planned
            case completed
            case failed
        }
        /// What it is for.
        public enum Cause: String, Hashable, Sendable {
            /// The server announced that it will close.
            case notice
            /// The connection came of age.
            case rollover
            /// A person or the configuration asked for it.
            case request
        }

        /// How far it came.
        public var phase: Phase
        /// What it is for.
        public var cause: Cause

        /// A hand-over that came as far as `phase`.
        public init(phase: Phase, cause: Cause) {
            self.phase = phase
            self.cause = cause
        }
    }

    /// Why a stream ended.
    public enum StopCause: Hashable, Sendable {
        /// The process or the configuration asked for it.
        case requested
        /// The server closed with a code that is final.
        case finalClose(code: UInt16)
        /// An attempt failed in a way that no further attempt can mend.
        case hopeless(ConnectFailureReason)
    }
}

/// A range of sequence numbers, both ends included.
public struct SequenceRange: Hashable, Sendable {
    /// The first number.
    public var first: UInt64
    /// The last number; at least `first`.
    public var last: UInt64

    /// The numbers from `first` to `last`, both included; `first` must not be larger.
    public init(_ first: UInt64, _ last: UInt64) {
        precondition(first <= last, "a range of sequence numbers runs upwards")
        self.first = first
        self.last = last
    }

    /// How many numbers it holds; saturates.
    public var count: UInt64 {
        let (count, overflow) = (last - first).addingReportingOverflow(1)
        return overflow ? .max : count
    }
}
