internal import StreamModel

extension Gateway {
    /// A fault strikes: at once where it is such, otherwise it lies in wait from now on.
    func strike(_ fault: Fault, scope: FaultScope) {
        note(fault.name)
        switch fault.hook {
        case .connection:
            let struck = openPeers.filter { scope.matches(facts(of: $0)) }
            log("\(fault.name) strikes \(struck.count) connection\(struck.count == 1 ? "" : "s")")
            for peer in struck { apply(fault, to: peer) }
        case .numbering:
            log("\(fault.name) strikes the numbering")
            strikeNumbering(fault, scope: scope)
        case .tokens:
            let count = tokens.revokeAll()
            truth.tokensRevoked += count
            log("revoked \(count) token\(count == 1 ? "" : "s")")
        case .refusal, .handshakeDelay, .afterHandshake, .acknowledgment, .flush, .replay, .tokenRefusal, .tokenDelay:
            log("\(fault.name) lies in wait")
            armed.arm(fault, scope: scope, at: now)
        }
        changed()
    }

    private func strikeNumbering(_ fault: Fault, scope: FaultScope) {
        for (name, session) in sessions where scope.matches(facts(of: session)) { sessions[name]?.apply(fault) }
        for (name, stream) in notifyStreams {
            let facts = StreamFacts(
                path: Self.notifyPath, identities: [name], subscriptions: stream.truth.subscriptions)
            if scope.matches(facts) { notifyStreams[name]?.apply(fault) }
        }
        for name in topicStreams.keys {
            let topics = channels.channels(of: name).flatMap(\.topics)
            let facts = StreamFacts(path: Self.channelPrefix, identities: [name], subscriptions: topics)
            if scope.matches(facts) { topicStreams[name]?.apply(fault) }
        }
    }

    /// A fault strikes one connection.
    func apply(_ fault: Fault, to peer: WebSocketPeer) {
        switch fault {
        case .drop(let ending):
            peer.drop(ending)
        case .close(let code, let reason):
            peer.close(code: code, reason: reason)
        case .staleTokenClose(.code):
            peer.close(code: 4401, reason: "token expired")
        case .staleTokenClose(.reason):
            peer.close(code: 1008, reason: "401 token expired")
        case .halfOpen(let duration):
            peer.fallSilent(for: duration)
        case .garbage(let count):
            for _ in 0..<max(0, min(count, 1_000)) { peer.write(garbage()) }
        case .closingNotice(let lead):
            if case .channel = peer.route { peer.send([Self.closingNotice]) }
            after(lead) { peer.close(code: 1001, reason: "planned close") }
        default:
            break
        }
    }

    /// A frame that breaks RFC 6455, each in another way.
    private func garbage() -> [UInt8] {
        let frames: [[UInt8]] = [
            [0x83, 0x00],  // A reserved opcode (section 5.2).
            [0xA1, 0x01, 0x61],  // A reserved bit (section 5.2).
            [0x81, 0x02, 0xC3, 0x28],  // Text that is not UTF-8 (section 8.1).
            [0x09, 0x00],  // A ping in fragments (section 5.5).
            [0x81, 0x81, 0x01, 0x02, 0x03, 0x04, 0x60],  // A server that masks (section 5.1).
        ]
        return frames[Int(random.next() % UInt64(frames.count))]
    }

    /// What strikes with an event, before it is numbered: what shapes events does so at once, the rest is given back
    /// for when the event is out.
    func eventBegan(_ stream: StreamFacts, shape: (Fault) -> Void) -> [FaultStep] {
        var later: [FaultStep] = []
        for step in engine.eventBegan(stream) {
            guard step.fault.hook == .numbering else {
                later.append(step)
                continue
            }
            note(step.fault.name)
            log("\(step.fault.name) strikes the numbering")
            shape(step.fault)
        }
        return later
    }

    /// What was put off by ``eventBegan(_:shape:)`` strikes; what strikes connections strikes `peer` alone.
    func eventEnded(_ later: [FaultStep], on peer: WebSocketPeer?) {
        for step in later {
            guard step.fault.hook == .connection else {
                strike(step.fault, scope: step.scope)
                continue
            }
            guard let peer else { continue }
            note(step.fault.name)
            log("\(step.fault.name) strikes connection \(peer.number)")
            apply(step.fault, to: peer)
        }
    }

    /// What strikes with a handshake or a subscription: what lies in wait does so from now on, what strikes
    /// connections or numbering is given back for when the stream is attached.
    func connectionBegan(_ steps: [FaultStep]) -> [Fault] {
        var pending: [Fault] = []
        for step in steps {
            switch step.fault.hook {
            case .connection, .numbering: pending.append(step.fault)
            default: strike(step.fault, scope: step.scope)
            }
        }
        return pending
    }

    /// What was put off by ``connectionBegan(_:)`` strikes a peer that is attached now.
    func strikePending(_ peer: WebSocketPeer) {
        let pending = peer.pendingFaults
        peer.pendingFaults = []
        for fault in pending {
            note(fault.name)
            log("\(fault.name) strikes connection \(peer.number)")
            guard fault.hook == .numbering else {
                apply(fault, to: peer)
                continue
            }
            guard let name = peer.session else { continue }
            switch peer.route {
            case .architect: sessions[name]?.apply(fault)
            case .notify: notifyStreams[name]?.apply(fault)
            case .channel: topicStreams[channels[name]?.clientID ?? ""]?.apply(fault)
            }
        }
    }

    /// What tells whether a fault applies to `session`.
    func facts(of session: SequencedSession) -> StreamFacts {
        StreamFacts(
            path: Self.architectPath, identities: [session.clientID], subscriptions: session.truth.subscriptions)
    }

    /// What tells whether a fault applies to `peer`, its subscriptions included.
    func facts(of peer: WebSocketPeer) -> StreamFacts {
        var facts = peer.facts
        guard let name = peer.session else { return facts }
        switch peer.route {
        case .architect: facts.subscriptions = sessions[name]?.truth.subscriptions ?? []
        case .notify: facts.subscriptions = notifyStreams[name]?.truth.subscriptions ?? []
        case .channel:
            facts.subscriptions = channels[name]?.topics ?? []
            if let owner = channels[name]?.clientID { facts.identities.append(owner) }
        }
        return facts
    }
}

extension Gateway {
    /// Takes in a further step, whose time begins now; false where there are too many.
    func add(_ step: FaultStep) -> Bool {
        guard engine.add(step, at: now) else { return false }
        scheduleFaults()
        return true
    }
}
