// The unsafe pointers to payloads are valid during the call.

import NIOCore
import StreamModel
import StreamRuntime
import WebSocketCodec
import WebSocketTransport

/// The client's end of a simulated WebSocket. Keeps the contract of ``StreamConnection``: one end, and silence after an
/// abort, unless the fault `staleFacts` has it break that.
final class VirtualConnection: StreamConnection {
    let request: ConnectionRequest
    let stream: Int
    let link: Link
    private unowned let world: World
    private weak var life: ProcessLife?
    private let loop: any EventLoop
    private let probe: Probe?
    private weak var delegate: (any StreamConnectionDelegate)?
    /// Whom a careless network still tells; nil once its process has run down.
    private var staleDelegate: (any StreamConnectionDelegate)?
    private(set) var isOpen = false
    private var isOver = false
    private var isClosing = false
    private(set) var traffic: (received: UInt64, sent: UInt64) = (0, 0)
    private var heartbeats = 0

    init(
        _ request: ConnectionRequest, stream: Int, life: ProcessLife?, loop: any EventLoop, world: World,
        delegate: any StreamConnectionDelegate
    ) {
        self.request = request
        self.stream = stream
        self.life = life
        self.loop = loop
        self.world = world
        self.delegate = delegate
        staleDelegate = delegate
        link = Link(world, stream: stream)
        probe = life?.probe(of: stream)
    }

    var generation: UInt64 { request.generation }

    /// The token that the handshake carries.
    var token: String {
        if let query = request.target.query {
            for item in query.split(separator: "&") where item.hasPrefix("access_token=") {
                return String(item.dropFirst("access_token=".count))
            }
        }
        let header = request.headers.first { $0.name == "Authorization" }?.value ?? ""
        return header.hasPrefix("Bearer ") ? String(header.dropFirst("Bearer ".count)) : ""
    }

    /// The process is gone: nobody hears from it any more.
    private var isSevered: Bool { life?.isGone ?? true }

    // MARK: What the driver does

    func start() {
        guard !isSevered else { return }
        probe?.dialed(self)
        let bound = NIOLoopBound(self, eventLoop: loop)
        _ = loop.scheduleTask(in: .nanoseconds(request.timeout.nanoseconds)) {
            if !bound.value.isOpen { bound.value.fail(.timeout(.answer), .timeout) }
        }
        // Name, TCP and TLS take three round trips before the request arrives.
        link.toGateway { [self] in
            link.toClient { [self] in
                link.toGateway { [self] in world.gateway.handshake(self) }
            }
        }
    }

    func send(text: [UInt8]) -> Bool {
        guard isOpen, !isOver, !isClosing, !isSevered else { return false }
        traffic.sent += UInt64(text.count)
        let text = String(decoding: text, as: UTF8.self)
        if text == Self.heartbeat {
            heartbeat()
            return true
        }
        probe?.sent(text, on: self)
        link.toGateway { [self] in world.gateway.received(text, from: self) }
        return true
    }

    func sendPing() -> Bool {
        guard isOpen, !isOver, !isClosing, !isSevered else { return false }
        traffic.sent += 6
        heartbeat()
        return true
    }

    /// What `genesys-notifications` sends as its heartbeat.
    private static let heartbeat = #"{"message":"ping"}"#

    private func heartbeat() {
        heartbeats += 1
        let number = heartbeats
        probe?.pinged(self, number)
        link.toGateway { [self] in world.gateway.receivedPing(number, from: self) }
        // The worst moment for an answer of an earlier connection: while this one waits for its own.
        guard let old = world.lateConnections.removeValue(forKey: stream), old.life === life else { return }
        world.after(world.random.span(0.000_001, 1)) { [self] in
            guard let life else { return }
            world.tally.faults["late pong told", default: 0] += 1
            world.deliver(to: life, on: loop) { old.tellStaleFact(3) }
        }
    }

    func close(code: UInt16, reason: String) {
        guard isOpen, !isOver else { return }
        isClosing = true
        // What is left of a process that is gone waits for no answer: the deadline of the closing handshake comes.
        guard !isSevered else { return }
        link.toGateway { [self] in world.gateway.receivedClose(code, from: self) }
    }

