internal import StreamModel

/// Allows a burst, and then so many a second.
struct TokenBucket: Hashable, Sendable {
    private let burst: Int
    private let interval: Duration
    /// When the bucket would be full again if nothing more were taken.
    private var fullAt: Instant?

    init(burst: Int, perSecond: Int) {
        self.burst = max(1, burst)
        interval = .nanoseconds(1_000_000_000 / Int64(max(1, perSecond)))
    }

    /// When the next may be taken; `now` or earlier where one is there.
    func available(at now: Instant) -> Instant {
        guard let fullAt, fullAt > now else { return now }
        let slack = interval * (burst - 1)
        return max(now, Instant(nanoseconds: fullAt.nanoseconds - slack.nanoseconds))
    }

    /// Takes one, if one is there.
    mutating func take(at now: Instant) -> Bool {
        if available(at: now) > now { return false }
        fullAt = max(fullAt ?? now, now) + interval
        return true
    }
}
