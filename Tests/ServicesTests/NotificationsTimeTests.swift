import NIOCore
import StreamModel
import Testing

/// `genesys-notifications` over hours: channels, their age, their end, and the hand-over from one to the next.
@Suite("The Notification API in virtual time")
struct NotificationsTimeTests {
    private static let configuration = """
        credentials: {c: {type: bearer, token_env: TOKEN}}
        streams:
          - name: s
            profile: genesys-notifications
            url: http://127.0.0.1:9400/ignored?too
            credential: c
            subscriptions: [v2.users.1.presence, v2.forbidden]
            backoff: {jitter: {kind: none}}
            heartbeat: {interval: 30s, timeout: 10s}
        """
    private static let heartbeat = #"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#
    private static let closing = #"{"topicName":"v2.system.socket_closing","version":"2","eventBody":{},"metadata":{}}"#

    private static func event(_ number: Int) -> String {
        #"{"topicName":"v2.users.1.presence","version":"2","eventBody":{},"metadata":{"CorrelationId":"e-\#(number)"}}"#
    }

    /// A service that makes channels, and a stream that is live on the first of them.
    private func live(seed: UInt64 = 7, settings: String? = nil, adapt: (VirtualStage) -> Void = { _ in }) throws
        -> VirtualStage
    {
        let plain = "    backoff: {jitter: {kind: none}}\n"
        let text = Self.configuration.replacing(plain, with: settings ?? plain)
        let stage = try VirtualStage(text, seed: seed)
        var channels = 0
        stage.service.answer = { line in
            if line == "POST /api/v2/notifications/channels" {
                channels += 1
                let uri = "ws://streaming.test:9/channels/ch-\(channels)"
                return .init(body: #"{"connectUri":"\#(uri)","id":"ch-\#(channels)","expires":"x"}"#)
            }
            return .init(
                body: #"{"entities":[{"id":"v2.users.1.presence","state":"Permitted"},"#
                    + #"{"id":"v2.forbidden","state":"Rejected","rejectionReason":"no permission"}]}"#)
        }
        stage.service.received = { connection, text in
            if text == #"{"message":"ping"}"# {
                connection.give(#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#)
            }
        }
        adapt(stage)
        stage.start()
        return stage
    }

    @Test("a channel is made and subscribed, rejected topics are told, and the API's own address is connected to")
    func channelAndTopics() throws {
        let stage = try live()
        #expect(
            stage.service.requests == [
                "POST /api/v2/notifications/channels",
                "PUT /api/v2/notifications/channels/ch-1/subscriptions?ignoreErrors=true",
            ])
        #expect(stage.service.bodies[1] == #"[{"id":"v2.users.1.presence"},{"id":"v2.forbidden"}]"#)
        #expect(stage.service.authorizations == ["Bearer t-0", "Bearer t-0"])
        #expect(stage.service.connections[0].address == "ws://streaming.test/channels/ch-1")
        #expect(stage.record.states.last == .live)
        let rejections = StreamEvent.Rejections(["v2.forbidden"], reason: "no permission")
        #expect(stage.record.events.contains { $0.event == .subscriptionsRejected(rejections) })
        #expect(stage.record.logs.lines.contains { $0.contains("subscriptions rejected; nothing will come for them") })
    }

    @Test("heartbeats keep it, nothing for 35 s ends it")
    func heartbeats() throws {
        let stage = try live { $0.service.received = { _, _ in } }
        let connection = stage.service.connections[0]
        for _ in 0..<200 {
            stage.pass(.seconds(29))
            connection.give(#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#)
            stage.pass(.seconds(1))
            connection.give(#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#)
            connection.give(Self.heartbeat)
        }
        #expect(stage.record.losses.isEmpty)
        #expect(connection.messages.allSatisfy { $0 == #"{"message":"ping"}"# } && connection.messages.count > 190)
        let quietFrom = stage.now
        // Our own ping is answered no more, nor does anything else come.
        stage.pass(.seconds(34))
        #expect(stage.record.losses.isEmpty)
        stage.pass(.seconds(1))
        #expect(stage.record.losses == [.silence])
        #expect(
            stage.record.events.contains {
                $0.event == .silenceDetected(after: .seconds(35)) && $0.at == quietFrom + .seconds(35)
            })
    }

    @Test("a channel rolls over at 23 h less the jitter, and the stream is live throughout", arguments: [1, 2, 3, 4])
    func rollover(seed: UInt64) throws {
        let stage = try live(seed: seed)
        stage.every(TimeAmount.seconds(30)) { stage in
            for connection in stage.service.connections where connection.isOpen { connection.give(Self.heartbeat) }
        }
        stage.pass(.seconds(21 * 3600 + 50 * 60))
        #expect(stage.service.count("POST") == 1)
        stage.pass(.seconds(70 * 60 + 5))
        #expect(stage.service.count("POST") == 2 && stage.service.count("PUT") == 2)
        #expect(stage.record.handovers == [.planned, .completed])
        #expect(stage.record.losses == [.planned])
        #expect(stage.record.states.filter { $0 == .live }.count == 1 && stage.record.states.last == .live)
        #expect(stage.service.connections[0].closeCode == 1000)
        #expect(stage.service.connections[1].path == "/channels/ch-2" && stage.service.connections[1].isOpen)
        // The jitter differs from seed to seed, within its 5 %.
        let planned = try #require(
            stage.record.events.first { if case .handover = $0.event { true } else { false } })
        let live = try #require(stage.record.events.first { if case .live = $0.event { true } else { false } })
        let age = planned.at - live.at
        #expect(age <= .seconds(23 * 3600) && age >= .seconds(23 * 3600 * 95 / 100))
    }

    @Test("a hand-over on notice: the new one is live before the old one closes, and what both bring counts once")
    func handover() throws {
        let stage = try live()
        let old = stage.service.connections[0]
        for number in 1...3 { old.give(Self.event(number)) }
        // The new channel is held back until more has come on the old one.
        stage.service.handshake = { _ in .unanswered }
        old.give(Self.closing)
        stage.pass(.milliseconds(10))
        #expect(stage.service.count("POST") == 2 && stage.service.count("PUT") == 2)
        old.give(Self.event(4))
        #expect(old.isOpen && old.closeCode == nil && stage.record.states.last == .live)
        stage.service.handshake = { _ in .accepted }
        let new = stage.service.connections[1]
        new.start()
        stage.pass(.milliseconds(10))
        #expect(old.closeCode == 1000)
        // Both sockets deliver: some on both, in either order, some on one alone.
        old.give(Self.event(5))
        new.give(Self.event(5))
        new.give(Self.event(6))
        old.give(Self.event(6))
        new.give(Self.event(7))
        old.give(Self.event(8))
        old.end(1000)
        new.give(Self.event(9))
        let tallies = stage.record.tallies
        #expect(tallies.received == 10 && tallies.duplicate == 0 && tallies.flushed == 0)  // nine, and the notice
        let events = stage.record.messages.filter { $0.contains("CorrelationId") }
        #expect(events == [1, 2, 3, 4, 5, 6, 7, 8, 9].map(Self.event))
        #expect(stage.record.states.filter { $0 == .live }.count == 1 && stage.record.states.last == .live)
        #expect(stage.record.handovers == [.planned, .completed])
        // What a server sends twice on one connection is a duplicate all the same.
        stage.pass(.seconds(3))
        new.give(Self.event(9))
        #expect(stage.record.tallies.duplicate == 1)
        // From here on, the new channel is the stream's own.
        new.end(1006)
        stage.pass(.seconds(2))
        #expect(stage.service.count("POST") == 2)
        #expect(stage.service.connections[2].path == "/channels/ch-2")
    }

    @Test("a hand-over whose new channel fails is tried again with backoff; the old one serves until it closes")
    func failedHandover() throws {
        let stage = try live()
        let old = stage.service.connections[0]
        let answer = stage.service.answer
        stage.service.answer = { _ in .init(status: 503) }
        old.give(Self.closing)
        stage.pass(.milliseconds(900))
        #expect(stage.record.handovers == [.planned, .failed])
        #expect(old.isOpen && old.closeCode == nil)
        // After 1, 2, 4 and 8 s.
        stage.pass(.seconds(20))
        #expect(stage.record.handovers == (0..<5).flatMap { _ in [.planned, .failed] })
        #expect(old.isOpen && old.closeCode == nil)
        old.give(Self.event(1))
        #expect(stage.record.states.last == .live && stage.record.losses.isEmpty)
        #expect(stage.record.messages.last == Self.event(1))
        stage.service.answer = answer
        old.end(1001, reason: "planned")
        #expect(stage.record.losses == [.closedAbnormal] && stage.record.states.last == .backingOff)
        #expect(stage.record.delays == [.seconds(1)])
        stage.pass(.seconds(1))
        #expect(stage.record.states.last == .live)
        #expect(stage.service.connections.last?.path == "/channels/ch-2")
        #expect(stage.record.resumes == [.unknown])
    }

    @Test("a new channel whose socket does not open is used by the ordinary way that follows")
    func handoverDialFails() throws {
        let stage = try live()
        stage.service.handshake = { _ in .refused(status: 502) }
        stage.service.connections[0].give(Self.closing)
        stage.pass(.milliseconds(1))
        #expect(stage.record.handovers == [.planned, .failed] && stage.record.states.last == .live)
        stage.service.handshake = { _ in .accepted }
        stage.service.connections[0].end(1001)
        stage.pass(.seconds(1))
        #expect(stage.record.states.last == .live && stage.service.count("POST") == 2)
        #expect(stage.service.connections.last?.path == "/channels/ch-2")
    }

    @Test("a channel serves ten reconnects without another request, then a new one is made")
    func tenReconnects() throws {
        let stage = try live()
        for number in 1...10 {
            stage.service.connections.last?.end(1001, reason: "idle timeout")
            stage.pass(.seconds(40))
            #expect(stage.record.lives == number + 1)
            for _ in 0..<2 {
                stage.service.connections.last?.give(Self.heartbeat)
                stage.pass(.seconds(30))
            }
        }
        #expect(stage.service.count("POST") == 1 && stage.service.count("PUT") == 1)
        stage.service.connections.last?.end(1001)
        stage.pass(.seconds(40))
        #expect(stage.service.count("POST") == 2 && stage.service.count("PUT") == 2)
        #expect(stage.record.resumes == Array(repeating: .unknown, count: 11))
    }

    @Test("a channel that is gone is replaced")
    func channelGone() throws {
        let stage = try live()
        stage.service.handshake = { $0.path == "/channels/ch-1" ? .refused(status: 404) : .accepted }
        stage.service.connections[0].end(1001)
        stage.pass(.seconds(10))
        #expect(stage.record.failures.map(\.httpStatus) == [404])
        #expect(stage.service.count("POST") == 2 && stage.record.states.last == .live)
    }

    @Test("the age of a channel counts, not that of the connection to it")
    func age() throws {
        let stage = try live()
        stage.every(TimeAmount.seconds(30)) { stage in
            for connection in stage.service.connections where connection.isOpen { connection.give(Self.heartbeat) }
        }
        stage.pass(.seconds(20 * 3600))
        stage.service.connections[0].end(1006)
        stage.pass(.seconds(5))
        #expect(stage.service.count("POST") == 1 && stage.record.lives == 2)
        stage.pass(.seconds(3 * 3600))
        #expect(stage.service.count("POST") == 2)
        #expect(stage.record.handovers == [.planned, .completed])
    }

    @Test("a channel past its time is not connected to again")
    func expiry() throws {
        let stage = try live(
            settings: "    rollover_after: 10s\n    backoff: {base: 20s, cap: 20s, jitter: {kind: none}}\n")
        stage.pass(.seconds(5))
        stage.service.connections[0].end(1006)
        stage.pass(.seconds(21))
        #expect(stage.record.lives == 2 && stage.service.count("POST") == 2)
        #expect(stage.service.connections[1].path == "/channels/ch-2")
    }

    @Test("403 ends the stream and says so; what a server says is no channel is tried again")
    func refusals() throws {
        let forbidden = try live {
            $0.service.answer = { _ in .init(status: 403, body: #"{"message":"no permission"}"#) }
        }
        #expect(forbidden.record.events.contains { $0.event == .stopped(.hopeless(.forbidden)) })
        #expect(forbidden.record.failures[0].detail == "channel: status 403: no permission")
        let broken = try live { $0.service.answer = { _ in .init(body: #"{"id":"x"}"#) } }
        #expect(broken.record.failures[0].reason == .protocol && broken.record.states.last == .backingOff)
    }
}