    func abort() {
        if isSevered {
            isOver = true
            return
        }
        probe?.aborted(self)
        guard !isOver else { return }
        isOver = true
        isOpen = false
        delegate = nil
        link.toGateway { [self] in world.gateway.lostClient(self) }
        tellStaleFacts()
    }

    // MARK: What arrives

    func opened() {
        receive { [self] in
            guard !isOpen else { return }
            isOpen = true
            probe?.opened(self)
            delegate?.connectionOpened(generation, phases: PhaseTimings())
        }
    }

    func fail(_ kind: DialFailure.Kind, _ reason: ConnectFailureReason) {
        receive { [self] in
            isOver = true
            probe?.willFail(self, reason)
            delegate?.connectionFailed(
                generation, DialFailure(kind, phases: DialPhases(), text: "the simulation had it \(reason)"))
        }
    }

    /// One or more messages in one batch of reads.
    func received(_ messages: [SimulatedMessage]) {
        receive { [self] in
            guard isOpen else { return }
            for message in messages where !isOver {
                let bytes = message.bytes
                traffic.received += UInt64(bytes.count)
                world.tally.messagesDelivered += 1
                probe?.willReceive(message, on: self)
                bytes.withUnsafeBytes { delegate?.connectionReceived(generation, .text, $0) }
                probe?.didReceive()
            }
            delegate?.connectionReadCompleted(generation)
        }
    }

    func ponged(_ number: Int) {
        receive { [self] in
            guard isOpen else { return }
            probe?.willHearAnswer(number, on: self)
            delegate?.connectionReceivedPong(generation)
            probe?.didHearAnswer()
        }
    }

    func closed(_ origin: WebSocketClosure.Origin, _ code: UInt16, _ reason: String) {
        receive { [self] in
            guard isOpen else { return }
            isOver = true
            isOpen = false
            let origin: WebSocketClosure.Origin = isClosing ? .local : origin
            probe?.willClose(self, origin, code, reason)
            delegate?.connectionClosed(generation, WebSocketClosure(origin: origin, code: code, reason: reason))
        }
    }

    /// Its process has run down: whoever still holds the connection holds nothing of that.
    func sever() {
        isOver = true
        staleDelegate = nil
    }

    private func receive(_ body: @escaping () -> Void) {
        guard let life else { return }
        world.deliver(to: life, on: loop) { [self] in if !isOver { body() } }
    }

    // MARK: Stale facts

    /// A careless network goes on telling of a connection that was given up.
    private func tellStaleFacts() {
        var isCareless = false
        world.faults.forEach(of: stream) { fault, _ in if case .staleFacts = fault.kind { isCareless = true } }
        guard isCareless else { return }
        if world.random.chance(0.5) { world.lateConnections[stream] = self }
        for _ in 0..<world.random.draw(1...4) {
            let kind = world.random.draw(0...4)
            let delay = world.random.span(0.000_001, 40)
            world.after(delay) { [self] in
                guard let life else { return }
                world.deliver(to: life, on: loop) { [self] in tellStaleFact(kind) }
            }
        }
    }

    private func tellStaleFact(_ kind: Int) {
        world.tally.faults["stale fact told", default: 0] += 1
        switch kind {
        case 0: staleDelegate?.connectionOpened(generation, phases: PhaseTimings())
        case 1:
            staleDelegate?.connectionFailed(
                generation, DialFailure(.refused, phases: DialPhases(), text: "told too late"))
        case 2:
            staleDelegate?.connectionClosed(
                generation, WebSocketClosure(origin: .peer, code: 1000, reason: "told too late"))
        case 3: staleDelegate?.connectionReceivedPong(generation)
        default:
            SimulatedMessage.acknowledgment("subscriptionAck").bytes.withUnsafeBytes {
                staleDelegate?.connectionReceived(generation, .text, $0)
            }
            SimulatedMessage.event(1 << 50).bytes.withUnsafeBytes {
                staleDelegate?.connectionReceived(generation, .text, $0)
            }
            staleDelegate?.connectionReadCompleted(generation)
        }
    }
}
