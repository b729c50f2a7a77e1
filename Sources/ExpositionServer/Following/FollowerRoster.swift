/// The followers that are connected: bounded in number, kept alive, and finished together.
final class FollowerRoster: Sendable {
    private struct State {
        var followers: [ObjectIdentifier: Follower] = [:]
        var isClosed = false
    }

    let budget: FollowerBudget
    private let state = Monitor(State())
    private let limit: Int

    init(limit: Int, bytes: Int) {
        self.limit = limit
        budget = FollowerBudget(bytes: bytes)
    }

    var count: Int { state.withLock { $0.followers.count } }

    /// False if there are too many already, or if the server is stopping.
    func add(_ follower: Follower) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.followers.count < limit else { return false }
            state.followers[ObjectIdentifier(follower)] = follower
            return true
        }
    }

    func remove(_ follower: Follower) {
        state.withLock { _ = $0.followers.removeValue(forKey: ObjectIdentifier(follower)) }
    }

    func keepAlive(now: MonotonicTime, milliseconds: Int) {
        for follower in state.withLock({ Array($0.followers.values) }) {
            follower.keepAlive(now: now, milliseconds: milliseconds)
        }
    }

    /// Ends all responses after what is queued for them, and admits no more.
    func finishAll() {
        let followers = state.withLock { state in
            state.isClosed = true
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }
}

/// What waits for all followers together is bounded too: hundreds that stop reading must not hold hundreds of mebibytes.
final class FollowerBudget: Sendable {
    private let left: Monitor<Int>

    init(bytes: Int) { left = Monitor(bytes) }

    /// False if there is not so much left.
    func take(_ bytes: Int) -> Bool {
        left.withLock { left in
            guard bytes <= left else { return false }
            left -= bytes
            return true
        }
    }

    /// What had been taken has been sent, or given up.
    func give(_ bytes: Int) {
        left.withLock { $0 += bytes }
    }
}
