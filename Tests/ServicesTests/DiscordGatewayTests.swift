import StreamModel
import Testing

/// `examples/profiles/discord-gateway.yml` against a server that follows a script.
@Suite("Discord's gateway, as a profile")
struct DiscordGatewayTests {
    private static func dispatch(_ number: Int, _ name: String = "MESSAGE_CREATE", _ data: String = "{}") -> String {
        #"{"t":"\#(name)","s":\#(number),"op":0,"d":\#(data)}"#
    }

    private static let ready = dispatch(
        1, "READY", #"{"v":10,"session_id":"abc","resume_gateway_url":"wss://resume.test"}"#)

    /// A session whose next number is `next`; a resume is answered by `resumed`.
    private func live(resumed: @escaping (VirtualConnection) -> Void) throws -> VirtualStage {
        let stage = try VirtualStage(try example("discord-gateway"), environment: ["DISCORD_BOT_TOKEN": "bot-token"])
        stage.service.opened = { $0.give(#"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}"#) }
        stage.service.received = { connection, text in
            if text.hasPrefix(#"{"op":1,"#) {
                connection.give(#"{"t":null,"s":null,"op":11,"d":null}"#)
            } else if text.hasPrefix(#"{"op":2,"#) {
                connection.give(Self.ready)
            } else if text.hasPrefix(#"{"op":6,"#) {
                resumed(connection)
            }
        }
        stage.start()
        stage.pass(.milliseconds(1))
        return stage
    }

    @Test("greeted, identified, ready; heartbeats at the interval that the hello named, with the last number")
    func session() throws {
        let stage = try live { _ in }
        let connection = stage.service.connections[0]
        #expect(connection.requestTarget == "/?v=10&encoding=json")
        #expect(
            connection.messages == [
                #"{"op":2,"d":{"token":"bot-token","intents":513,"#
                    + #""properties":{"os":"linux","browser":"holdfast","device":"holdfast"}}}"#
            ])
        #expect(stage.record.states.last == .live)
        for number in 2...3 { connection.give(Self.dispatch(number)) }
        stage.pass(.milliseconds(41_248))
        #expect(connection.messages.count == 1)
        stage.pass(.milliseconds(2))
        #expect(connection.messages.last == #"{"op":1,"d":3}"#)
        stage.pass(.milliseconds(41_250 * 10))
        #expect(connection.messages.count == 12)
        #expect(stage.record.losses.isEmpty)
        // The server asks for one at once.
        connection.give(#"{"t":null,"s":null,"op":1,"d":null}"#)
        #expect(connection.messages.last == #"{"op":1,"d":3}"#)
        #expect(stage.record.tallies.unique == 3 && stage.record.tallies.lost == 0)
    }

    @Test("a heartbeat without an answer ends the connection")
    func zombie() throws {
        let stage = try live { _ in }
        stage.service.received = { _, _ in }
        stage.pass(.milliseconds(41_251))
        #expect(stage.record.losses.isEmpty)
        stage.pass(.seconds(10))
        #expect(stage.record.losses == [.heartbeat])
    }

    @Test("a lost connection is resumed at the address that READY gave, and what was missed comes first")
    func resume() throws {
        let stage = try live { connection in
            connection.give(Self.dispatch(4))
            connection.give(Self.dispatch(5))
            connection.give(Self.dispatch(6, "RESUMED"))
        }
        for number in 2...3 { stage.service.connections[0].give(Self.dispatch(number)) }
        stage.service.connections[0].end(1006)
        stage.pass(.seconds(2))
        let connection = stage.service.connections[1]
        #expect(connection.host == "resume.test")
        #expect(connection.query == "v=10&encoding=json")
        #expect(connection.messages == [#"{"op":6,"d":{"token":"bot-token","session_id":"abc","seq":3}}"#])
        #expect(stage.record.states.last == .live && stage.record.resumes == [.full])
        let tallies = stage.record.tallies
        #expect(tallies.unique == 6 && tallies.lost == 0 && tallies.flushed == 0 && tallies.highest == 6)
        #expect(stage.record.messages.contains(Self.dispatch(4)))
    }

    @Test("op 7 is a planned reconnect, with a close that leaves the session alone")
    func reconnect() throws {
        let stage = try live { $0.give(Self.dispatch(2, "RESUMED")) }
        stage.service.connections[0].give(#"{"t":null,"s":null,"op":7,"d":null}"#)
        stage.pass(.milliseconds(1))
        #expect(stage.service.connections[0].closeCode == 4900)
        #expect(stage.record.losses == [.planned] && stage.record.states.last == .live)
        #expect(stage.record.delays.isEmpty && stage.record.resumes == [.full])
        #expect(stage.service.connections[1].messages[0].hasPrefix(#"{"op":6"#))
    }

    @Test("an invalid session is not resumed again: the next attempt identifies")
    func invalidSession() throws {
        let stage = try live { $0.give(#"{"t":null,"s":null,"op":9,"d":false}"#) }
        stage.service.connections[0].end(1006)
        stage.pass(.seconds(10))
        #expect(stage.record.failures.map(\.reason) == [.ackRejected])
        #expect(stage.record.resumes == [.refused])
        let identified = stage.service.connections[2]
        #expect(identified.host == "gateway.discord.gg")
        #expect(identified.messages[0].hasPrefix(#"{"op":2"#))
        #expect(stage.record.states.last == .live && stage.record.tallies.resets == 0)
        // A session that ends while live is let go as well.
        identified.give(#"{"t":null,"s":null,"op":9,"d":false}"#)
        #expect(stage.record.losses == [.closedAbnormal, .closedAbnormal])
        stage.pass(.seconds(20))
        #expect(stage.record.states.last == .live)
    }

    @Test("a wrong token is final, too many requests are waited out")
    func closes() throws {
        let final = try live { _ in }
        final.service.connections[0].end(4004, reason: "Authentication failed.")
        #expect(final.record.events.contains { $0.event == .stopped(.finalClose(code: 4004)) })
        let throttled = try live { _ in }
        throttled.service.connections[0].end(4008)
        #expect(throttled.record.states.last == .backingOff)
    }
}
