import StreamRuntime
import WebSocketTransport

/// One stream of `genesys-notifications` as the service has it: channels that are made and subscribed over HTTP, each
/// with one socket or none. Events have an identifier and no number, go to every channel, and are kept nowhere.
final class ChannelStream: ServedStream {
    private final class Channel {
        let id: String
        /// Since when it is subscribed; it lives for a day from then on.
        var subscribed: Int64?
        var used: Int64
        var socket: VirtualConnection?

        init(_ id: String, at now: Int64) {
            self.id = id
            used = now
        }
    }

    let index: Int
    private let plan: Scenario.StreamPlan
    private unowned let world: World
    private var random: SeededRandom
    private var channels: [Channel] = []
    private var channelsMade = 0
    private var nextEvent: UInt64 = 1
    /// Events that came about while nothing was wrong.
    private(set) var quietEvents: [(id: UInt64, at: Int64)] = []

    private static let day: Int64 = 86_400_000_000_000
    private static let heartbeatInterval: Int64 = 30_000_000_000
    private static let mostChannels = 20

    init(_ index: Int, _ plan: Scenario.StreamPlan, _ world: World) {
        self.index = index
        self.plan = plan
        self.world = world
        random = SeededRandom(seed: world.scenario.seed, purpose: "stream \(index)")
    }

    func begin() {
        world.after(random.wait(rate: plan.rate)) { [self] in
            if world.quietSince != nil { quietEvents.append((nextEvent, world.now)) }
            pass(nextEvent)
            nextEvent += 1
            begin()
        }
    }

    func isHeld(_ connection: VirtualConnection) -> Bool { channels.contains { $0.socket === connection } }

    // MARK: Events

    private func pass(_ event: UInt64) {
        for channel in channels where channel.subscribed != nil && channel.socket != nil {
            world.carry(of: index, &random) { [self] in send(.notification(event), on: channel) }
        }
    }

    private func send(_ message: SimulatedMessage, on channel: Channel) {
        guard let socket = channel.socket else { return }
        socket.link.toClient { socket.received([message]) }
    }

    /// The service's own heartbeat.
    private func beat(_ channel: Channel, _ connection: VirtualConnection) {
        world.after(Self.heartbeatInterval) { [self] in
            guard channel.socket === connection else { return }
            send(.serverHeartbeat, on: channel)
            beat(channel, connection)
        }
    }

    // MARK: Requests

    /// The channel that a request makes.
    func makeChannel() -> String {
        channelsMade += 1
        let channel = Channel("s\(index)-c\(channelsMade)", at: world.now)
        channels.append(channel)
        if channels.count > Self.mostChannels, let oldest = channels.min(by: { $0.used < $1.used }) { remove(oldest) }
        return channel.id
    }

    /// Whether there is a channel to subscribe.
    func subscribe(_ id: String) -> Bool {
        guard let channel = channels.first(where: { $0.id == id }) else { return false }
        channel.subscribed = world.now
        channel.used = world.now
        world.after(Self.day) { [self] in
            if let since = channel.subscribed, world.now - since >= Self.day { remove(channel) }
        }
        return true
    }

    private func remove(_ channel: Channel, cutting: Bool = true) {
        guard let place = channels.firstIndex(where: { $0 === channel }) else { return }
        channels.remove(at: place)
        let socket = channel.socket
        channel.socket = nil
        if cutting, let socket { socket.link.toClient { socket.closed(.endOfStream, 1006, "") } }
    }

    // MARK: Sockets

    func accept(_ connection: VirtualConnection) -> Fault.Refusal? {
        let id = connection.request.target.path.split(separator: "/").last.map(String.init)
        guard let channel = channels.first(where: { $0.id == id }) else { return .status404 }
        cut(channel)
        channel.socket = connection
        channel.used = world.now
        beat(channel, connection)
        return nil
    }

    func received(_ text: String, from connection: VirtualConnection) {}

    func release(_ connection: VirtualConnection) {
        for channel in channels where channel.socket === connection { channel.socket = nil }
    }

    func clientDied() {
        for channel in channels {
            guard let socket = channel.socket else { continue }
            if random.chance(0.5) { channel.socket = nil } else { socket.link.blocksToClient = true }
        }
    }

    // MARK: Faults

    private func cut(_ channel: Channel) {
        guard let socket = channel.socket else { return }
        channel.socket = nil
        socket.link.toClient { socket.closed(.endOfStream, 1006, "") }
    }

    func restart(keepsSession: Bool, _ random: inout SeededRandom) {
        for channel in channels { if keepsSession { cut(channel) } else { remove(channel) } }
    }

    /// Says that each socket will be closed, and does it `notice` nanoseconds later.
    func planClose(notice: Int64) {
        for channel in channels {
            guard let socket = channel.socket else { continue }
            send(.closeNotice, on: channel)
            world.after(notice) { [self] in
                guard channel.socket === socket else { return }
                release(socket)
                socket.link.toClient { socket.closed(.peer, 1001, "idle timeout") }
            }
        }
    }

    /// The tokens are revoked, and the service says so.
    func tellRevocation() {
        for channel in channels { send(.tokenNotice, on: channel) }
    }

    func suffer(_ fault: Fault, _ random: inout SeededRandom) {
        switch fault.kind {
        case .repeatedBatch(let events):
            for back in 1...UInt64(events) where back < nextEvent { pass(nextEvent - back) }
        case .strayNumber: if nextEvent > 1 { pass(nextEvent - 1 - random.next() % min(nextEvent - 1, 2_000)) }
        case .stragglers(let events, let delay):
            for _ in 0..<events {
                let event = nextEvent
                nextEvent += 1
                world.tally.faults["straggler", default: 0] += 1
                world.after(Int64(random.unit() * Double(delay))) { [self] in pass(event) }
            }
        case .plannedClose(let notice): planClose(notice: notice)
        case .channelsRemoved(let cutsSockets):
            for channel in channels { remove(channel, cutting: cutsSockets) }
        default:
            for channel in channels { suffer(fault, channel) }
        }
    }

    private func suffer(_ fault: Fault, _ channel: Channel) {
        guard let socket = channel.socket else { return }
        switch fault.kind {
        case .halfOpen(let toClient, let toGateway):
            if toClient { socket.link.blocksToClient = true }
            if toGateway { socket.link.blocksToGateway = true }
        case .close(let code, let reason):
            channel.socket = nil
            socket.link.toClient { socket.closed(.peer, code, reason) }
        case .cut: cut(channel)
        default: break
        }
    }
}
