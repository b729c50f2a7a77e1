import Foundation
import GatewaySimulator
import Testing

@Suite(.timeLimit(.minutes(5))) struct TokenEndpointTests {
    private let form = ["Content-Type": "application/x-www-form-urlencoded"]
    private let grant = "grant_type=client_credentials&scope=architect%3Aread"

    private func basic(_ secret: String) -> [String: String] {
        form.merging(["Authorization": "Basic " + Data("client:\(secret)".utf8).base64EncodedString()]) { $1 }
    }

    @Test func rightCredentialsGetAToken() async throws {
        try await GatewaySimulator.with { gateway in
            let first = try await gateway.request("POST", "/oauth/token", headers: basic("secret"), body: grant)
            #expect(first.status == 200)
            #expect(first.headers["content-type"] == "application/json")
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let answer = try decoder.decode(Token.self, from: Data(first.body.utf8))
            #expect(answer.tokenType == "bearer" && answer.expiresIn == 86_399 && answer.accessToken.count > 20)
            let second = try await gateway.request(
                "POST", "/oauth/token", headers: form, body: grant + "&client_id=client&client_secret=secret")
            #expect(second.status == 200 && second.body != first.body)
            _ = try await TestSocket.open(
                "/api/v2/architect/websocket?access_token=\(answer.accessToken)", on: gateway)
            same(try await gateway.groundTruth().tokenRequests, ["issued": 2])
        }
    }

    private struct Token: Decodable {
        var accessToken: String
        var tokenType: String
        var expiresIn: Int
    }

    @Test func wrongCredentialsAndGrantsAreRefused() async throws {
        try await GatewaySimulator.with { gateway in
            let secret = try await gateway.request("POST", "/oauth/token", headers: basic("wrong"), body: grant)
            #expect(secret.status == 401)
            #expect(secret.body.contains(#""error":"invalid_client","error_description":""#))
            let nobody = try await gateway.request("POST", "/oauth/token", headers: form, body: grant)
            #expect(nobody.status == 401)
            let wrong = try await gateway.request(
                "POST", "/oauth/token", headers: basic("secret"), body: "grant_type=password")
            #expect(wrong.status == 400 && wrong.body.contains("unsupported_grant_type"))
            let method = try await gateway.request("GET", "/oauth/token")
            #expect(method.status == 405 && method.headers["allow"] == "POST")
        }
    }

    @Test func faultsStrikeTheEndpoint() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.inject(.tokenThrottle(retryAfter: .milliseconds(6_500), .count(1)))
            try await gateway.inject(.tokenError(status: 503, .count(1)))
            try await gateway.inject(.tokenReject(.count(1)))
            try await gateway.inject(.tokenDelay(.milliseconds(1), .count(1)))
            var statuses: [Int] = []
            for _ in 0..<4 {
                let reply = try await gateway.request("POST", "/oauth/token", headers: basic("secret"), body: grant)
                statuses.append(reply.status)
                if reply.status == 429 { #expect(reply.headers["retry-after"] == "7") }
            }
            #expect(statuses == [429, 503, 401, 200])
            same(
                try await gateway.groundTruth().tokenRequests, ["throttled": 1, "error": 1, "rejected": 1, "issued": 1])
        }
    }

    @Test func requestsAboveTheLimitAreThrottled() async throws {
        var options = GatewaySimulator.quiet
        options.tokenRequestsPerMinute = 2
        try await GatewaySimulator.with(options) { gateway in
            var statuses: [Int] = []
            for _ in 0..<3 {
                let reply = try await gateway.request("POST", "/oauth/token", headers: basic("secret"), body: grant)
                statuses.append(reply.status)
                if reply.status == 429 { #expect((1...60).contains(Int(reply.headers["retry-after"] ?? "") ?? 0)) }
            }
            #expect(statuses == [200, 200, 429])
        }
    }

    @Test func revokedTokensAreRefused() async throws {
        try await GatewaySimulator.with { gateway in
            try await gateway.revokeTokens()
            let reply = try await gateway.refusedHandshake("/api/v2/architect/websocket?access_token=good")
            #expect(reply.status == 401)
            same(try await gateway.groundTruth().tokensRevoked, 1)
        }
    }
}
