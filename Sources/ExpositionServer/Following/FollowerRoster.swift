/// The followers that are connected: bounded in number, kept alive, and finished together.
final class FollowerRoster: Sendable {
    private struct State {
        var followers: [ObjectIdentifier: Follower] = [:]
        var isClosed = false
    }

    private let state = Monitor(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

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
