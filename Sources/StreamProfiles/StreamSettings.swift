public import StreamModel

/// The keys of a stream that say how it is held; each may be given by a profile, by the configuration's `defaults:`
/// and by the stream itself, the later over the earlier. nil: not given there.
public struct StreamSettings: Hashable, Sendable {
    /// `backoff`
    public var backoff = Backoff()
    /// `on_exhausted`
    public var onExhausted: StreamPolicy.OnExhausted?
    /// `rearm_after`; zero: never.
    public var rearmAfter: Duration?
    /// `token_timeout`
    public var tokenTimeout: Duration?
    /// `connect_timeout`
    public var connectTimeout: Duration?
    /// `ack_timeout`
    public var ackTimeout: Duration?
    /// `heartbeat.interval`; zero: none.
    public var heartbeatInterval: Duration?
    /// `heartbeat.timeout`
    public var heartbeatTimeout: Duration?
    /// `silence_timeout`; zero: off.
    public var silenceTimeout: Duration?
    /// `reorder_window`
    public var reorderWindow: Duration?
    /// `close_timeout`
    public var closeTimeout: Duration?
    /// `rollover_after`; zero: never.
    public var rolloverAfter: Duration?
    /// `rollover_jitter`, 0 to 1.
    public var rolloverJitter: Double?
    /// `max_message_size`, in bytes.
    public var maximumMessageSize: Int?

    /// What a message may measure where nothing says otherwise: 1 MiB.
    public static let defaultMaximumMessageSize = 1 << 20

    /// The keys of `backoff`.
    public struct Backoff: Hashable, Sendable {
        /// `base`
        public var base: Duration?
        /// `cap`
        public var cap: Duration?
        /// `multiplier`
        public var multiplier: Double?
        /// `jitter`
        public var jitter: BackoffPolicy.Jitter?
        /// `max_attempts`; 0: never give up.
        public var maxAttempts: Int?
        /// `reset_after`
        public var resetAfter: Duration?

        /// Nothing given.
        public init() {}
    }

    /// Nothing given.
    public init() {}

    /// These settings, with those of `stronger` in place of these where it gives any.
    public func overridden(by stronger: StreamSettings) -> StreamSettings {
        var merged = StreamSettings()
        merged.backoff.base = stronger.backoff.base ?? backoff.base
        merged.backoff.cap = stronger.backoff.cap ?? backoff.cap
        merged.backoff.multiplier = stronger.backoff.multiplier ?? backoff.multiplier
        merged.backoff.jitter = stronger.backoff.jitter ?? backoff.jitter
        merged.backoff.maxAttempts = stronger.backoff.maxAttempts ?? backoff.maxAttempts
        merged.backoff.resetAfter = stronger.backoff.resetAfter ?? backoff.resetAfter
        merged.onExhausted = stronger.onExhausted ?? onExhausted
        merged.rearmAfter = stronger.rearmAfter ?? rearmAfter
        merged.tokenTimeout = stronger.tokenTimeout ?? tokenTimeout
        merged.connectTimeout = stronger.connectTimeout ?? connectTimeout
        merged.ackTimeout = stronger.ackTimeout ?? ackTimeout
        merged.heartbeatInterval = stronger.heartbeatInterval ?? heartbeatInterval
        merged.heartbeatTimeout = stronger.heartbeatTimeout ?? heartbeatTimeout
        merged.silenceTimeout = stronger.silenceTimeout ?? silenceTimeout
        merged.reorderWindow = stronger.reorderWindow ?? reorderWindow
        merged.closeTimeout = stronger.closeTimeout ?? closeTimeout
        merged.rolloverAfter = stronger.rolloverAfter ?? rolloverAfter
        merged.rolloverJitter = stronger.rolloverJitter ?? rolloverJitter
        merged.maximumMessageSize = stronger.maximumMessageSize ?? maximumMessageSize
        return merged
    }

    /// Puts what is given into `policy`.
    public func apply(to policy: inout StreamPolicy) {
        policy.backoff.base = backoff.base ?? policy.backoff.base
        policy.backoff.cap = backoff.cap ?? policy.backoff.cap
        policy.backoff.multiplier = backoff.multiplier ?? policy.backoff.multiplier
        policy.backoff.jitter = backoff.jitter ?? policy.backoff.jitter
        policy.backoff.maxAttempts = backoff.maxAttempts ?? policy.backoff.maxAttempts
        policy.backoff.resetAfter = backoff.resetAfter ?? policy.backoff.resetAfter
        policy.onExhausted = onExhausted ?? policy.onExhausted
        policy.rearmAfter = rearmAfter ?? policy.rearmAfter
        policy.tokenTimeout = tokenTimeout ?? policy.tokenTimeout
        policy.connectTimeout = connectTimeout ?? policy.connectTimeout
        policy.ackTimeout = ackTimeout ?? policy.ackTimeout
        policy.heartbeat.interval = heartbeatInterval ?? policy.heartbeat.interval
        policy.heartbeat.timeout = heartbeatTimeout ?? policy.heartbeat.timeout
        policy.silenceTimeout = silenceTimeout ?? policy.silenceTimeout
        policy.reorderWindow = reorderWindow ?? policy.reorderWindow
        policy.closeTimeout = closeTimeout ?? policy.closeTimeout
        policy.rolloverAfter = rolloverAfter ?? policy.rolloverAfter
        policy.rolloverJitter = rolloverJitter ?? policy.rolloverJitter
    }
}
