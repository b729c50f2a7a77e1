/// How a stream is to be held: everything that the machine decides by. Durations are positive; `.zero` means off
/// where the key says so.
public struct StreamPolicy: Hashable, Sendable {
    /// How long to wait before each retry, and how often to try.
    public var backoff = BackoffPolicy()
    /// What happens when `backoff.maxAttempts` retries have failed.
    public var onExhausted = OnExhausted.park
    /// How long an exhausted stream rests before it starts a fresh cycle; zero: never.
    public var rearmAfter = Duration.seconds(15 * 60)
    /// How long an attempt waits for its token, the waits that the token endpoint asks for aside.
    public var tokenTimeout = Duration.seconds(30)
    /// How long an attempt may take from its first packet to the open WebSocket: prepare, name, TCP, TLS and upgrade.
    public var connectTimeout = Duration.seconds(10)
    /// How long the server may take to acknowledge.
    public var ackTimeout = Duration.seconds(5)
    /// When and how the client makes sure that the peer is there.
    public var heartbeat = HeartbeatPolicy()
    /// Live, but nothing received for this long: stalled, and reconnected. Zero: off.
    public var silenceTimeout = Duration.zero
    /// How long a hole in the sequence is waited for before it counts as lost.
    public var reorderWindow = Duration.seconds(2)
    /// How long the peer may take to answer our close frame.
    public var closeTimeout = Duration.seconds(2)
    /// What proves that a connection is live.
    public var acknowledgment = AcknowledgmentRule.message
    /// Whether the client waits for the server's hello before it sends anything.
    public var awaitsHello = false
    /// Where the messages' numbers are promised to go.
    public var sequence = SequenceRule.none
    /// Whether the acknowledgment of a connection is numbered like an event, and counts as one.
    public var countsAcknowledgments = false
    /// Whether a session can be taken up again after its connection is lost.
    public var resumable = false
    /// Whether a refused resume means that there is no session any more, so that the next attempt begins a fresh one;
    /// otherwise it resumes again and asks the server to start over.
    public var startsOverAfterRefusal = false
    /// The code of our close frame where the session is to go on after it (RFC 6455, section 7.4). Some services end
    /// the session with a 1000.
    public var plannedCloseCode: UInt16 = 1000
    /// Whether every reconnect asks for a token that was fetched after the loss, or a cached one will do.
    public var renewsTokenOnReconnect = false
    /// How a planned reconnect goes about it.
    public var handover = HandoverRule.breakBeforeMake
    /// A connection is replaced in a planned hand-over when it is this old; zero: never.
    public var rolloverAfter = Duration.zero
    /// Up to this share of `rolloverAfter` is taken off at random, so that a fleet does not roll over at once.
    public var rolloverJitter = 0.0

    /// The defaults; a profile and a configuration change them.
    public init() {}

    /// What happens when the retries are used up.
    public enum OnExhausted: String, Hashable, Sendable, CaseIterable {
        /// This stream stops trying and says so.
        case park
        /// The process ends with status 1.
        case exit
    }

    /// What proves that a connection is live.
    public enum AcknowledgmentRule: Hashable, Sendable {
        /// A message that the profile knows as the acknowledgment.
        case message
        /// The protocol has none: the first message proves it, or staying open for `ackTimeout`.
        case firstMessageOrQuiet
        /// The open itself.
        case open
    }

    /// What a protocol promises of its sequence numbers.
    public enum SequenceRule: Hashable, Sendable {
        /// No numbers: continuity cannot be told.
        case none
        /// Each number is the one before plus one; `startsAt` where the first of a fresh session is known.
        case contiguous(startsAt: UInt64?)
        /// Each number is larger than the one before; a jump is no gap.
        case monotonic
    }

    /// How a planned reconnect goes about it.
    public enum HandoverRule: Hashable, Sendable {
        /// Close, then open: the session has room for one connection.
        case breakBeforeMake
        /// Open another, wait until it is live, then close.
        case makeBeforeBreak
    }
}

/// How long to wait before each retry.
public struct BackoffPolicy: Hashable, Sendable {
    /// The delay before the first retry, jitter aside.
    public var base = Duration.seconds(1)
    /// The largest delay, jitter aside.
    public var cap = Duration.seconds(30)
    /// What each further delay is multiplied by; at least 1.
    public var multiplier = 2.0
    /// How the delay is spread, so that streams that fell together do not return together.
    public var jitter = Jitter.full
    /// Retries before the stream is exhausted; 0: never give up.
    public var maxAttempts = 0
    /// How long a stream must hold before its retry count goes back to 0.
    public var resetAfter = Duration.seconds(30)

    /// Base 1 s, cap 30 s, doubling, full jitter, for ever.
    public init() {}

    /// The kinds of jitter; `d` is `min(base · multiplier^retry, cap)`.
    public enum Jitter: Hashable, Sendable {
        /// `d` plus a random share of it, up to `ratio` (0 to 1).
        case additive(ratio: Double)
        /// Anything from 0 to `d`.
        case full
        /// Half of `d`, and anything from 0 to the other half.
        case equal
        /// Anything from `base` to three times the previous delay, at most `cap`.
        case decorrelated
        /// `d` itself.
        case none
    }
}

/// When and how the client makes sure that the peer is there.
public struct HeartbeatPolicy: Hashable, Sendable {
    /// What the client sends.
    public enum Kind: Hashable, Sendable {
        /// A WebSocket ping (RFC 6455, section 5.5.2).
        case ping
        /// The profile's heartbeat message.
        case message
    }

    /// What the client sends.
    public var kind = Kind.ping
    /// The time between two heartbeats; zero: none.
    public var interval = Duration.seconds(30)
    /// How long the answer may take.
    public var timeout = Duration.seconds(10)

    /// A ping every 30 s, answered within 10 s.
    public init() {}
}
