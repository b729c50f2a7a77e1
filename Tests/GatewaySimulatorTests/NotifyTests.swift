import Foundation
import GatewaySimulator
import Testing

@Suite(.timeLimit(.minutes(5))) struct NotifyTests {
    private let bearer = ["Authorization": "Bearer good"]
    private let subscribe = #"{"topic":"subscribe","queue":["/api/v2/conversations"]}"#

    private func subscribed(_ gateway: GatewaySimulator) async throws -> TestSocket {
        let socket = try await TestSocket.open("/public/v2", on: gateway, headers: bearer)
        try await socket.send(subscribe)
        return socket
    }

    @Test func messagesComeWithoutAcknowledgmentOrNumber() async throws {
        try await GatewaySimulator.with { gateway in
            let socket = try await subscribed(gateway)
            try await gateway.groundTruth { $0.sessions["genesys-notify/static"]?.connectTimes.count == 1 }
            try await gateway.inject(.duplicate(count: 1))
            try await gateway.emit(2)
            let texts = try await socket.texts(3)
            #expect(texts[0] == texts[1] && texts[1] != texts[2])
            #expect(texts[0].hasPrefix(#"{"topic":"/api/v2/conversations","data":{"id":"event-1","#))
            #expect(!texts[0].contains("sequence"))
        }
    }

    @Test func tokensAreAskedFor() async throws {
        try await GatewaySimulator.with { gateway in
            same(try await gateway.refusedHandshake("/public/v2").status, 401)
            same(try await gateway.refusedHandshake("/public/v2", headers: ["Authorization": "Bearer x"]).status, 401)
        }
    }

    @Test func theKnownFaultsAreThere() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.acceptThenDrop(.count(1)))
            let dropped = try await TestSocket.open("/public/v2", on: gateway, headers: bearer)
            #expect(await dropped.next() == .end)
            try await gateway.inject(.refuseToken(.count(1)), scope: FaultScope(path: "/api"))
            try await gateway.inject(.forbidden(.count(1)), scope: FaultScope(clientID: "static"))
            same(try await gateway.refusedHandshake("/public/v2", headers: bearer).status, 403)
            let socket = try await subscribed(gateway)
            try await gateway.groundTruth { $0.sessions["genesys-notify/static"]?.connectTimes.count == 1 }
            try await gateway.inject(.drop(.reset), scope: FaultScope(subscription: "/api/v2/conversations"))
            #expect(await socket.next() == .end)
        }
    }
}
