import Foundation
import GatewaySimulator
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct SimulatorTests {
    @Test func truthIsServedAsJSON() async throws {
        try await GatewaySimulator.with { gateway in
            _ = try await gateway.refusedHandshake("/public/v2")
            let reply = try await gateway.request("GET", "/-/truth")
            let truth = try JSONDecoder().decode(GroundTruth.self, from: Data(reply.body.utf8))
            #expect(truth.handshakes == ["401": 1])
            same(try await gateway.request("GET", "/-/nothing").status, 404)
            same(try await gateway.request("POST", "/-/truth").status, 405)
            let help = try await gateway.request("GET", "/")
            #expect(help.status == 200 && help.body.contains("http://test:1/oauth/token"))
            same(try await gateway.request("HEAD", "/").status, 200)
        }
    }

    @Test func faultsAreInjectedOverHTTP() async throws {
        let lines = NIOLockedValueBox<[String]>([])
        var options = GatewaySimulator.quiet
        options.log = { line in lines.withLockedValue { $0.append(line) } }
        try await GatewaySimulator.with(options) { gateway in
            let path = "/public/v2"
            let bearer = ["Authorization": "Bearer good"]
            let json = try await gateway.request(
                "POST", "/-/faults", body: #"{"fault": {"bad_gateway": {"times": 1}}}"#)
            #expect(json.status == 202 && json.body == #"{"fault":"bad_gateway"}"#)
            try await gateway.groundTruth { $0.faults == ["bad_gateway": 1] }
            same(try await gateway.refusedHandshake(path, headers: bearer).status, 502)
            same(try await gateway.request("POST", "/-/faults", body: "fault: forbidden").status, 202)
            try await gateway.groundTruth { $0.faults["forbidden"] == 1 }
            same(try await gateway.refusedHandshake(path, headers: bearer).status, 403)
            let wrong = try await gateway.request("POST", "/-/faults", body: "fault: forbiden")
            #expect(wrong.status == 400 && wrong.body.hasPrefix("request:1:8: ") && wrong.body.contains("`forbidden`"))
            #expect(lines.withLockedValue { $0.contains("gateway: bad_gateway lies in wait") })
        }
    }

    @Test func hostileRequestsAreRefused() async throws {
        try await GatewaySimulator.with { gateway in
            let nonsense = try await RawConnection(port: gateway.port)
            try await nonsense.write(Array("NOT HTTP AT ALL\r\n\r\n".utf8))
            same(try await nonsense.reply().status, 400)
            let large = try await RawConnection(port: gateway.port)
            let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1100000\r\n\r\n"
            try await large.write(Array(head.utf8) + [UInt8](repeating: 97, count: 1_100_000))
            same(try await large.reply().status, 413)
            let version = try await RawConnection(port: gateway.port)
            let old = "GET /public/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            try await version.write(
                Array((old + "Authorization: Bearer good\r\nSec-WebSocket-Version: 8\r\n\r\n").utf8))
            let reply = try await version.reply()
            #expect(reply.status == 426 && reply.headers["sec-websocket-version"] == "13")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.tokenDelay(.milliseconds(5), .count(1)))
            let connection = try await RawConnection(port: gateway.port)
            let requests =
                "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
            try await connection.write(Array(requests.utf8))
            same(try await connection.reply().status, 401)
            same(try await connection.reply().status, 200)
        }
    }

    @Test func takenPortAndWrongOptionsAreTold() async throws {
        try await GatewaySimulator.with { gateway in
            var options = GatewaySimulator.quiet
            options.port = gateway.port
            let error = await #expect(throws: GatewaySimulatorError.self) {
                _ = try await GatewaySimulator.start(options: options)
            }
            #expect(error?.description.contains("can't listen on 127.0.0.1 port \(gateway.port)") == true)
            options.eventRate = -1
            await #expect(throws: GatewaySimulatorError.self) { _ = try await GatewaySimulator.start(options: options) }
        }
    }

    @Test func waitingForTheTruthEnds() async throws {
        try await GatewaySimulator.with { gateway in
            await #expect(throws: GatewaySimulatorError.self) {
                try await gateway.groundTruth(timeout: .milliseconds(1)) { $0.openConnections > 0 }
            }
            #expect(gateway.tokenURL == "http://127.0.0.1:\(gateway.port)/oauth/token")
        }
    }
}
