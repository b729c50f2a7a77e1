/// Which daemon serves which client.
///
/// All connections of a client go to the same daemon, and a new client to the one with the fewest connections: whatever
/// one address does with its polling thread, a scrape from another finds a thread that is free of it.
final class ClientPlacement: Sendable {
    private struct Client {
        var daemon: Int
        var connections = 0
    }

    private struct State {
        var clients: [UInt64: Client] = [:]
        var connections: [Int]
        var clientsOf: [Int]
    }

    private static let maximumClients = 4096

    /// How many there are.
    let daemons: Int
    private let state: Monitor<State>

    init(daemons: Int) {
        self.daemons = max(1, daemons)
        state = Monitor(
            State(
                connections: [Int](repeating: 0, count: max(1, daemons)),
                clientsOf: [Int](repeating: 0, count: max(1, daemons))))
    }

    /// The daemon for a connection of `client` that has been accepted.
    func daemon(for client: UInt64) -> Int {
        state.withLock { state in
            if let known = state.clients[client] { return known.daemon }
            if state.clients.count >= Self.maximumClients { Self.forgetAbsent(&state) }
            let daemon =
                state.connections.indices.min {
                    (state.connections[$0], state.clientsOf[$0]) < (state.connections[$1], state.clientsOf[$1])
                } ?? 0
            // One of a crowd of clients is not remembered: its next connection may go elsewhere.
            if state.clients.count < Self.maximumClients {
                state.clients[client] = Client(daemon: daemon)
                state.clientsOf[daemon] += 1
            }
            return daemon
        }
    }

    /// Connections that daemons have taken and that have not ended.
    var count: Int { state.withLock { $0.connections.reduce(0, +) } }

    /// Those of `client`.
    func connections(of client: UInt64) -> Int { state.withLock { $0.clients[client]?.connections ?? 0 } }

    /// A daemon has taken a connection of `client`.
    func opened(_ client: UInt64, daemon: Int) {
        state.withLock { state in
            state.connections[daemon] += 1
            state.clients[client]?.connections += 1
        }
    }

    /// A connection that had been `opened` has ended.
    func closed(_ client: UInt64, daemon: Int) {
        state.withLock { state in
            state.connections[daemon] -= 1
            // One that came when too many were known was not counted.
            if let known = state.clients[client], known.connections > 0 { state.clients[client]?.connections -= 1 }
        }
    }

    private static func forgetAbsent(_ state: inout State) {
        for (client, known) in state.clients where known.connections == 0 {
            state.clients[client] = nil
            state.clientsOf[known.daemon] -= 1
        }
    }
}
