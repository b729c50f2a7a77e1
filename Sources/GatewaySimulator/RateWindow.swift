/// Counts requests a minute, in windows that begin at the whole minutes since the gateway's start.
struct RateWindow: Sendable {
    /// The length of a window.
    static let length: Duration = .seconds(60)

    /// Requests a window; 0: no limit.
    let limit: Int
    private(set) var count = 0
    private var window: Int64 = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a request at `now`; gives the time to wait where it is one too many, nil otherwise.
    mutating func admit(at now: Duration) -> Duration? {
        let length = Self.length.wholeNanoseconds
        let current = now.wholeNanoseconds / length
        if current != window {
            window = current
            count = 0
        }
        count += 1
        guard limit > 0, count > limit else { return nil }
        return remaining(at: now)
    }

    /// How long the window of `now` still lasts.
    func remaining(at now: Duration) -> Duration {
        let length = Self.length.wholeNanoseconds
        return .nanoseconds(length - now.wholeNanoseconds % length)
    }
}
