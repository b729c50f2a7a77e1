import StreamModel
import StreamProfiles
import Testing

@Suite("Services of other makers, described in the same form")
struct OtherServiceTests {
    @Test("a greeting that names the heartbeat's interval, a session, and a resume at another address")
    func gateway() throws {
        let text = """
            variables: {intents: {type: integer, default: 513}}
            endpoint:
              url: wss://gateway.example/?v=10&encoding=json
              resume_url: "{resume_gateway_url}"
            messages:
              hello: {/op: 10}
              heartbeat_answer: {/op: 11}
              close_notice: {/op: 7}
              refusal: {/op: 9}
            capture:
              heartbeat_interval_ms: /d/heartbeat_interval
              session_id: /d/session_id
              resume_gateway_url: /d/resume_gateway_url
            open:
              send: {op: 2, d: {token: "{token}", intents: "{intents}", properties: {os: linux}}}
              acknowledged_by: {/t: READY}
            resume:
              send: {op: 6, d: {token: "{token}", session_id: "{session_id}", seq: "{last_sequence}"}}
              acknowledged_by: {/t: RESUMED}
            heartbeat:
              send: {op: 1, d: "{last_sequence}"}
              interval_from: heartbeat_interval_ms
            sequence: {at: /s}
            closes: {final: [4004, 4010, 4011], throttled: [4008]}
            """
        let (decoded, mistakes) = profile(text)
        #expect(mistakes.isEmpty)
        let profile = try #require(decoded)
        #expect(profile.awaitsHello && profile.token.isUsed)
        let matcher = profile.matcher(for: .resume)
        let hello = Array(#"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}"#.utf8)
        #expect(matcher.facts(of: hello) == MessageFacts(role: .hello))
        #expect(profile.captures(from: hello) == ["heartbeat_interval_ms": .integer(41_250)])
        let ready = Array(
            #"{"t":"READY","s":1,"op":0,"d":{"session_id":"abc","resume_gateway_url":"wss://r.example"}}"#.utf8)
        #expect(profile.matcher(for: .open).facts(of: ready) == MessageFacts(role: .acknowledgment, sequence: 1))
        var values = profile.captures(from: ready)
        values["token"] = .string("t")
        values["intents"] = .integer(513)
        values["last_sequence"] = .integer(7)
        #expect(try profile.handshake(for: .resume, variables: values).url == "wss://r.example")
        #expect(
            try profile.handshake(for: .open, variables: values).url == "wss://gateway.example/?v=10&encoding=json")
        #expect(try profile.handshake(for: .resume, variables: [:]).url == "wss://gateway.example/?v=10&encoding=json")
        #expect(
            try profile.messages(for: .resume, variables: values).map(StreamProfilesTests.text)
                == [#"{"op":6,"d":{"token":"t","session_id":"abc","seq":7}}"#])
        #expect(try profile.heartbeatMessage(variables: values).map(StreamProfilesTests.text) == #"{"op":1,"d":7}"#)
        #expect(try profile.heartbeatMessage(variables: [:]).map(StreamProfilesTests.text) == #"{"op":1,"d":null}"#)
        #expect(profile.meaning(ofClose: 4008, reason: "") == .throttled)
    }

    @Test("an address for one use, got by a request that answers 200 even to refuse")
    func oneTimeAddress() throws {
        let text = """
            prepare:
              - name: open
                method: POST
                url: https://api.example/apps.connections.open
                headers: {Authorization: "Bearer {token}"}
                require: {/ok: true}
                error: /error
                capture: {socket_url: /url}
            endpoint: {url: "{socket_url}"}
            open: {acknowledged_by: {/type: hello}}
            messages: {close_notice: {/type: disconnect, /reason: [warning, refresh_requested]}}
            identifier: /envelope_id
            lifecycle: {handover: make_before_break}
            """
        let (decoded, mistakes) = profile(text)
        #expect(mistakes.isEmpty)
        let profile = try #require(decoded)
        let request = profile.prepare[0]
        let made = try request.outcome(status: 200, body: Array(#"{"ok":true,"url":"wss://w.example/?t=1"}"#.utf8))
            .get()
        #expect(
            try profile.handshake(for: .open, variables: made.variables).url == "wss://w.example/?t=1")
        #expect(
            throws: AttemptFailureError(
                AttemptFailure(reason: .other, httpStatus: 200, detail: "open: the answer says no: invalid_auth"))
        ) {
            try request.outcome(status: 200, body: Array(#"{"ok":false,"error":"invalid_auth"}"#.utf8)).get()
        }
        #expect(
            throws: AttemptFailureError(
                AttemptFailure(
                    reason: .protocol, httpStatus: 200,
                    detail: "open: the answer has no `/url`, which `socket_url` is taken from"))
        ) {
            try request.outcome(status: 200, body: Array(#"{"ok":true}"#.utf8)).get()
        }
        for body in ["", "{", "[]", "\u{0}", "null", String(repeating: "[", count: 100_000)] {
            #expect(throws: AttemptFailureError.self) { try request.outcome(status: 200, body: Array(body.utf8)).get() }
        }
        let matcher = profile.matcher(for: .open)
        #expect(matcher.facts(of: Array(#"{"type":"disconnect","reason":"warning"}"#.utf8)).role == .closeNotice)
        #expect(matcher.facts(of: Array(#"{"type":"disconnect","reason":"link_disabled"}"#.utf8)).role == .event)
        #expect(try request.render(["token": .string("a\r\nX: b")]).headers[0].value == "Bearer a  X: b")
        #expect(throws: RenderingError.badAddress) {
            try profile.handshake(for: .open, variables: ["socket_url": .string("https://w.example")])
        }
        #expect(throws: RenderingError.missingVariable("socket_url")) {
            try profile.handshake(for: .open, variables: [:])
        }
    }

    @Test("commands that are acknowledged by the answer with their number")
    func commands() throws {
        let text = """
            variables: {debugger: {type: url, default: "http://127.0.0.1:9222"}}
            prepare:
              - {url: "{debugger}/json/version", capture: {socket: /webSocketDebuggerUrl}}
            endpoint: {url: "{socket}"}
            open:
              send:
                - {id: 1, method: Target.setDiscoverTargets, params: {discover: true}}
                - {id: 2, method: Browser.getVersion}
              acknowledged_by: {/id: 2, /result: {present: true}}
            messages: {refusal: {/error/code: {present: true}}}
            """
        let (decoded, mistakes) = profile(text)
        #expect(mistakes.isEmpty)
        let profile = try #require(decoded)
        #expect(
            try profile.messages(for: .open, variables: [:]).map(StreamProfilesTests.text) == [
                #"{"id":1,"method":"Target.setDiscoverTargets","params":{"discover":true}}"#,
                #"{"id":2,"method":"Browser.getVersion"}"#,
            ])
        let matcher = profile.matcher(for: .open)
        #expect(matcher.facts(of: Array(#"{"id":1,"result":{}}"#.utf8)).role == .event)
        #expect(matcher.facts(of: Array(#"{"id":2,"result":{}}"#.utf8)).role == .acknowledgment)
        #expect(matcher.facts(of: Array(#"{"id":2,"error":{"code":-32601}}"#.utf8)).role == .refusal)
    }

    @Test("texts with quotes, breaks and control characters stay texts in JSON")
    func escaping() throws {
        let (decoded, _) = profile(
            """
            variables: {topics: {type: strings}}
            endpoint: {url: wss://example.org}
            open: {send: {"a\\"b": "x{{{stream}}}", list: "{topics}", no: null, yes: true, n: 1.50, s: "42"}}
            """)
        let message = try #require(decoded).messages(
            for: .open, variables: ["stream": .string("\"\\\n\u{1}é😀"), "topics": .strings(["a\tb", ""])])
        #expect(
            message.map(text) == [
                #"{"a\"b":"x{\"\\\n\u0001é😀}","list":["a\tb",""],"no":null,"yes":true,"n":1.50,"s":"42"}"#
            ])
    }
}
