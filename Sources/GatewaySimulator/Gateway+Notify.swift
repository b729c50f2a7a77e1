/// `genesys-notify`: one message subscribes, nothing acknowledges, nothing is numbered.
extension Gateway {
    static let notifyPath = "/public/v2"

    /// What a client sends.
    private struct ClientMessage: Decodable {
        var topic: String
        var queue: [String]?
    }

    func receivedNotify(_ bytes: [UInt8], from peer: WebSocketPeer) {
        // The protocol has no answer to a wrong message either: it is passed over, and a person is told.
        guard let message = JSONText.decode(ClientMessage.self, from: bytes), message.topic == "subscribe",
            let queue = message.queue, !queue.isEmpty, queue.count <= 1_000, let client = peer.oauthClient
        else {
            return log("passed over a message of connection \(peer.number): not a subscription to a queue")
        }
        if notifyStreams[client] == nil {
            notifyStreams[client] = UnsequencedStream(protocol: "genesys-notify", clientID: client, began: now)
        }
        peer.session = client
        notifyStreams[client]?.truth.subscriptions = queue
        notifyStreams[client]?.truth.subscribePayloads.remember(String(decoding: bytes, as: UTF8.self))
        let facts = facts(of: peer)
        peer.pendingFaults += connectionBegan(engine.subscriptionBegan(facts))
        guard armed.take(.acknowledgment, for: facts, at: now) == nil else {
            notifyStreams[client]?.truth.acksWithheld += 1
            return log("sends nothing to \(client), though it subscribed")
        }
        if !peer.isAttached { notifyStreams[client]?.truth.connectTimes.remember(now.inSeconds) }
        peer.isAttached = true
        log("\(client) subscribed on connection \(peer.number)")
        strikePending(peer)
    }

    /// The next event of an OAuth client's stream comes to be: every connection of it gets it.
    func makeNotifyEvent(_ client: String) {
        guard let queue = notifyStreams[client]?.truth.subscriptions else { return }
        let stream = StreamFacts(path: Self.notifyPath, identities: [client], subscriptions: queue)
        let later = eventBegan(stream) { notifyStreams[client]?.apply($0) }
        guard let event = notifyStreams[client]?.produce() else { return }
        let topic = queue.isEmpty ? "/" : queue[event.number % queue.count]
        let text =
            "{\"topic\":\(JSONText.string(topic)),\"data\":{\"id\":\"event-\(event.number)\","
            + "\"timestamp\":\(WallClock.now())}}"
        let receivers = openPeers.filter { peer in
            peer.route == .notify && peer.isAttached && !peer.isSilent && peer.session == client
        }
        notifyStreams[client]?.sent(copies: event.copies, receivers: receivers.count)
        for peer in receivers { peer.send(repeatElement(text, count: event.copies)) }
        eventEnded(later, on: receivers.last)
    }
}
