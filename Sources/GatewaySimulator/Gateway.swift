internal import NIOCore
internal import StreamModel

/// The gateway itself: all its state, on one event loop. Requests and messages come in, decisions go out; what each
/// protocol makes of them is in the extensions.
final class Gateway {
    /// Sessions in all; the one attached least recently makes room.
    static let maximumSessions = 10_000
    /// Sockets that may be open at a time.
    static let maximumSockets = 15_000

    let options: GatewaySimulator.Options
    /// Sockets that are open, HTTP and WebSocket.
    var sockets = 0

    var engine: FaultEngine
    var armed = ArmedFaults()
    var tokens: TokenIssuer
    var sessions: [String: SequencedSession] = [:]
    var channels: NotificationChannels
    /// By OAuth client.
    var notifyStreams: [String: UnsequencedStream] = [:]
    /// What the channels of each OAuth client are fed from.
    var topicStreams: [String: UnsequencedStream] = [:]
    var apiWindows: [String: RateWindow] = [:]
    var peers: [UInt64: WebSocketPeer] = [:]
    /// The peer that gets the events of a session or a channel, by the name of either.
    var attached: [String: WebSocketPeer] = [:]
    var truth = GroundTruth()
    /// For tokens and identifiers: nobody may guess them.
    var secrets = SystemRandomNumberGenerator()
    /// For what a seed decides besides the script.
    var random: SplitMix64

    private let loop: any EventLoop
    private let began: NIODeadline
    private var handshakes: UInt64 = 0
    private var faultTimer: Scheduled<Void>?
    private var channelTimer: Scheduled<Void>?
    private var watchers: [TruthWatcher] = []
    private var isCheckingWatchers = false
    private var isStopped = false

    init(options: GatewaySimulator.Options, loop: any EventLoop) {
        self.options = options
        self.loop = loop
        began = .now()
        engine = FaultEngine(script: options.script)
        tokens = TokenIssuer(options: options)
        channels = NotificationChannels(lifetime: options.channelLifetime)
        random = SplitMix64(seed: options.script.seed)
    }

    // MARK: Time

    /// The time since the start.
    var now: Duration {
        .nanoseconds((NIODeadline.now() - began).nanoseconds)
    }

    /// Runs `body` after `delay`; at once where there is none.
    func after(_ delay: Duration, _ body: @escaping () -> Void) {
        guard delay > .zero else { return body() }
        _ = schedule(delay) { body() }
    }

