import Foundation
import GatewaySimulator
import Testing

@Suite(.timeLimit(.minutes(5))) struct NotificationsTests {
    private let base = "/api/v2/notifications/channels"
    private let bearer = ["Authorization": "Bearer good", "Content-Type": "application/json"]

    private struct Channel: Decodable {
        var connectUri: String
        var id: String
        var expires: String
    }

    private struct Topics: Decodable {
        struct Topic: Decodable, Equatable {
            var id: String
            var state: String?
            var rejectionReason: String?
        }
        var entities: [Topic]
    }

    private func create(_ gateway: GatewaySimulator) async throws -> Channel {
        let reply = try await gateway.request("POST", base, headers: bearer)
        try #require(reply.status == 200, "\(reply)")
        return try JSONDecoder().decode(Channel.self, from: Data(reply.body.utf8))
    }

    private func put(_ gateway: GatewaySimulator, _ id: String, _ topics: [String], query: String = "") async throws
        -> HTTPReply
    {
        let body = "[" + topics.map { "{\"id\":\"\($0)\"}" }.joined(separator: ",") + "]"
        return try await gateway.request("PUT", "\(base)/\(id)/subscriptions\(query)", headers: bearer, body: body)
    }

    private func open(_ gateway: GatewaySimulator, _ channel: Channel) async throws -> TestSocket {
        let socket = try await TestSocket.open("/channels/" + channel.id, on: gateway)
        try await gateway.groundTruth {
            $0.openConnections > 0 && $0.sessions[channel.id]?.connectTimes.isEmpty == false
        }
        return socket
    }

    @Test func channelSubscriptionAndEvents() async throws {
        try await GatewaySimulator.with { gateway in
            let channel = try await create(gateway)
            #expect(channel.connectUri == "ws://test:1/channels/\(channel.id)")
            #expect(channel.expires.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
            same(try await put(gateway, channel.id, ["v2.users.1.presence"]).status, 200)
            let socket = try await open(gateway, channel)
            try await gateway.emit(1)
            let text = try await socket.texts(1)[0]
            #expect(text.hasPrefix(#"{"topicName":"v2.users.1.presence","version":"2","eventBody":{"#))
            #expect(text.hasSuffix(#""metadata":{"CorrelationId":"static-1"}}"#))
            try await socket.send(#"{"message":"ping"}"#)
            same(try await socket.texts(1), [#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#])
        }
    }

    @Test func subscriptionsAreAResource() async throws {
        try await GatewaySimulator.with { gateway in
            let id = try await create(gateway).id
            func topics() async throws -> [String] {
                let reply = try await gateway.request("GET", "\(base)/\(id)/subscriptions", headers: bearer)
                return try JSONDecoder().decode(Topics.self, from: Data(reply.body.utf8)).entities.map(\.id)
            }
            _ = try await put(gateway, id, ["a", "b"])
            same(try await topics(), ["a", "b"])
            _ = try await gateway.request(
                "POST", "\(base)/\(id)/subscriptions", headers: bearer, body: #"[{"id":"c"}]"#)
            same(try await topics(), ["a", "b", "c"])
            _ = try await put(gateway, id, ["d"])
            same(try await topics(), ["d"])
            same(try await gateway.request("DELETE", "\(base)/\(id)/subscriptions", headers: bearer).status, 204)
            same(try await topics(), [])
            same(try await gateway.request("HEAD", "\(base)/\(id)", headers: bearer).status, 200)
            same(try await gateway.request("HEAD", "\(base)/nothing", headers: bearer).status, 404)
            same(
                try await gateway.request("PUT", "\(base)/\(id)/subscriptions", headers: bearer, body: "{").status, 400)
            same(try await gateway.request("PATCH", base, headers: bearer).status, 405)
            same(try await gateway.request("POST", base).status, 401)
        }
    }

    @Test func topicsWithoutPermission() async throws {
        var options = GatewaySimulator.quiet
        options.forbiddenTopicPrefixes = ["v2.secret"]
        try await GatewaySimulator.with(options) { gateway in
            let id = try await create(gateway).id
            same(try await put(gateway, id, ["v2.fine", "v2.secret.1"]).status, 403)
            let reply = try await put(gateway, id, ["v2.fine", "v2.secret.1"], query: "?ignoreErrors=true")
            let topics = try JSONDecoder().decode(Topics.self, from: Data(reply.body.utf8)).entities
            #expect(topics.map(\.state) == ["Permitted", "Rejected"])
            #expect(topics[1].rejectionReason != nil)
        }
    }

    @Test func limitsOfChannelsTopicsAndRequests() async throws {
        var options = GatewaySimulator.quiet
        options.apiRequestsPerMinute = 23
        try await GatewaySimulator.with(options) { gateway in
            let first = try await create(gateway)
            for _ in 0..<20 { _ = try await create(gateway) }
            same(try await gateway.request("HEAD", "\(base)/\(first.id)", headers: bearer).status, 404)
            same(try await gateway.refusedHandshake("/channels/" + first.id).status, 404)
            let many = try await put(gateway, try await create(gateway).id, (0...1_000).map { "t\($0)" })
            #expect(many.status == 429 && many.headers["inin-ratelimit-allowed"] == "23")
            #expect(many.headers["retry-after"] != nil && many.body.contains("too.many.requests"))
            let truth = try await gateway.groundTruth()
            #expect(truth.channelsCreated == 22 && truth.channelsEvicted == 2)
        }
    }

    @Test func secondSocketDisconnectsTheFirst() async throws {
        try await GatewaySimulator.with { gateway in
            let channel = try await create(gateway)
            let first = try await open(gateway, channel)
            _ = try await TestSocket.open("/channels/" + channel.id, on: gateway)
            guard case .close = await first.next() else { throw CancellationError() }
        }
    }

    @Test func subscriptionOverTheSocket() async throws {
        try await GatewaySimulator.with { gateway in
            let channel = try await create(gateway)
            let socket = try await open(gateway, channel)
            try await socket.send(#"{"message":"subscribe","topics":["a"],"correlationId":"7"}"#)
            same(try await socket.texts(1), [#"{"result":"200","status":"subscribed","correlationId":"7"}"#])
            try await socket.send(#"{"message":"subscribe","topics":[]}"#)
            #expect(try await socket.texts(1)[0].hasPrefix(#"{"result":"400""#))
        }
    }

    @Test func heartbeats() async throws {
        var options = GatewaySimulator.quiet
        options.heartbeatInterval = .milliseconds(20)
        try await GatewaySimulator.with(options) { gateway in
            let socket = try await open(gateway, try await create(gateway))
            let heartbeat = #"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#
            same(try await socket.texts(2), [heartbeat, heartbeat])
        }
    }

    @Test func theNoticeAndTheEndOfAChannel() async throws {
        var options = GatewaySimulator.quiet
        // The notice is due from the start, so that a slow machine can't miss it.
        options.channelLifetime = .seconds(4)
        options.closingNoticeLead = .seconds(4)
        try await GatewaySimulator.with(options) { gateway in
            let socket = try await open(gateway, try await create(gateway))
            let text = try await socket.texts(1)[0]
            #expect(text.contains("v2.system.socket_closing"))
            #expect(await socket.next() == .close(code: 1_001, reason: "the channel has expired"))
        }
    }

    @Test func handoverGivesTheSameIdentifiersAndLossIsForGood() async throws {
        try await GatewaySimulator.with { gateway in
            let old = try await create(gateway)
            let new = try await create(gateway)
            _ = try await put(gateway, old.id, ["a"])
            _ = try await put(gateway, new.id, ["a"])
            let first = try await open(gateway, old)
            try await gateway.emit(2)
            let second = try await open(gateway, new)
            try await gateway.emit(1)
            let both = (try await first.texts(3)[2], try await second.texts(1)[0])
            #expect(both.0 == both.1)
            #expect(both.0.contains(#""CorrelationId":"static-3""#))
            let truth = try await gateway.groundTruth()
            #expect(truth.sessions[new.id]?.eventsGenerated == 3 && truth.sessions[new.id]?.eventsDelivered == 1)
            #expect(truth.sessions["genesys-notifications/static"]?.eventsDelivered == 3)
        }
    }

    @Test func faultsStrikeTheAPIAndTheSocket() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.badGateway(.count(1)))
            same(try await gateway.request("POST", base, headers: bearer).status, 502)
            let socket = try await open(gateway, try await create(gateway))
            try await gateway.inject(.closingNotice(lead: .milliseconds(1)))
            #expect(try await socket.texts(1)[0].contains("v2.system.socket_closing"))
            #expect(await socket.next() == .close(code: 1_001, reason: "planned close"))
        }
    }
}
