internal import CMicrohttpd

/// Suspends and resumes one connection, for one request, without the traps of doing so by hand:
/// a resume that was not preceded by a suspend makes libmicrohttpd miss the next suspend, and stopping the daemon with a
/// suspended connection aborts the process.
///
/// `@unchecked Sendable`: the connection's pointer is only used with the lock held, and only while the request lives
/// (`invalidate` ends that).
final class ConnectionGate: Sendable {
    private struct State: @unchecked Sendable {
        var connection: OpaquePointer?
        var isSuspended = false
        var isClosed = false
    }

    private let state: Monitor<State>

    init(connection: OpaquePointer) {
        state = Monitor(State(connection: connection))
    }

    /// Suspends the connection; only on its polling thread. False if the gate is closed: answer at once instead.
    func suspend() -> Bool {
        state.withLock { state in
            guard let connection = state.connection, !state.isClosed else { return false }
            if !state.isSuspended {
                MHD_suspend_connection(connection)
                state.isSuspended = true
            }
            return true
        }
    }

    /// Resumes the connection if it is suspended. On any thread.
    func resume() {
        state.withLock { Self.resume(&$0) }
    }

    /// Resumes the connection, and never lets it be suspended again.
    func close() {
        state.withLock { state in
            state.isClosed = true
            Self.resume(&state)
        }
    }

    var isSuspended: Bool { state.withLock { $0.isSuspended } }

    /// The request has ended; its connection is not to be touched any more.
    func invalidate() {
        state.withLock { $0.connection = nil }
    }

    private static func resume(_ state: inout State) {
        guard state.isSuspended, let connection = state.connection else { return }
        state.isSuspended = false
        MHD_resume_connection(connection)
    }
}

/// The gates of all requests under way: what must be opened before a daemon may be stopped.
final class GateKeeper: Sendable {
    private struct State {
        var gates: [ObjectIdentifier: ConnectionGate] = [:]
        var isClosed = false
    }

    private let state = Monitor(State())

    func add(_ gate: ConnectionGate) {
        let isClosed = state.withLock { state in
            state.gates[ObjectIdentifier(gate)] = gate
            return state.isClosed
        }
        if isClosed { gate.close() }
    }

    func remove(_ gate: ConnectionGate) {
        gate.invalidate()
        state.update { _ = $0.gates.removeValue(forKey: ObjectIdentifier(gate)) }
    }

    /// How many connections are suspended.
    var suspended: Int { state.withLock { state in state.gates.values.count { $0.isSuspended } } }

    /// Opens every gate for good, those to come too.
    func closeAll() {
        let gates = state.withLock { state in
            state.isClosed = true
            return Array(state.gates.values)
        }
        for gate in gates { gate.close() }
    }

    /// Waits until no request is under way; false if that takes longer than until `deadline`.
    func waitUntilEmpty(until deadline: MonotonicTime) -> Bool {
        state.wait(until: deadline) { $0.gates.isEmpty ? true : nil } ?? false
    }
}
