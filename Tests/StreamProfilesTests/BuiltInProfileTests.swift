import ConfigurationReader
import StreamModel
import StreamProfiles
import Testing

@Suite("The built-in profiles")
struct BuiltInProfileTests {
    private let architect: [String: VariableValue] = [
        "environment": .string("usw2.pure.cloud"), "subscriptions": .strings(["queueEvents"]),
        "state_directive": .string("preserve"), "token": .string("t/+k n"), "client_id": .string("c-1"),
        "last_sequence": .integer(41), "timestamp_ms": .integer(1_732_233_600_000),
    ]

    @Test("are sound, and can be printed")
    func sound() throws {
        #expect(ProfileCatalogue.builtIn.diagnostics.map(\.description).isEmpty)
        #expect(ProfileCatalogue.builtIn.names == ["genesys-architect", "genesys-notifications", "genesys-notify"])
        for name in ProfileCatalogue.builtIn.names {
            let profile = try builtIn(name)
            #expect(profile.token.isUsed)
            #expect(profile.text?.contains("endpoint:") == true)
        }
    }

    @Test("architect: what goes over the wire, to the letter")
    func architectWire() throws {
        let profile = try builtIn("genesys-architect")
        #expect(
            try profile.messages(for: .open, variables: architect).map(text)
                == [#"{"type":"subscribe","subscriptions":["queueEvents"],"clientId":"c-1"}"#])
        #expect(
            try profile.messages(for: .resume, variables: architect).map(text) == [
                #"{"type":"reconnect","clientId":"c-1","lastSequence":41,"subscriptions":["queueEvents"],"#
                    + #""stateDirective":"preserve","timestamp":1732233600000}"#
            ])
        let open = try profile.handshake(for: .open, variables: architect)
        #expect(open.url == "wss://api.usw2.pure.cloud/api/v2/architect/websocket?access_token=t%2F%2Bk%20n")
        let resume = try profile.handshake(for: .resume, variables: architect)
        #expect(
            resume.url
                == "wss://api.usw2.pure.cloud/api/v2/architect/websocket?access_token=t%2F%2Bk%20n&reconnect=true")
    }

    @Test("architect: an address of the configuration keeps its query")
    func architectURL() throws {
        let profile = try builtIn("genesys-architect")
        let handshake = try profile.handshake(
            for: .resume, url: "ws://127.0.0.1:9400/api/v2/architect/websocket?a=1#f", variables: architect)
        #expect(
            handshake.url
                == "ws://127.0.0.1:9400/api/v2/architect/websocket?a=1&access_token=t%2F%2Bk%20n&reconnect=true")
    }

    @Test("architect: a resume before the first number leaves it out")
    func architectWithoutNumber() throws {
        var variables = architect
        variables["last_sequence"] = nil
        let message = try builtIn("genesys-architect").messages(for: .resume, variables: variables).map(text)
        #expect(message[0].hasPrefix(#"{"type":"reconnect","clientId":"c-1","subscriptions":"#))
    }

    @Test("architect: facts, closes and policy")
    func architectFacts() throws {
        let profile = try builtIn("genesys-architect")
        let open = profile.matcher(for: .open)
        let resume = profile.matcher(for: .resume)
        let event = Array(#"{"type":"event","sequence":42,"data":{"sequence":7}}"#.utf8)
        #expect(open.facts(of: event) == MessageFacts(role: .event, sequence: 42))
        #expect(open.facts(of: Array(#"{"type":"subscriptionAck"}"#.utf8)).role == .acknowledgment)
        #expect(open.facts(of: Array(#"{"type":"reconnectAck"}"#.utf8)).role == .event)
        #expect(resume.facts(of: Array(#"{"type":"reconnectAck"}"#.utf8)).role == .acknowledgment)
        #expect(resume.facts(of: Array(#"{"type":"subscriptionAck"}"#.utf8)).role == .acknowledgment)
        #expect(profile.meaning(ofClose: 1000, reason: "") == .final)
        #expect(profile.meaning(ofClose: 1001, reason: "") == .final)
        #expect(profile.meaning(ofClose: 1006, reason: "") == .plain)
        #expect(profile.meaning(ofClose: 1011, reason: "") == .plain)
        #expect(profile.meaning(ofClose: 4401, reason: "") == .staleCredential)
        #expect(profile.meaning(ofClose: 1000, reason: "401 Unauthorized") == .staleCredential)
        let policy = profile.policyDefaults
        #expect(policy.backoff.jitter == .additive(ratio: 0.4))
        #expect(policy.backoff.base == .seconds(1) && policy.backoff.cap == .seconds(30))
        #expect(policy.backoff.maxAttempts == 10 && policy.backoff.resetAfter == .seconds(30))
        #expect(policy.rearmAfter == .zero && policy.ackTimeout == .seconds(5))
        #expect(policy.resumable && policy.renewsTokenOnReconnect)
        #expect(policy.sequence == .contiguous(startsAt: nil) && policy.acknowledgment == .message)
        #expect(policy.heartbeat == HeartbeatPolicy())
    }

    @Test("notify")
    func notify() throws {
        let profile = try builtIn("genesys-notify")
        let values = try #require(variables(of: profile, "name: x").values)
        #expect(
            try profile.messages(for: .open, variables: values).map(text)
                == [#"{"topic":"subscribe","queue":["/api/v2/conversations","/api/v2/interactions"]}"#])
        let handshake = try profile.handshake(
            for: .open, variables: values.merging(["token": .string("abc")]) { $1 })
        #expect(handshake.url == "wss://notify-eu.genesis.cloud/public/v2")
        #expect(handshake.headers == [Header(name: "Authorization", value: "Bearer abc")])
        let policy = profile.policyDefaults
        #expect(policy.acknowledgment == .firstMessageOrQuiet && policy.sequence == .none && !policy.resumable)
        #expect(policy.connectTimeout == .seconds(30) && policy.backoff.multiplier == 2)
        #expect(profile.failure(forStatus: 401).consequence == .retryWithNewToken)
        #expect(
            profile.failure(forStatus: 403)
                == AttemptFailure(
                    reason: .forbidden, httpStatus: 403, consequence: .retryWithNewToken))
        #expect(profile.failure(forStatus: 502).reason == .gatewayError)
        #expect(profile.meaning(ofClose: 1006, reason: "") == .plain)
    }

    @Test("notifications: channel, subscriptions, messages")
    func notifications() throws {
        let profile = try builtIn("genesys-notifications")
        var values = try #require(
            variables(of: profile, "{environment: mypurecloud.ie, subscriptions: [v2.users.1.presence, v2.a]}").values)
        values["token"] = .string("abc")
        let channel = try profile.prepare[0].render(values)
        #expect(channel.method == .post)
        #expect(channel.url == "https://api.mypurecloud.ie/api/v2/notifications/channels")
        #expect(channel.headers == [Header(name: "Authorization", value: "Bearer abc")])
        #expect(channel.body == nil)
        let answer = #"{"connectUri":"wss://streaming.mypurecloud.ie/channels/c%20","id":"c/1","expires":"x"}"#
        let made = try profile.prepare[0].outcome(status: 200, body: Array(answer.utf8)).get()
        #expect(
            made.variables == [
                "channel_id": .string("c/1"), "connect_uri": .string("wss://streaming.mypurecloud.ie/channels/c%20"),
            ])
        values.merge(made.variables) { $1 }
        let subscriptions = try profile.prepare[1].render(values)
        #expect(
            subscriptions.url
                == "https://api.mypurecloud.ie/api/v2/notifications/channels/c%2F1/subscriptions?ignoreErrors=true")
        #expect(subscriptions.body.map(text) == #"[{"id":"v2.users.1.presence"},{"id":"v2.a"}]"#)
        #expect(subscriptions.headers.last == Header(name: "Content-Type", value: "application/json"))
        let entities =
            #"{"entities":[{"id":"v2.users.1.presence","state":"Permitted"},"#
            + #"{"id":"v2.a","state":"Rejected","rejectionReason":"no permission"}]}"#
        let subscribed = try profile.prepare[1].outcome(status: 200, body: Array(entities.utf8)).get()
        #expect(subscribed.rejections == [.init(item: "v2.a", reason: "no permission")])
        #expect(
            try profile.handshake(for: .open, variables: values).url
                == "wss://streaming.mypurecloud.ie/channels/c%20")
        #expect(try profile.heartbeatMessage(variables: [:]).map(text) == #"{"message":"ping"}"#)
    }

    @Test("notifications: facts, statuses and policy")
    func notificationsFacts() throws {
        let profile = try builtIn("genesys-notifications")
        let matcher = profile.matcher(for: .open)
        func role(_ text: String) -> MessageFacts.Role { matcher.facts(of: Array(text.utf8)).role }
        #expect(
            role(#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#) == .heartbeat)
        #expect(role(#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#) == .heartbeatAnswer)
        #expect(role(#"{"topicName":"v2.system.socket_closing","eventBody":{}}"#) == .closeNotice)
        #expect(role(#"{"eventBody":{"systemTopicType":"token_revoked"}}"#) == .credentialNotice)
        let event = #"{"topicName":"v2.a","version":"2","eventBody":{},"metadata":{"CorrelationId":"x"}}"#
        let facts = matcher.facts(of: Array(event.utf8))
        #expect(facts.role == .event && facts.sequence == nil && facts.identifier != nil)
        let other = event.replacing("v2.a", with: "v2.b")
        #expect(matcher.facts(of: Array(other.utf8)).identifier != facts.identifier)
        #expect(matcher.facts(of: Array(#"{"topicName":"v2.a"}"#.utf8)).identifier == nil)
        let policy = profile.policyDefaults
        #expect(policy.silenceTimeout == .seconds(35) && policy.rolloverAfter == .seconds(23 * 3600))
        #expect(policy.handover == .makeBeforeBreak && policy.heartbeat.kind == .message)
        #expect(policy.sequence == .none && policy.acknowledgment == .open)
        #expect(profile.lifecycle.reconnectsPerPreparation == 10 && profile.streamsPerCredential == 20)
        #expect(profile.prepare[1].failure(404)?.consequence == .prepareAnew)
        #expect(profile.prepare[0].failure(403)?.consequence == .stop)
        #expect(profile.prepare[0].failure(401)?.consequence == .retryWithNewToken)
        let throttled = profile.prepare[0].failure(429, retryAfter: .seconds(7), #"{"message":"slow\ndown"}"#)
        #expect(
            throttled
                == AttemptFailure(
                    reason: .throttled, httpStatus: 429, retryAfter: .seconds(7),
                    detail: "channel: status 429: slow down"))
    }
}

extension PrepareRequest {
    fileprivate func failure(_ status: Int, retryAfter: Duration? = nil, _ body: String = "") -> AttemptFailure? {
        guard case .failure(let error) = outcome(status: status, retryAfter: retryAfter, body: Array(body.utf8)) else {
            return nil
        }
        return error.failure
    }
}
