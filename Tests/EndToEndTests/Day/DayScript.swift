import Foundation
import Testing

/// What happens on the day. Each step does something to the program and tells the model of that stream.
extension ScriptedDay {
    // MARK: Steps that come again and again

    /// Takes the first handshake of `stream`, as far as its subscription.
    func open(_ stream: String, _ model: DayModel) throws -> Peer {
        let arrival = try gateway.next(stream)
        #expect(arrival.path == "/\(stream)/api/v2/architect/websocket")
        #expect(arrival.query == "access_token=\(arrival.token)")
        #expect(gateway.tokens.contains(arrival.token))
        let peer = try arrival.accept()
        let opening = try peer.text()
        let id = try JSON(parsing: opening)["clientId"]?.text ?? ""
        #expect(!id.isEmpty)
        #expect(opening == #"{"type":"subscribe","subscriptions":["queueEvents"],"clientId":"\#(id)"}"#)
        if stream == model.stream, stream == "queue-events" { clientID = id }
        // The first one of this stream was refused, and this is another attempt.
        if tokens[stream] == nil, stream != "conversation-events" { firstTokens.append(arrival.token) }
        tokens[stream] = arrival.token
        return peer
    }

    /// Takes the next handshake of `stream`: a reconnect, with a token that this stream has not shown before.
    func returning(_ stream: String) throws -> MockGateway.Arrival {
        let arrival = try gateway.next(stream)
        #expect(arrival.query == "access_token=\(arrival.token)&reconnect=true")
        #expect(gateway.tokens.contains(arrival.token), "a token that was never issued")
        #expect(arrival.token != tokens[stream], "a reconnect takes a token that was fetched for it")
        tokens[stream] = arrival.token
        return arrival
    }

    /// Accepts a reconnect and reads what it says.
    func resume(_ stream: String, _ model: DayModel, _ arrival: MockGateway.Arrival? = nil) throws -> Peer {
        let peer = try (arrival ?? returning(stream)).accept()
        let before = Date().timeIntervalSince1970 * 1000
        let payload = try peer.text()
        // Nothing was seen yet: 0, from which a server replays everything.
        let last = #""lastSequence":\#(model.lastSequence ?? 0),"#
        let id = stream == "queue-events" ? clientID : try JSON(parsing: payload)["clientId"]?.text ?? ""
        let head =
            #"{"type":"reconnect","clientId":"\#(id)",\#(last)"subscriptions":["queueEvents"],"#
            + #""stateDirective":"preserve","timestamp":"#
        #expect(payload.hasPrefix(head), "\(payload) does not begin with \(head)")
        let timestamp = payload.dropFirst(head.count)
        #expect(timestamp.hasSuffix("}"))
        let time = Double(timestamp.dropLast()) ?? 0
        #expect(abs(time - before) < 60_000, "the timestamp is in Unix milliseconds: \(payload)")
        return peer
    }

    func acknowledge(_ peer: Peer, _ model: DayModel, _ text: String = MockGateway.reconnectAck) throws {
        try peer.send(text)
        model.acknowledged()
    }

    /// Waits until the program has counted everything that the model has.
    func sync(_ model: DayModel) throws {
        let expected = Double(model.counters["holdfast_messages_received_total", default: 0])
        try exporter.wait("holdfast_messages_received_total", model.stream, is: expected)
    }

    // MARK: queue-events

    func begin() throws {
        queue.started()
        peer = try open("queue-events", queue)
        try peer.event(5, 6)  // of an older session
        queue.flush(2)
        try acknowledge(peer, queue, MockGateway.ack)
    }

    func morning() throws {
        try peer.event(10, 11, 12)
        queue.events(10, 11, 12)
        try peer.event(14, 15, 13)
        queue.events(14, 15, 13)
        try peer.event(15, 12)
        queue.events(15, 12)
        try sync(queue)
        peer.socket.close()
        queue.lost("closed_abnormal", closeCode: 1006)
    }

