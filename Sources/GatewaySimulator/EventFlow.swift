/// How many events a rate owes since a moment: whole events, never early, at most 10,000 at a time.
struct EventFlow: Hashable, Sendable {
    private let began: Duration
    private var made: Int64 = 0

    init(began: Duration) {
        self.began = began
    }

    /// The events owed at `now` with `rate` events a second, which are thereby made.
    mutating func owed(at now: Duration, rate: Double) -> Int {
        let elapsed = max(0, (now - began).inSeconds)
        let total = Int64(min(elapsed * rate, 1e15))
        let owed = min(max(0, total - made), 10_000)
        // What exceeds the bound is never made up for: a process that was suspended must not flood afterwards.
        made = max(made, total)
        return Int(owed)
    }
}
