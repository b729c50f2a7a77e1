import StreamModel
import StreamRuntime
import Testing

/// `genesys-notify`: no acknowledgment, no numbers, and a token that may be over when the socket falls.
@Suite("genesys-notify in virtual time")
struct NotifyFaultTests {
    private static let configuration = """
        credentials:
          c:
            type: oauth2_client_credentials
            token_url: http://127.0.0.1:9400/oauth/token
            client_id: a
            client_secret_env: TOKEN
            refresh_before_expiry: 5s
        streams:
          - {name: s, profile: genesys-notify, url: "ws://127.0.0.1:9400/public/v2", credential: c}
        """

    /// A stream against a service whose tokens are good for 100 s.
    private func stage() throws -> VirtualStage {
        let stage = try VirtualStage(Self.configuration)
        var tokens = 0
        stage.service.answer = { line in
            guard line == "POST /oauth/token" else { return .init(status: 404) }
            tokens += 1
            return .init(body: #"{"access_token":"t-\#(tokens)","token_type":"bearer","expires_in":100}"#)
        }
        return stage
    }

    @Test("what goes over the wire, and live with the first message")
    func wire() throws {
        let stage = try stage()
        stage.service.received = { connection, _ in connection.give(#"{"topic":"/api/v2/conversations","data":{}}"#) }
        stage.start()
        stage.pass(.milliseconds(1))
        let connection = stage.service.connections[0]
        #expect(connection.header("Authorization") == "Bearer t-1")
        #expect(
            connection.messages
                == [#"{"topic":"subscribe","queue":["/api/v2/conversations","/api/v2/interactions"]}"#])
        #expect(stage.record.states.last == .live && stage.record.tallies.received == 1)
        // The message that proves it is a message like any other.
        #expect(stage.record.messages.count == 1)
    }

    @Test("live, too, when it has stayed open for the acknowledgment window")
    func quiet() throws {
        let stage = try stage()
        stage.start()
        stage.pass(.milliseconds(4_999))
        #expect(stage.record.states.last == .subscribing)
        stage.pass(.milliseconds(1))
        #expect(stage.record.states.last == .live)
    }

    @Test(
        "an expired token and a server that accepts and drops: a new token first, and attempts that follow the backoff")
    func rapidReconnect() throws {
        let stage = try stage()
        stage.start()
        stage.pass(.seconds(200))
        #expect(stage.record.lives == 1 && stage.service.count("POST") == 1)
        // The token has been over for 100 s; the socket falls, and every new one falls as soon as it is open.
        stage.service.opened = { $0.end(1006) }
        stage.service.connections[0].end(1006)
        let lostAt = stage.now
        stage.pass(.seconds(180))
        let dials = stage.service.connections.dropFirst()
        // 1, 2, 4, 8, 16, 30, 30, 30 … s, each with up to 40 % more: an open alone resets nothing.
        let plain: [Double] = [1, 2, 4, 8, 16, 30, 30, 30]
        #expect(dials.count >= 6 && dials.count <= 9)
        var before = lostAt
        for (dial, base) in zip(dials, plain) {
            let at = try #require(dial.startedAt)
            let waited = (at - before).seconds
            #expect(waited >= base && waited <= base * 1.4 + 0.001, "\(waited) s after the one before, not \(base) s")
            before = at
        }
        // The first redial already has a new token, and none goes out with less than 60 s left.
        #expect(dials.first?.header("Authorization") == "Bearer t-2")
        #expect(!dials.contains { $0.header("Authorization") == "Bearer t-1" })
        #expect(stage.record.failures.allSatisfy { $0.reason == .closed && $0.closeCode == 1006 })
        // Once it holds, the stream is live again.
        stage.service.opened = { _ in }
        stage.pass(.seconds(60))
        #expect(stage.record.states.last == .live && stage.record.lives == 2)
        #expect(stage.record.resumes == [.unknown])
    }

    @Test(
        "401, 403 and 502 at the handshake: backed off, and the first two with a new token", arguments: [401, 403, 502])
    func refused(status: Int) throws {
        let stage = try stage()
        stage.service.handshake = { _ in .refused(status: status) }
        stage.start()
        stage.pass(.milliseconds(1))
        #expect(stage.service.connections.count == 1 && stage.record.states.last == .backingOff)
        stage.pass(.milliseconds(1_500))
        #expect(stage.service.connections.count == 2)
        let renewed = stage.service.connections[1].header("Authorization")
        #expect(renewed == (status == 502 ? "Bearer t-1" : "Bearer t-2"))
    }

    @Test("a handshake may take 30 s")
    func handshakeTimeout() throws {
        let stage = try stage()
        stage.service.handshake = { _ in .unanswered }
        stage.start()
        stage.pass(.milliseconds(29_990))
        #expect(stage.record.failures.isEmpty)
        stage.pass(.milliseconds(20))
        #expect(stage.record.failures.map(\.reason) == [.timeout])
        #expect(stage.service.connections[0].request.timeout == .seconds(30))
    }

    @Test("1006 and 1011 reconnect", arguments: [1006, 1011])
    func closes(code: UInt16) throws {
        let stage = try stage()
        stage.start()
        stage.pass(.seconds(6))
        stage.service.connections[0].end(code)
        stage.pass(.seconds(10))
        #expect(stage.record.lives == 2)
    }
}
