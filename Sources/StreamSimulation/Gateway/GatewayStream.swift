import WebSocketTransport

/// One stream as the service has it: a session with numbers and a few events kept for a resume, and a socket or none.
final class GatewayStream: ServedStream {
    let index: Int
    private let plan: Scenario.StreamPlan
    private unowned let world: World
    private var random: SeededRandom

    private var next: UInt64
    private var hasSession = false
    private var kept: [UInt64] = []
    /// The socket of the newest handshake.
    private var socket: VirtualConnection?
    private var isSubscribed = false

    init(_ index: Int, _ plan: Scenario.StreamPlan, _ world: World) {
        self.index = index
        self.plan = plan
        self.world = world
        next = UInt64(plan.firstNumber)
        random = SeededRandom(seed: world.scenario.seed, purpose: "stream \(index)")
    }

    func begin() {
        world.after(random.wait(rate: plan.rate)) { [self] in
            emit()
            begin()
        }
    }

    func isHeld(_ connection: VirtualConnection) -> Bool { socket === connection }

    // MARK: Events

    private func emit() {
        guard plan.service == .architect else {
            if isSubscribed { pass(.event(nil)) }
            return
        }
        guard hasSession else { return }
        let number = take()
        if isSubscribed { pass(.event(number)) }
    }

    private func take() -> UInt64 {
        defer { next += 1 }
        if plan.replayDepth > 0 {
            kept.append(next)
            if kept.count > plan.replayDepth * 2 { kept.removeFirst(kept.count - plan.replayDepth) }
        }
        return next
    }

    private func pass(_ message: SimulatedMessage) {
        world.carry(of: index, &random) { [self] in send([message]) }
    }

    private func send(_ messages: [SimulatedMessage]) {
        guard let socket, isSubscribed else { return }
        socket.link.toClient { socket.received(messages) }
    }

    // MARK: Sessions

    func accept(_ connection: VirtualConnection) -> Fault.Refusal? {
        if let old = socket, old !== connection { cut(old) }
        socket = connection
        isSubscribed = false
        guard plan.service == .architect, hasSession else { return nil }
        var sendsEarly = false
        world.faults.forEach(of: index) { fault, _ in if case .earlyEvents = fault.kind { sendsEarly = true } }
        if sendsEarly {
            let events = (0..<random.draw(1...3)).map { _ in SimulatedMessage.event(take()) }
            world.tally.faults["early event", default: 0] += events.count
            connection.link.toClient { connection.opened() }
            connection.link.toClient { connection.received(events) }
        }
        return nil
    }

    func received(_ text: String, from connection: VirtualConnection) {
        guard socket === connection else { return }
        guard plan.service == .architect else {
            isSubscribed = true
            return
        }
        var isSilent = false
        world.faults.forEach(of: index) { fault, _ in if case .silentAcknowledgment = fault.kind { isSilent = true } }
        if isSilent { return }
        let wait = Int64(random.unit() * 5e8)
        world.after(wait) { [self] in acknowledge(text, on: connection) }
    }

    private func acknowledge(_ text: String, on connection: VirtualConnection) {
        guard socket === connection else { return }
        let resumes = text.contains(#""type":"reconnect""#)
        if !hasSession {
            hasSession = true
            next = UInt64(plan.firstNumber)
            kept = []
        }
        isSubscribed = true
        let type = resumes && !plan.acknowledgesAlike ? "reconnectAck" : "subscriptionAck"
        connection.link.toClient { connection.received([.acknowledgment(type)]) }
        guard resumes, let last = Self.lastSequence(in: text) else { return }
        let replay = kept.suffix(plan.replayDepth).filter { $0 > last }
        // Sent in batches, between which new events may come.
        var start = 0
        var wait: Int64 = 0
        while start < replay.count {
            let batch = Array(replay[start..<min(replay.count, start + random.draw(1...50))])
            start += batch.count
            world.after(wait) { [self] in
                if socket === connection { send(batch.map { .event($0) }) }
            }
            wait += Int64(random.unit() * 3e8)
        }
    }

    static func lastSequence(in text: String) -> UInt64? {
        guard let key = text.firstRange(of: #""lastSequence":"#) else { return nil }
        return UInt64(text[key.upperBound...].prefix { $0.isNumber })
    }

    func release(_ connection: VirtualConnection) {
        guard socket === connection else { return }
        socket = nil
        isSubscribed = false
    }

    func clientDied() {
        guard let socket else { return }
        // A socket of a machine that lost its power is missed by nobody until something is sent on it.
        if random.chance(0.5) { release(socket) } else { socket.link.blocksToClient = true }
    }

    // MARK: Faults

    private func cut(_ connection: VirtualConnection) {
        release(connection)
        connection.link.toClient { connection.closed(.endOfStream, 1006, "") }
    }

    func restart(keepsSession: Bool, _ random: inout SeededRandom) {
        if let socket { cut(socket) }
        if !keepsSession { hasSession = false }
    }

    func suffer(_ fault: Fault, _ random: inout SeededRandom) {
        switch fault.kind {
        case .jump(let numbers): if next < 1 << 61 { next += UInt64(numbers) }
        case .repeatedBatch(let events):
            for number in kept.suffix(events) { pass(.event(number)) }
        case .stragglers(let events, let delay):
            guard plan.service == .architect, hasSession else { return }
            for _ in 0..<events {
                let message = SimulatedMessage.event(take())
                world.tally.messagesSent += 1
                world.tally.faults["straggler", default: 0] += 1
                world.after(Int64(random.unit() * Double(delay))) { [self] in send([message]) }
            }
        case .strayNumber:
            if plan.service == .architect, next > 0 { pass(.event(random.next() % next)) }
        case .renumbering:
            next = UInt64(plan.firstNumber)
            kept = []
        case .halfOpen(let toClient, let toGateway):
            if toClient { socket?.link.blocksToClient = true }
            if toGateway { socket?.link.blocksToGateway = true }
        case .close(let code, let reason):
            guard let socket else { return }
            release(socket)
            socket.link.toClient { socket.closed(.peer, code, reason) }
        case .cut:
            guard let socket else { return }
            release(socket)
            let origin: WebSocketClosure.Origin = random.chance(0.5) ? .endOfStream : .transport
            socket.link.toClient { socket.closed(origin, 1006, "") }
        default: break
        }
    }
}