    func refusals() throws {
        try returning("queue-events").refuse(401, body: #"{"status":401,"message":"token expired"}"#)
        queue.failed("refused_token", httpStatus: 401)

        // Open, but never acknowledged.
        let mute = try resume("queue-events", queue)
        queue.failed("ack_timeout", status: "timeout")

        try returning("queue-events").refuse(403)
        queue.failed("forbidden", httpStatus: 403)

        let throttled = try returning("queue-events")
        let refusedAt = MockGateway.now
        try throttled.refuse(429, headers: "Retry-After: 1\r\n")
        queue.failed("throttled", httpStatus: 429, floor: 1000)

        let next = try returning("queue-events")
        #expect(next.time - refusedAt >= 1, "Retry-After is a floor")
        try next.refuse(502, body: "<html>bad gateway</html>")
        queue.failed("gateway_error", httpStatus: 502)
        mute.socket.close()

        peer = try resume("queue-events", queue)
        try peer.event(16, 17)
        queue.flush(2)
        try acknowledge(peer, queue)
        try peer.event(16, 17, 18, 19, 20)
        queue.resume("full")
        queue.events(16, 17, 18, 19, 20)
        try peer.close(1011, "internal error")
        queue.lost("closed_abnormal", closeCode: 1011)
    }

    func noon() throws {
        // Acknowledged as a subscription, and nothing replayed.
        peer = try resume("queue-events", queue)
        try acknowledge(peer, queue, MockGateway.ack)
        try peer.event(25)
        queue.events(25)
        try exporter.waitForLine("resume_settled", "queue-events", count: 2)
        queue.windowPassed()
        queue.resume("partial")
        try peer.event(22, 26)
        queue.events(22, 26)
        try exporter.wait("holdfast_last_sequence", "queue-events", is: 26)
        peer.socket.reset()
        // Whether a reset is a broken socket or an end without a close frame, the text leaves open; one of them it is.
        let reason = try exporter.waitForLine("connection_lost", "queue-events", count: 3)["cause"]?.text ?? ""
        #expect(["transport", "closed_abnormal"].contains(reason))
        queue.lost(reason, closeCode: DayModel.anyCode)

        // Replayed in part, and out of order.
        peer = try resume("queue-events", queue)
        try acknowledge(peer, queue)
        try peer.event(27)
        queue.resume("full")
        queue.events(27)
        try peer.event(28, 31, 30)
        queue.events(28, 31, 30)
        try exporter.waitForLine("messages_lost", "queue-events", count: 2)
        queue.windowPassed()
    }

    func afternoon() throws {
        try peer.event(2, 32)  // one stray low number is a duplicate
        queue.events(2, 32)
        try peer.event(1, 2, 3, 4, 5)
        queue.renumbered(1...5)
        try sync(queue)
        try peer.close(4401, "gone")
        queue.lost("token", closeCode: 4401)

        peer = try resume("queue-events", queue)
        try acknowledge(peer, queue)
        try peer.event(6)
        queue.resume("full")
        queue.events(6)
        try peer.close(1008, "401 expired")
        queue.lost("token", closeCode: 1008)

        // Lost again before a message could tell what the resume brought.
        peer = try resume("queue-events", queue)
        try acknowledge(peer, queue)
        try sync(queue)
        peer.socket.close()
        queue.lost("closed_abnormal", closeCode: 1006)

        peer = try resume("queue-events", queue)
        try acknowledge(peer, queue)
        try peer.event(7)
        queue.resume("full")
        queue.events(7)
        try peer.send(#"{"type":"notice","text":"no number"}"#)
        queue.notice()
        try sync(queue)
    }

    // MARK: The other streams

    func otherStreams() throws {
        talk.started()
        try gateway.next("conversation-events").refuse(502)
        talk.failed("gateway_error", httpStatus: 502)
        var peer = try open("conversation-events", talk)  // there is no session yet that could be resumed
        try acknowledge(peer, talk, MockGateway.ack)
        try exporter.wait("holdfast_retry_count", "conversation-events", is: 0)
        talk.held()
        try peer.event(100, 1_000_000_100)
        talk.jumped(from: 100, to: 1_000_000_100)
        try exporter.waitForLine("messages_lost", "conversation-events")
        try peer.close(1012, "restart")
        talk.lost("closed_abnormal", closeCode: 1012)

        peer = try resume("conversation-events", talk)
        try acknowledge(peer, talk)
        try exporter.wait("holdfast_retry_count", "conversation-events", is: 0)
        try peer.event(1_000_000_101)
        talk.resume("full")
        talk.events(1_000_000_101)
        try peer.close(1001, "going away")
        talk.ended(closeCode: 1001)
        talk.held()
    }

    func roughStreams() throws {
        pulse.started()
        var peer = try open("pulse", pulse)
        try acknowledge(peer, pulse, MockGateway.ack)
        for _ in 0..<3 {
            let ping = try peer.frame()
            #expect(ping.opcode == 9)
            try peer.send(WebSocketWire.frame(10, ping.payload))
        }
        let unanswered = try peer.frame()
        #expect(unanswered.opcode == 9, "the fourth ping")
        pulse.note("heartbeat_timeout")
        pulse.lost("heartbeat", closeCode: nil)
        peer = try resume("pulse", pulse)
        try peer.send(WebSocketWire.frame(1, Array(MockGateway.reconnectAck.utf8)) + Self.normalClose)
        pulse.acknowledged()
        pulse.ended(closeCode: 1000, unsettled: true)

        quiet.started()
        peer = try open("quiet", quiet)
        try acknowledge(peer, quiet, MockGateway.ack)
        quiet.note("silence_timeout")
        quiet.lost("silence", closeCode: nil)
        peer = try resume("quiet", quiet)
        try peer.send(WebSocketWire.frame(1, Array(MockGateway.reconnectAck.utf8)) + Self.normalClose)
        quiet.acknowledged()
        quiet.ended(closeCode: 1000, unsettled: true)

        rough.started()
        peer = try open("rough", rough)
        try acknowledge(peer, rough, MockGateway.ack)
        try peer.event(1)
        rough.events(1)
        try peer.send([0xF1, 0x01, 0x41])  // reserved bits that nobody agreed on
        rough.lost("protocol", closeCode: DayModel.anyCode)
        peer = try resume("rough", rough)
        try acknowledge(peer, rough)
        try peer.event(2)
        rough.resume("full")
        rough.events(2)
        try peer.send(#"{"type":"event","sequence":3,"data":"\#(String(repeating: "x", count: 5000))"}"#)
        rough.lost("too_large", closeCode: DayModel.anyCode)
        roughPeer = try resume("rough", rough)
        try acknowledge(roughPeer, rough)
        try roughPeer.event(3)
        rough.resume("full")
        rough.events(3)
    }

    static let normalClose = WebSocketWire.frame(8, WebSocketWire.closePayload(1000, ""))

    func evening() throws {
        try sync(rough)
        for stream in ["conversation-events", "pulse", "quiet"] {
            try exporter.waitForLine("stream_stopped", stream)
        }
    }
}
