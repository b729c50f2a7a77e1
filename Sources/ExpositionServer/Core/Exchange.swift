internal import CMicrohttpd

/// One request and its answer. libmicrohttpd keeps it as the request's context.
///
/// `@unchecked Sendable`: `phase` is guarded by a lock; everything else is only touched on the connection's polling
/// thread.
final class Exchange: @unchecked Sendable {
    enum Phase {
        case receiving
        /// Suspended until the credentials have been verified, or until the answer is there.
        case waiting
        /// The credentials have been verified.
        case admitted
        case answered(Response)
        case done
    }

    let gate: ConnectionGate
    let record: ConnectionRecord?
    let rawTarget: String
    var bodyBytes = 0
    var hasSeenHead = false
    var isCountedAsWaiting = false
    private let phase = Monitor(Phase.receiving)

    init(connection: OpaquePointer, record: ConnectionRecord?, rawTarget: String) {
        gate = ConnectionGate(connection: connection)
        self.record = record
        self.rawTarget = rawTarget
    }

    /// Suspends the connection. False if the server is stopping.
    func park() -> Bool {
        phase.withLock { $0 = .waiting }
        return gate.suspend()
    }

    /// Ends the wait, on any thread. Of several results only the first counts.
    func resume(_ next: Phase) {
        let isLate = phase.withLock { phase in
            guard case .waiting = phase else { return true }
            phase = next
            return false
        }
        if isLate { Self.discard(next) } else { gate.resume() }
    }

    /// What is to be done now; an answer is handed out once.
    func takePhase() -> Phase {
        phase.withLock { phase in
            defer { if case .answered = phase { phase = .done } }
            return phase
        }
    }

    /// The request has ended, answered or not.
    func end() {
        let last = phase.withLock { phase in
            defer { phase = .done }
            return phase
        }
        Self.discard(last)
    }

    private static func discard(_ phase: Phase) {
        if case .answered(let response) = phase, case .stream(let follower) = response.body { follower.abandon() }
    }
}
