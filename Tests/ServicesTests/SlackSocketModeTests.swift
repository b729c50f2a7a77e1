import StreamModel
import Testing

/// `examples/profiles/slack-socket-mode.yml` against a server that follows a script.
@Suite("Slack's Socket Mode, as a profile")
struct SlackSocketModeTests {
    private static func envelope(_ name: String) -> String {
        #"{"envelope_id":"\#(name)","type":"events_api","payload":{"event":{"type":"message"}}}"#
    }

    private func live() throws -> VirtualStage {
        let stage = try VirtualStage(try example("slack-socket-mode"), environment: ["SLACK_APP_TOKEN": "xapp-1"])
        var tickets = 0
        stage.service.answer = { line in
            guard line == "POST /api/apps.connections.open" else { return .init(status: 404) }
            tickets += 1
            return .init(body: #"{"ok":true,"url":"wss:\/\/wss.slack.test\/link\/?ticket=\#(tickets)&app_id=1"}"#)
        }
        stage.service.opened = { $0.give(#"{"type":"hello","num_connections":1}"#) }
        stage.start()
        stage.pass(.milliseconds(1))
        return stage
    }

    @Test("an address for one use, a hello, and envelopes that are acknowledged each")
    func envelopes() throws {
        let stage = try live()
        let connection = stage.service.connections[0]
        #expect(stage.service.authorizations == ["Bearer xapp-1"])
        #expect(connection.requestTarget == "/link/?ticket=1&app_id=1")
        #expect(stage.record.states.last == .live)
        connection.give(Self.envelope("a"))
        connection.give(#"{"envelope_id":"quote \" and \u00e9","type":"slash_commands"}"#)
        connection.give(#"{"type":"unknown"}"#)
        #expect(connection.messages == [#"{"envelope_id":"a"}"#, #"{"envelope_id":"quote \" and é"}"#])
        connection.give(Self.envelope("a"))
        #expect(connection.messages.count == 3 && stage.record.tallies.duplicate == 1)
        #expect(stage.record.tallies.received == 4)
    }

    @Test("each connection has an address of its own")
    func oneTime() throws {
        let stage = try live()
        stage.service.connections[0].end(1006)
        stage.pass(.seconds(2))
        #expect(stage.service.connections[1].query == "ticket=2&app_id=1")
    }

    @Test("the warning is a planned hand-over: both connections deliver, nothing is lost or counted twice")
    func warning() throws {
        let stage = try live()
        let old = stage.service.connections[0]
        old.give(Self.envelope("a"))
        let answer = stage.service.opened
        stage.service.opened = { _ in }  // the hello comes later
        old.give(#"{"type":"disconnect","reason":"warning","debug_info":{"host":"x"}}"#)
        stage.pass(.milliseconds(1))
        old.give(Self.envelope("b"))
        #expect(old.closeCode == nil && old.messages.last == #"{"envelope_id":"b"}"#)
        #expect(stage.record.states.last == .live)
        let new = stage.service.connections[1]
        answer(new)
        #expect(old.closeCode == 1000)
        old.give(Self.envelope("c"))  // too late to acknowledge: Slack sends it again
        new.give(Self.envelope("c"))
        new.give(Self.envelope("d"))
        #expect(new.messages == [#"{"envelope_id":"c"}"#, #"{"envelope_id":"d"}"#])
        #expect(stage.record.handovers == [.planned, .completed] && stage.record.losses == [.planned])
        #expect(stage.record.states.filter { $0 == .live }.count == 1)
        #expect(stage.record.messages.filter { $0.contains("events_api") } == ["a", "b", "c", "d"].map(Self.envelope))
        #expect(stage.record.tallies.duplicate == 0)
    }

    @Test("an answer that says no is a failure in Slack's words")
    func refused() throws {
        let stage = try VirtualStage(try example("slack-socket-mode"), environment: ["SLACK_APP_TOKEN": "xapp-1"])
        stage.service.answer = { _ in .init(body: #"{"ok":false,"error":"invalid_auth"}"#) }
        stage.start()
        #expect(stage.record.failures[0].detail == "apps.connections.open: the answer says no: invalid_auth")
        #expect(stage.record.states.last == .backingOff)
    }
}
