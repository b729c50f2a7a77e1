/// `genesys-architect`: subscriptions that are acknowledged, sequence numbers, resumes with replay.
extension Gateway {
    static let architectPath = "/api/v2/architect/websocket"

    /// What a client sends.
    private struct ClientMessage: Decodable {
        var type: String
        var clientId: String?
        var subscriptions: [String]?
        var lastSequence: Int64?
        var stateDirective: String?
    }

    /// What is to be replayed after an acknowledgment.
    private struct Resume {
        var lastSequence: UInt64
    }

    func receivedArchitect(_ bytes: [UInt8], from peer: WebSocketPeer) {
        guard let message = JSONText.decode(ClientMessage.self, from: bytes) else {
            return refuse("not a JSON object with a type and fields of the types expected", to: peer)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        switch message.type {
        case "subscribe": subscribe(message, text: text, from: peer)
        case "reconnect": resume(message, text: text, from: peer)
        default: refuse("unknown type \(message.type); known are subscribe and reconnect", to: peer)
        }
    }

    private func refuse(_ reason: String, to peer: WebSocketPeer) {
        log("refused a message of connection \(peer.number): \(reason)")
        peer.send(["{\"type\":\"error\",\"message\":\(JSONText.string(reason))}"])
    }

    /// The client's name, if the message has what every message needs.
    private func name(of message: ClientMessage, from peer: WebSocketPeer) -> String? {
        guard let name = message.clientId, !name.isEmpty, name.utf8.count <= 256 else {
            refuse("clientId is missing, empty or longer than 256 bytes", to: peer)
            return nil
        }
        guard let subscriptions = message.subscriptions, !subscriptions.isEmpty, subscriptions.count <= 1_000 else {
            refuse("subscriptions must list 1 to 1,000 names", to: peer)
            return nil
        }
        guard peer.session == nil || peer.session == name else {
            refuse("this connection belongs to another clientId", to: peer)
            return nil
        }
        return name
    }

    private func subscribe(_ message: ClientMessage, text: String, from peer: WebSocketPeer) {
        guard let name = name(of: message, from: peer) else { return }
        takeOver(name, by: peer)
        if sessions[name] == nil {
            makeSession(name, subscriptions: message.subscriptions ?? [])
        } else if sessions[name]?.lastSequence != 0 {
            // A subscription begins a session anew; a reconnect is what continues one.
            sessions[name]?.reset()
        }
        sessions[name]?.truth.subscriptions = message.subscriptions ?? []
        sessions[name]?.truth.subscribePayloads.remember(text)
        log("\(name) subscribed on connection \(peer.number)")
        begin(name, on: peer, acknowledgment: "subscriptionAck", resume: nil)
    }

    private func resume(_ message: ClientMessage, text: String, from peer: WebSocketPeer) {
        guard let name = name(of: message, from: peer) else { return }
        let directive = message.stateDirective ?? "preserve"
        guard directive == "preserve" || directive == "reset" else {
            return refuse("stateDirective is \(directive); known are preserve and reset", to: peer)
        }
        takeOver(name, by: peer)
        if sessions[name] == nil { makeSession(name, subscriptions: message.subscriptions ?? []) }
        if directive == "reset" { sessions[name]?.reset() }
        sessions[name]?.truth.subscriptions = message.subscriptions ?? []
        sessions[name]?.truth.reconnectPayloads.remember(text)
        log("\(name) resumes after \(message.lastSequence.map(String.init) ?? "nothing") on connection \(peer.number)")
        let last = directive == "preserve" ? message.lastSequence : nil
        begin(
            name, on: peer, acknowledgment: "reconnectAck",
            resume: last.map { Resume(lastSequence: UInt64(max(0, $0))) })
    }

    private func makeSession(_ name: String, subscriptions: [String]) {
        if sessions.count >= Self.maximumSessions {
            let idle = sessions.keys.filter { attached[$0] == nil }
            let oldest = idle.min { left, right in
                let times = (sessions[left]?.truth.connectTimes.last, sessions[right]?.truth.connectTimes.last)
                return (times.0 ?? 0, left) < (times.1 ?? 0, right)
            }
            if let oldest = oldest ?? sessions.keys.min() { sessions[oldest] = nil }
        }
        sessions[name] = SequencedSession(
            clientID: name, subscriptions: subscriptions, capacity: options.replayBuffer, began: now)
    }

    /// A session has one connection: the newest.
    private func takeOver(_ name: String, by peer: WebSocketPeer) {
        if let earlier = attached[name], earlier !== peer {
            detach(earlier)
            earlier.close(code: 1008, reason: "another connection has taken over this session")
        }
        detach(peer)
        peer.session = name
    }

    /// Acknowledges, as far as the faults let it.
    private func begin(_ name: String, on peer: WebSocketPeer, acknowledgment: String, resume: Resume?) {
        let facts = facts(of: peer)
        peer.pendingFaults += connectionBegan(engine.subscriptionBegan(facts))
        switch armed.take(.acknowledgment, for: facts, at: now) {
        case .noAcknowledgment:
            sessions[name]?.truth.acksWithheld += 1
            log("withheld the acknowledgment from \(name)")
        case .lateAcknowledgment(let delay, _):
            log("holds the acknowledgment for \(name) back for \(delay)")
            after(delay) { [self] in
                // Meanwhile it may have gone, or another connection may have taken over.
                guard peers[peer.number] === peer, peer.session == name, attached[name] == nil else { return }
                acknowledge(name, on: peer, acknowledgment: acknowledgment, resume: resume)
            }
        default:
            acknowledge(name, on: peer, acknowledgment: acknowledgment, resume: resume)
        }
    }

    private func acknowledge(_ name: String, on peer: WebSocketPeer, acknowledgment: String, resume: Resume?) {
        let facts = facts(of: peer)
        var texts: [String] = []
        if case .flush(let count, _) = armed.take(.flush, for: facts, at: now) {
            texts += sessions[name]?.stale(count, wallMilliseconds: WallClock.now()) ?? []
            log("sends \(texts.count) messages of the old session to \(name) before the acknowledgment")
        }
        texts.append("{\"type\":\"\(acknowledgment)\",\"clientId\":\(JSONText.string(name))}")
        sessions[name]?.truth.acksSent += 1
        sessions[name]?.truth.connectTimes.remember(now.inSeconds)
        if let resume {
            var keep: Int?
            switch armed.take(.replay, for: facts, at: now) {
            case .refuseReplay: keep = 0
            case .partialReplay(let newest, _): keep = newest
            default: break
            }
            let events = sessions[name]?.replay(after: resume.lastSequence, keep: keep) ?? []
            texts += events.map(\.text)
            log("replays \(events.count) events to \(name)")
        }
        peer.isAttached = true
        attached[name] = peer
        peer.send(texts)
        strikePending(peer)
        changed()
    }

    /// The next event of a session comes to be.
    func makeArchitectEvent(_ name: String) {
        // No copy of the session may live while it changes: its buffer would be copied with each event.
        guard var stream = sessions[name].map({ facts(of: $0) }) else { return }
        if let owner = attached[name]?.oauthClient { stream.identities.append(owner) }
        let later = eventBegan(stream) { sessions[name]?.apply($0) }
        let peer = attached[name]
        let speaks = peer.map { !$0.isSilent } ?? false
        let events = sessions[name]?.produce(attached: speaks, wallMilliseconds: WallClock.now()) ?? []
        if let peer, !events.isEmpty { peer.send(events.map(\.text)) }
        eventEnded(later, on: peer)
    }
}
