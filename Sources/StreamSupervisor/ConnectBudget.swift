public import StreamModel

/// One budget for all handshakes with one host under one credential, above each stream's own backoff: a fleet of
/// streams must not storm a gateway that has just come back.
///
/// A token bucket (`rate` a second, up to `burst` at once) and a limit of attempts under way at the same time. Who
/// asks first goes first. Pure: the time is an argument, and who may go ahead comes back.
public struct ConnectBudget: Sendable {
    /// What a budget allows.
    public struct Limits: Hashable, Sendable {
        /// Attempts let through a second, on average; more than 0.
        public var rate: Double
        /// Attempts let through at once after a quiet time; at least 1.
        public var burst: Int
        /// Attempts under way at the same time; at least 1.
        public var concurrent: Int

        /// 50 a second, 100 at once, 64 under way.
        public init(rate: Double = 50, burst: Int = 100, concurrent: Int = 64) {
            self.rate = rate
            self.burst = burst
            self.concurrent = concurrent
        }
    }

    private let limits: Limits
    private var tokens: Double
    private var refilled: Instant
    private var waiting: [UInt64: Instant] = [:]
    private var queue: [UInt64] = []
    private var head = 0
    private var underWay: Set<UInt64> = []

    /// A full budget.
    public init(_ limits: Limits, at now: Instant) {
        self.limits = limits
        tokens = Double(limits.burst)
        refilled = now
    }

    /// Attempts that wait for leave.
    public var waitingCount: Int { waiting.count }

    /// Attempts under way.
    public var underWayCount: Int { underWay.count }

    /// When ``grant(at:)`` may have something to give; nil where nothing waits, or only the end of an attempt helps.
    public var nextGrant: Instant? {
        guard !waiting.isEmpty, underWay.count < limits.concurrent else { return nil }
        guard tokens < 1 else { return refilled }
        // Rounded up, so that the deadline is never a nanosecond before the token is there.
        return refilled + .nanoseconds(Int64(((1 - tokens) / limits.rate * 1e9).rounded(.up)) + 1)
    }

    /// The attempt `id` asks for leave.
    public mutating func request(_ id: UInt64, at now: Instant) {
        guard waiting[id] == nil, !underWay.contains(id) else { return }
        waiting[id] = now
        queue.append(id)
    }

    /// The attempt `id` is over, or asks no more.
    public mutating func release(_ id: UInt64) {
        if underWay.remove(id) == nil { waiting[id] = nil }
    }

    /// Who may go ahead now, with how long each has waited.
    public mutating func grant(at now: Instant) -> [(id: UInt64, waited: Duration)] {
        refill(at: now)
        var granted: [(id: UInt64, waited: Duration)] = []
        while head < queue.count, tokens >= 1, underWay.count < limits.concurrent {
            let id = queue[head]
            head += 1
            // Released while it waited: its place in the queue is stale.
            guard let since = waiting.removeValue(forKey: id) else { continue }
            tokens -= 1
            underWay.insert(id)
            granted.append((id, now - since))
        }
        if head > 64, head * 2 > queue.count {
            queue.removeFirst(head)
            head = 0
        }
        return granted
    }

    private mutating func refill(at now: Instant) {
        guard now > refilled else { return }
        tokens = min(Double(limits.burst), tokens + (now - refilled).seconds * limits.rate)
        refilled = now
    }
}
