/// Counts a scrape until its response has been sent or given up, and keeps the rendering that it sends.
final class ScrapeTicket: Sendable {
    private struct State {
        var rendering: Rendering?
        var sendingSince: MonotonicTime?
        var isEvicted = false
    }

    private let state = Monitor(State())
    /// Identifies the client for limits.
    let client: UInt64
    /// Ends the connection on which the scrape came.
    let endConnection: @Sendable () -> Void
    private let onEnd: @Sendable (ObjectIdentifier) -> Void

    init(
        client: UInt64, endConnection: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (ObjectIdentifier) -> Void
    ) {
        self.client = client
        self.endConnection = endConnection
        self.onEnd = onEnd
    }

    deinit { onEnd(ObjectIdentifier(self)) }

    /// The response is on its way.
    func send(_ rendering: Rendering) {
        state.withLock { state in
            state.rendering = rendering
            state.sendingSince = .now()
        }
    }

    /// What is being sent, since when; nil where nothing is yet, or where it has been evicted.
    var sending: (rendering: Rendering, since: MonotonicTime)? {
        state.withLock { state in
            guard !state.isEvicted, let rendering = state.rendering, let since = state.sendingSince else { return nil }
            return (rendering, since)
        }
    }

    /// True, once, if the response has been on its way for longer than `patience` milliseconds.
    func evict(now: MonotonicTime, patience: Int) -> Bool {
        state.withLock { state in
            guard !state.isEvicted, let since = state.sendingSince, now.milliseconds(since: since) >= patience
            else { return false }
            state.isEvicted = true
            return true
        }
    }

    /// True, once, however far the scrape has come.
    func evict() -> Bool {
        state.withLock { state in
            defer { state.isEvicted = true }
            return !state.isEvicted
        }
    }

    /// Whether it has had to give way.
    var isEvicted: Bool { state.withLock { $0.isEvicted } }
}
