/// The way between a client's connection and the gateway's socket: what is sent arrives in order, late, or never.
final class Link {
    private unowned let world: World
    private let stream: Int
    private var lastToClient: Int64 = 0
    private var lastToGateway: Int64 = 0
    /// A half-open socket: nothing more gets through that way, and nobody says so.
    var blocksToClient = false
    var blocksToGateway = false

    init(_ world: World, stream: Int) {
        self.world = world
        self.stream = stream
    }

    func toClient(_ body: @escaping () -> Void) {
        guard let time = arrival(after: lastToClient) else { return }
        lastToClient = time
        world.at(time) { [self] in if !blocksToClient { body() } }
    }

    func toGateway(_ body: @escaping () -> Void) {
        guard let time = arrival(after: lastToGateway) else { return }
        lastToGateway = time
        world.at(time) { [self] in if !blocksToGateway { body() } }
    }

    /// When what is sent now arrives.
    private func arrival(after last: Int64) -> Int64? {
        var time = world.now + world.transit(of: stream)
        world.faults.forEach(of: stream) { fault, _ in
            // A sender tries again and again; what it sent arrives once the way is open.
            if case .partition = fault.kind { time = max(time, fault.end + world.scenario.latency) }
        }
        return max(time, last + 1)
    }
}

extension World {
    /// How long one way takes at the moment.
    func transit(of stream: Int) -> Int64 {
        var time = scenario.latency + Int64(random.unit() * Double(scenario.latency) / 2)
        if !faults.isEmpty {
            faults.forEach(of: stream) { fault, random in
                if case .delay(let most) = fault.kind { time += Int64(random.unit() * Double(most)) }
            }
        }
        return time
    }
}
