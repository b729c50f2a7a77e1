import GatewaySimulator
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(5))) struct ArchitectTests {
    private let path = "/api/v2/architect/websocket?access_token=good"
    private let subscribe = #"{"type":"subscribe","subscriptions":["queueEvents"],"clientId":"one"}"#
    private let subscriptionAck = #"{"type":"subscriptionAck","clientId":"one"}"#
    private let reconnectAck = #"{"type":"reconnectAck","clientId":"one"}"#

    private func reconnect(_ last: Int, _ directive: String = "preserve") -> String {
        #"{"type":"reconnect","clientId":"one","lastSequence":\#(last),"subscriptions":["queueEvents"],"#
            + #""stateDirective":"\#(directive)","timestamp":1732233600000}"#
    }

    private func subscribed(_ gateway: GatewaySimulator) async throws -> TestSocket {
        let socket = try await TestSocket.open(path, on: gateway)
        try await socket.send(subscribe)
        same(try await socket.texts(1), [subscriptionAck])
        return socket
    }

    private func resumed(_ gateway: GatewaySimulator, _ last: Int, _ directive: String = "preserve") async throws
        -> TestSocket
    {
        let socket = try await TestSocket.open(path + "&reconnect=true", on: gateway)
        try await socket.send(reconnect(last, directive))
        same(try await socket.texts(1), [reconnectAck])
        return socket
    }

    /// Waits until the gateway knows that nobody is attached to the session.
    private func gone(_ gateway: GatewaySimulator, times: Int = 1) async throws {
        try await gateway.groundTruth { $0.sessions["one"]?.disconnectTimes.count == times }
    }

    @Test func subscriptionEventsResumeAndReplay() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await subscribed(gateway)
            same(try await gateway.emit(3), 3)
            same(try await first.sequences(3), [1, 2, 3])
            try await first.close()
            try await gone(gateway)
            try await gateway.emit(2)
            let second = try await resumed(gateway, 3)
            same(try await second.sequences(2), [4, 5])
            try await gateway.emit(1)
            same(try await second.sequences(1), [6])
            let truth = try #require(try await gateway.groundTruth().sessions["one"])
            #expect(truth.eventsGenerated == 6 && truth.eventsDelivered == 6 && truth.replayed == 2)
            #expect(truth.reconnectPayloads == [reconnect(3)] && truth.acksSent == 2)
            #expect(truth.connectTimes.count == 2 && truth.connectTimes[0] <= truth.connectTimes[1])
        }
    }

    @Test func resetStartsNumberingAnew() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await subscribed(gateway)
            try await gateway.emit(3)
            try await first.close()
            try await gone(gateway)
            let second = try await resumed(gateway, 3, "reset")
            try await gateway.emit(1)
            same(try await second.sequences(1), [1])
        }
    }

    @Test func whatComesWithTheHandshakeIsNotLost() async throws {
        try await GatewaySimulator.with { gateway in
            let socket = try await TestSocket.open(path, on: gateway, early: subscribe)
            same(try await socket.texts(1), [subscriptionAck])
        }
    }

    @Test func badTokensAreRefused() async throws {
        try await GatewaySimulator.with { gateway in
            for path in ["/api/v2/architect/websocket", "/api/v2/architect/websocket?access_token=bad"] {
                same(try await gateway.refusedHandshake(path).status, 401)
            }
            same(try await gateway.groundTruth().handshakes, ["401": 2])
            same(try await gateway.request("GET", path).status, 426)
        }
    }

    @Test func wrongMessagesAreAnswered() async throws {
        try await GatewaySimulator.with { gateway in
            let socket = try await TestSocket.open(path, on: gateway)
            for text in ["nonsense", #"{"type":"dance"}"#, #"{"type":"subscribe","clientId":"one"}"#] {
                try await socket.send(text)
                #expect(try await socket.texts(1)[0].hasPrefix(#"{"type":"error","message":""#))
            }
            try await socket.ping()
            #expect(await socket.next() == .pong)
        }
    }

    @Test func newConnectionTakesTheSessionOver() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await subscribed(gateway)
            let second = try await resumed(gateway, 0)
            guard case .close(1_008, _) = await first.next() else { throw CancellationError() }
            try await gateway.emit(1)
            same(try await second.sequences(1), [1])
        }
    }

    // MARK: Faults at once

    @Test(arguments: Fault.Ending.allCases) func dropHasNoCloseFrame(ending: Fault.Ending) async throws {
        try await GatewaySimulator.with { gateway in
            let socket = try await subscribed(gateway)
            try await gateway.inject(.drop(ending))
            #expect(await socket.next() == .end)
            same(try await gateway.groundTruth().faults, ["drop": 1])
        }
    }

    @Test func closesCarryTheirCode() async throws {
        try await GatewaySimulator.with { gateway in
            let faults: [(Fault, TestFrame)] = [
                (.close(code: 1_011, reason: "oops"), .close(code: 1_011, reason: "oops")),
                (.staleTokenClose(.code), .close(code: 4_401, reason: "token expired")),
                (.staleTokenClose(.reason), .close(code: 1_008, reason: "401 token expired")),
            ]
            for (fault, frame) in faults {
                let socket = try await subscribed(gateway)
                try await gateway.inject(fault)
                #expect(await socket.next() == frame)
            }
        }
    }

    @Test func numbersAreShapedAsInjected() async throws {
        try await GatewaySimulator.with { gateway in
            let socket = try await subscribed(gateway)
            try await gateway.inject(.gap(count: 2))
            try await gateway.inject(.duplicate(count: 1))
            try await gateway.emit(2)
            try await gateway.inject(.reorder(distance: 1, count: 1))
            try await gateway.emit(3)
            try await gateway.inject(.numberReset)
            try await gateway.emit(2)
            same(try await socket.sequences(8), [3, 3, 4, 6, 5, 7, 1, 2])
        }
    }

    @Test func garbageBreaksTheProtocol() async throws {
        try await GatewaySimulator.with { gateway in
            for _ in 0..<6 {
                let socket = try await subscribed(gateway)
                try await gateway.inject(.garbage(count: 1))
                guard case .violation = await socket.next() else {
                    Issue.record("that was no garbage")
                    continue
                }
            }
        }
    }

    @Test func halfOpenIsSilentUntilSomebodyElseResumes() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await subscribed(gateway)
            try await gateway.inject(.halfOpen(for: .seconds(3_600)))
            try await first.ping()
            try await gateway.groundTruth { $0.sessions["one"]?.pings == 1 }
            try await gateway.emit(2)
            let second = try await resumed(gateway, 0)
            same(try await second.sequences(2), [1, 2])
            // Nothing came on the silent one: what it gives next is its end.
            try await first.connection.channel.close()
            #expect(await first.next() == .end)
        }
    }

    @Test func silenceThatEndsGivesWhatCameMeanwhile() async throws {
        try await GatewaySimulator.with { gateway in
            let socket = try await subscribed(gateway)
            try await gateway.inject(.halfOpen(for: .milliseconds(20)))
            try await gateway.emit(2)
            same(try await socket.sequences(2), [1, 2])
        }
    }

    // MARK: Faults that lie in wait

    @Test func handshakesAreRefused() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.refuseToken(.count(2)))
            try await gateway.inject(.forbidden(.count(1)))
            try await gateway.inject(.throttle(retryAfter: .seconds(9), .count(1)))
            try await gateway.inject(.badGateway(.count(1)))
            var statuses: [Int] = []
            for _ in 0..<5 {
                let reply = try await gateway.refusedHandshake(path)
                statuses.append(reply.status)
                if reply.status == 429 { #expect(reply.headers["retry-after"] == "9") }
            }
            #expect(statuses == [401, 401, 403, 429, 502])
            try await gateway.inject(.slowHandshake(.milliseconds(1), .count(1)))
            _ = try await subscribed(gateway)
            same(try await gateway.groundTruth().handshakes, ["401": 2, "403": 1, "429": 1, "502": 1, "accepted": 1])
        }
    }

    @Test func acknowledgmentsAreWithheldOrLate() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.noAcknowledgment(.count(1)))
            let first = try await TestSocket.open(path, on: gateway)
            try await first.send(subscribe)
            try await gateway.groundTruth { $0.sessions["one"]?.acksWithheld == 1 }
            try await gateway.emit(1)
            try await gateway.inject(.lateAcknowledgment(after: .milliseconds(1), .count(1)))
            let second = try await resumed(gateway, 0)
            same(try await second.sequences(1), [1])
            same(try await gateway.groundTruth().sessions["one"]?.acksSent, 1)
        }
    }

    @Test func oldMessagesComeBeforeTheAcknowledgment() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await subscribed(gateway)
            try await gateway.emit(4)
            try await first.close()
            try await gone(gateway)
            try await gateway.inject(.flush(count: 2, .count(1)))
            let second = try await TestSocket.open(path, on: gateway)
            try await second.send(reconnect(4))
            same(try await second.sequences(2), [3, 4])
            same(try await second.texts(1), [reconnectAck])
            same(try await gateway.groundTruth().sessions["one"]?.flushed, 2)
        }
    }

    @Test func replayIsRefusedOrCutShort() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await subscribed(gateway)
            try await first.close()
            try await gone(gateway)
            try await gateway.emit(5)
            try await gateway.inject(.partialReplay(keep: 2, .count(1)))
            let second = try await resumed(gateway, 0)
            same(try await second.sequences(2), [4, 5])
            try await gateway.inject(.refuseReplay(.count(1)))
            let third = try await resumed(gateway, 0)
            try await gateway.emit(1)
            same(try await third.sequences(1), [6])
            same(try await gateway.groundTruth().sessions["one"]?.replayWithheld, 3 + 5)
        }
    }

    @Test func acceptedAndDropped() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.acceptThenDrop(.count(1)))
            let socket = try await TestSocket.open(path, on: gateway)
            #expect(await socket.next() == .end)
        }
    }

    // MARK: Scripts

    @Test func scriptStrikesOnConnectAndOnMessage() async throws {
        var options = GatewaySimulator.quiet
        options.script = FaultScript(steps: [
            FaultStep(.connect(1), .badGateway(.count(1))),
            FaultStep(.connect(2), .gap(count: 10)),
            FaultStep(.message(2), .duplicate(count: 1)),
            FaultStep(.message(3), .drop(.finish), scope: FaultScope(clientID: "one")),
            FaultStep(.message(1), .drop(.finish), scope: FaultScope(clientID: "two")),
        ])
        try await GatewaySimulator.with(options) { gateway in
            same(try await gateway.refusedHandshake(path).status, 502)
            let socket = try await subscribed(gateway)
            try await gateway.emit(3)
            same(try await socket.sequences(4), [11, 12, 12, 13])
            #expect(await socket.next() == .end)
            let truth = try await gateway.groundTruth()
            #expect(truth.faultLog.map(\.fault) == ["bad_gateway", "gap", "duplicate", "drop"])
        }
    }

    @Test func eventsFlowByThemselvesAlsoWhileTheClientIsAway() async throws {
        var options = GatewaySimulator.quiet
        options.eventRate = 500
        // However long the client stays away on a busy machine.
        options.replayBuffer = 1_000_000
        try await GatewaySimulator.with(options) { gateway in
            let first = try await subscribed(gateway)
            same(try await first.sequences(5), [1, 2, 3, 4, 5])
            try await gateway.inject(.drop(.finish))
            let truth = try await gateway.groundTruth { truth in
                (truth.sessions["one"]?.eventsGenerated ?? 0) > (truth.sessions["one"]?.eventsDelivered ?? 0) + 5
            }
            let missed = try #require(truth.sessions["one"]).eventsDelivered
            let second = try await resumed(gateway, missed)
            same(try await second.sequences(5), Array(missed + 1...missed + 5))
        }
    }
}
