/// `genesys-notifications`, the part over WebSocket: one socket a channel, heartbeats, notices, no replay.
extension Gateway {
    static let channelPrefix = "/channels/"

    /// What says that a socket will be closed soon.
    static let closingNotice =
        "{\"topicName\":\"v2.system.socket_closing\",\"version\":\"2\","
        + "\"eventBody\":{\"message\":\"This socket will be closed soon.\"},\"metadata\":{}}"

    /// What a client sends.
    private struct ClientMessage: Decodable {
        var message: String
        var topics: [String]?
        var correlationId: String?
    }

    /// A socket was opened to a channel: the one before it goes.
    func attachChannel(_ id: String, to peer: WebSocketPeer) {
        guard channels[id] != nil else {
            return peer.close(code: 1008, reason: "the channel is gone")
        }
        if let earlier = attached[id], earlier !== peer {
            log("channel \(id) has a new socket: disconnects the one before")
            detach(earlier)
            earlier.close(code: 1000, reason: "another connection was opened to this channel")
        }
        peer.session = id
        peer.isAttached = true
        attached[id] = peer
        channels[id]?.isConnected = true
        channels[id]?.lastUsed = now
        channels[id]?.truth.connectTimes.remember(now.inSeconds)
        log("connection \(peer.number) opened channel \(id)")
        peer.pendingFaults += connectionBegan(engine.subscriptionBegan(facts(of: peer)))
        scheduleHeartbeat(peer)
        if channels[id]?.isWarned == true { peer.send([Self.closingNotice]) }
        strikePending(peer)
    }

    private func scheduleHeartbeat(_ peer: WebSocketPeer) {
        guard options.heartbeatInterval > .zero else { return }
        after(options.heartbeatInterval) { [self] in
            guard peer.isAttached else { return }
            peer.send([
                "{\"topicName\":\"channel.metadata\",\"eventBody\":{\"message\":\"WebSocket Heartbeat\"}}"
            ])
            scheduleHeartbeat(peer)
        }
    }

    func receivedChannel(_ bytes: [UInt8], id: String, from peer: WebSocketPeer) {
        guard let message = JSONText.decode(ClientMessage.self, from: bytes) else {
            return answer("400", status: "bad request", to: nil, on: peer)
        }
        channels[id]?.lastUsed = now
        switch message.message {
        case "ping":
            peer.send(["{\"topicName\":\"channel.metadata\",\"eventBody\":{\"message\":\"pong\"}}"])
        case "subscribe":
            subscribe(id, to: message.topics ?? [], correlation: message.correlationId, on: peer)
        default:
            answer("400", status: "unknown message", to: message.correlationId, on: peer)
        }
    }

    private func subscribe(_ id: String, to topics: [String], correlation: String?, on peer: WebSocketPeer) {
        guard channels[id] != nil else {
            return answer("404", status: "channel not found", to: correlation, on: peer)
        }
        let isPermitted = !topics.contains { rejection(of: $0) != nil }
        guard !topics.isEmpty, isPermitted, channels.subscribe(id, to: topics, replacing: true, at: now) else {
            return answer("400", status: "not subscribed", to: correlation, on: peer)
        }
        startTopics(of: id)
        scheduleChannels()
        let facts = facts(of: peer)
        switch armed.take(.acknowledgment, for: facts, at: now) {
        case .noAcknowledgment:
            channels[id]?.truth.acksWithheld += 1
        case .lateAcknowledgment(let delay, _):
            after(delay) { [self] in answer("200", status: "subscribed", to: correlation, on: peer) }
        default:
            answer("200", status: "subscribed", to: correlation, on: peer)
        }
    }

    private func answer(_ result: String, status: String, to correlation: String?, on peer: WebSocketPeer) {
        if result == "200", let id = peer.session { channels[id]?.truth.acksSent += 1 }
        let reference = correlation.map { ",\"correlationId\":\(JSONText.string($0))" } ?? ""
        peer.send(["{\"result\":\"\(result)\",\"status\":\(JSONText.string(status))\(reference)}"])
    }

    /// Why a topic is refused; nil where it is permitted.
    func rejection(of topic: String) -> String? {
        guard topic.utf8.count <= 1_024, !topic.isEmpty else { return "topic.invalid" }
        let isForbidden = options.forbiddenTopicPrefixes.contains { topic.hasPrefix($0) }
        return isForbidden ? "notification.topic.permission.denied" : nil
    }

    /// Events flow for an OAuth client from its first subscription on.
    func startTopics(of id: String) {
        guard let client = channels[id]?.clientID, topicStreams[client] == nil else { return }
        topicStreams[client] = UnsequencedStream(protocol: "genesys-notifications", clientID: client, began: now)
    }

    /// The next event of an OAuth client comes to be, on one of its topics: every channel of it that is subscribed to
    /// that topic gets it, with the same identifier, if it has a socket. Otherwise it is lost to that channel.
    func makeTopicEvent(_ client: String) {
        let own = channels.channels(of: client)
        let topics = Set(own.flatMap(\.topics)).sorted()
        guard !topics.isEmpty else { return }
        let stream = StreamFacts(path: Self.channelPrefix, identities: [client], subscriptions: topics)
        let later = eventBegan(stream) { topicStreams[client]?.apply($0) }
        guard let event = topicStreams[client]?.produce() else { return }
        let topic = topics[event.number % topics.count]
        let text =
            "{\"topicName\":\(JSONText.string(topic)),\"version\":\"2\","
            + "\"eventBody\":{\"id\":\"event-\(event.number)\",\"timestamp\":\"\(WallClock.text(WallClock.now()))\"},"
            + "\"metadata\":{\"CorrelationId\":\(JSONText.string("\(client)-\(event.number)"))}}"
        var receivers: [WebSocketPeer] = []
        for channel in own where channel.topics.contains(topic) {
            channels[channel.id]?.truth.eventsGenerated += 1
            guard let peer = attached[channel.id], !peer.isSilent, event.copies > 0 else { continue }
            channels[channel.id]?.truth.eventsDelivered += 1
            channels[channel.id]?.truth.messagesSent += event.copies
            channels[channel.id]?.truth.duplicatesSent += event.copies - 1
            receivers.append(peer)
        }
        topicStreams[client]?.sent(copies: event.copies, receivers: receivers.count)
        for peer in receivers { peer.send(repeatElement(text, count: event.copies)) }
        eventEnded(later, on: receivers.last)
    }

    // MARK: The end of channels

    /// When a channel ends next, or its socket is to be told of it.
    var nextChannelDeadline: Duration? {
        channels.channels.values.map { channel in
            channel.isWarned ? channel.expiry : channel.expiry - options.closingNoticeLead
        }.min()
    }

    /// Ends the channels whose time is over, and tells the sockets of those whose time will soon be.
    func endChannels() {
        let time = now
        for channel in channels.channels.values.sorted(by: { $0.id < $1.id })
        where !channel.isWarned && channel.expiry - options.closingNoticeLead <= time {
            channels[channel.id]?.isWarned = true
            attached[channel.id]?.send([Self.closingNotice])
        }
        for id in channels.removeExpired(at: time) { channelEnded(id, reason: "the channel has expired") }
    }

    /// A channel is no more: its socket goes too.
    func channelEnded(_ id: String, reason: String) {
        log("channel \(id) ended: \(reason)")
        guard let peer = attached[id] else { return }
        detach(peer)
        peer.close(code: 1001, reason: reason)
    }
}
