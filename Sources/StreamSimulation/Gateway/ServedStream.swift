/// What the service has of one stream.
protocol ServedStream: AnyObject {
    var index: Int { get }
    /// Events begin to come about.
    func begin()
    /// Whether a client is still served on this connection.
    func isHeld(_ connection: VirtualConnection) -> Bool
    /// Takes a connection at its handshake, or says why not.
    func accept(_ connection: VirtualConnection) -> Fault.Refusal?
    func received(_ text: String, from connection: VirtualConnection)
    /// The client is gone from this connection.
    func release(_ connection: VirtualConnection)
    /// The client's process is gone.
    func clientDied()
    /// All sockets are cut, and with them the sessions unless they are kept.
    func restart(keepsSession: Bool, _ random: inout SeededRandom)
    func suffer(_ fault: Fault, _ random: inout SeededRandom)
}

extension World {
    /// On its way from where events come about to the socket a message can get lost, late, or doubled.
    func carry(of stream: Int, _ random: inout SeededRandom, _ send: @escaping () -> Void) {
        tally.messagesSent += 1
        guard !faults.isEmpty else { return send() }
        var isLost = false
        var copies = 1
        var delay: Int64 = 0
        faults.forEach(of: stream) { fault, random in
            switch fault.kind {
            case .loss(let probability): if random.chance(probability) { isLost = true }
            case .duplication(let probability): if random.chance(probability) { copies += 1 }
            case .reordering(let probability, let most):
                if random.chance(probability) { delay = Int64(random.unit() * Double(most)) }
            default: break
            }
        }
        if isLost {
            tally.faults["message lost", default: 0] += 1
            return
        }
        for copy in 0..<copies {
            if copy > 0 { tally.faults["message doubled", default: 0] += 1 }
            let wait = delay + Int64(copy) * Int64(random.unit() * 3e9)
            if wait == 0 {
                send()
            } else {
                tally.faults["message delayed", default: 0] += 1
                after(wait, send)
            }
        }
    }
}