    private func schedule(_ delay: Duration, _ body: @escaping () -> Void) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: max(.zero, delay).timeAmount) { [self] in
            guard !isStopped else { return }
            body()
            changed()
        }
    }

    /// Begins what happens by itself.
    func start() {
        scheduleFaults()
        if options.eventRate > 0 { scheduleFlow() }
    }

    /// Ends what happens by itself.
    func stop() {
        isStopped = true
        faultTimer?.cancel()
        channelTimer?.cancel()
        for watcher in watchers { watcher.fail(truth: snapshot(), reason: "the gateway was stopped") }
        watchers.removeAll()
        for peer in openPeers { peer.drop(.finish) }
    }

    /// Sets the timer for the script's next step.
    func scheduleFaults() {
        faultTimer?.cancel()
        guard let deadline = engine.nextDeadline else { return }
        faultTimer = schedule(deadline - now) { [self] in
            for step in engine.due(at: now) { strike(step.fault, scope: step.scope) }
            scheduleFaults()
        }
    }

    private func scheduleFlow() {
        let interval = min(max(1 / options.eventRate / 2, 0.005), 0.1)
        _ = schedule(.nanoseconds(Int64(interval * 1e9))) { [self] in
            flow()
            scheduleFlow()
        }
    }

    /// Sets the timer for the next end of a notification channel, or the notice of it.
    func scheduleChannels() {
        channelTimer?.cancel()
        guard let deadline = nextChannelDeadline else { return }
        channelTimer = schedule(deadline - now) { [self] in
            endChannels()
            scheduleChannels()
        }
    }

    // MARK: Connections

    /// The connections that are open, in the order of their handshakes.
    var openPeers: [WebSocketPeer] {
        peers.values.sorted { $0.number < $1.number }
    }

    /// The peer for an accepted handshake.
    func makePeer(for upgrade: HTTPOutcome.Upgrade) -> WebSocketPeer {
        handshakes += 1
        let peer = WebSocketPeer(
            number: handshakes, route: upgrade.route, path: upgrade.path, oauthClient: upgrade.oauthClient,
            deflate: upgrade.deflate, gateway: self)
        peer.pendingFaults = upgrade.pendingFaults
        return peer
    }

    /// A peer speaks WebSocket from now on.
    func opened(_ peer: WebSocketPeer) {
        peers[peer.number] = peer
        if armed.take(.afterHandshake, for: peer.facts, at: now) != nil {
            note("accept_then_drop")
            log("accepted connection \(peer.number) and dropped it")
            peer.drop(.reset)
            return
        }
        if case .channel(let id) = peer.route { attachChannel(id, to: peer) }
        changed()
    }

    /// A peer is gone.
    func ended(_ peer: WebSocketPeer) {
        detach(peer)
        peers[peer.number] = nil
        changed()
    }

    /// A peer gets no more events.
    func detach(_ peer: WebSocketPeer) {
        guard peer.isAttached else { return }
        peer.isAttached = false
        guard let name = peer.session else { return }
        let time = now.inSeconds
        switch peer.route {
        case .architect:
            sessions[name]?.detach()
            sessions[name]?.truth.disconnectTimes.remember(time)
        case .notify:
            notifyStreams[name]?.truth.disconnectTimes.remember(time)
        case .channel:
            channels[name]?.isConnected = false
            channels[name]?.truth.disconnectTimes.remember(time)
        }
        if attached[name] === peer { attached[name] = nil }
    }

    /// A message arrived whole.
    func received(_ bytes: [UInt8], from peer: WebSocketPeer) {
        switch peer.route {
        case .architect: receivedArchitect(bytes, from: peer)
        case .notify: receivedNotify(bytes, from: peer)
        case .channel(let id): receivedChannel(bytes, id: id, from: peer)
        }
    }

    /// A ping arrived.
    func pinged(_ peer: WebSocketPeer) {
        guard let name = peer.session else { return }
        switch peer.route {
        case .architect: sessions[name]?.truth.pings += 1
        case .notify: notifyStreams[name]?.truth.pings += 1
        case .channel: channels[name]?.truth.pings += 1
        }
    }

    /// A peer that had been silent speaks again.
    func silenceEnded(_ peer: WebSocketPeer) {
        log("connection \(peer.number) speaks again")
        guard let name = peer.session else { return }
        if let successor = attached[name], successor !== peer {
            peer.close(code: 1008, reason: "another connection has taken over this session")
        } else if peer.isAttached, case .architect = peer.route {
            let events = sessions[name]?.catchUp() ?? []
            peer.send(events.map(\.text))
        }
    }

    // MARK: Events

    /// Makes the events that the rate owes every stream.
    private func flow() {
        let time = now
        let rate = options.eventRate
        for name in sessions.keys.sorted() {
            let owed = sessions[name]?.flow.owed(at: time, rate: rate) ?? 0
            for _ in 0..<owed { makeArchitectEvent(name) }
        }
        for name in notifyStreams.keys.sorted() {
            let owed = notifyStreams[name]?.flow.owed(at: time, rate: rate) ?? 0
            for _ in 0..<owed { makeNotifyEvent(name) }
        }
        for name in topicStreams.keys.sorted() {
            let owed = topicStreams[name]?.flow.owed(at: time, rate: rate) ?? 0
            for _ in 0..<owed { makeTopicEvent(name) }
        }
    }

    /// Makes `count` events now for every stream that goes by `name`, every one of all where nil; gives how many.
    func emit(_ count: Int, to name: String?) -> Int {
        var made = 0
        let count = max(0, min(count, 1_000_000))
        for session in sessions.keys.sorted() where name == nil || name == session {
            for _ in 0..<count { makeArchitectEvent(session) }
            made += count
        }
        for client in notifyStreams.keys.sorted() where name == nil || name == client {
            for _ in 0..<count { makeNotifyEvent(client) }
            made += count
        }
        for client in topicStreams.keys.sorted() where name == nil || name == client {
            for _ in 0..<count { makeTopicEvent(client) }
            made += count
        }
        changed()
        return made
    }

    // MARK: What is told

    /// Tells a person.
    func log(_ line: String) {
        options.log("gateway: " + line)
    }

    /// Writes down that a fault struck.
    func note(_ fault: String) {
        truth.faults[fault, default: 0] += 1
        truth.faultLog.remember(GroundTruth.FaultRecord(time: now.inSeconds, fault: fault))
    }

    /// The ground truth at this moment.
    func snapshot() -> GroundTruth {
        var result = truth
        result.openConnections = peers.count
        result.faultLog = truth.faultLog.remembered
        for (name, session) in sessions { result.sessions[name] = session.truth.trimmed }
        for (client, stream) in notifyStreams { result.sessions["genesys-notify/" + client] = stream.truth.trimmed }
        for (client, stream) in topicStreams {
            result.sessions["genesys-notifications/" + client] = stream.truth.trimmed
        }
        for ended in channels.ended.remembered { result.sessions[ended.id] = ended.truth.trimmed }
        for (id, channel) in channels.channels { result.sessions[id] = channel.truth.trimmed }
        return result
    }

    /// Waits until the ground truth is as `watcher` wants it.
    func watch(_ watcher: TruthWatcher, timeout: Duration) {
        watchers.append(watcher)
        _ = schedule(timeout) { [self] in
            guard let index = watchers.firstIndex(where: { $0.id == watcher.id }) else { return }
            watchers.remove(at: index).fail(truth: snapshot(), reason: "timed out after \(timeout)")
        }
        changed()
    }

    /// Something may have changed: whoever waits for that is to look.
    func changed() {
        guard !watchers.isEmpty, !isCheckingWatchers else { return }
        isCheckingWatchers = true
        loop.assumeIsolated().execute { [self] in
            isCheckingWatchers = false
            let current = snapshot()
            watchers.removeAll { $0.isSatisfied(by: current) }
        }
    }
}

extension SessionTruth {
    /// Without what is older than the newest 1,000.
    fileprivate var trimmed: SessionTruth {
        var result = self
        result.connectTimes = connectTimes.remembered
        result.disconnectTimes = disconnectTimes.remembered
        result.subscribePayloads = subscribePayloads.remembered
        result.reconnectPayloads = reconnectPayloads.remembered
        return result
    }
}
