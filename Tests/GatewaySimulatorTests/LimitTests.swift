import Foundation
import StreamModel
import Testing

@testable import GatewaySimulator

@Suite struct LimitTests {
    private func issuer(_ change: (inout GatewaySimulator.Options) -> Void = { _ in }) -> TokenIssuer {
        var options = GatewaySimulator.quiet
        change(&options)
        return TokenIssuer(options: options)
    }

    private let request = TokenIssuer.Request(clientID: "client", secret: "secret", grantType: "client_credentials")

    private func token(_ issuer: inout TokenIssuer, at now: Duration) throws -> String {
        var random = SplitMix64(seed: 1)
        let answer = issuer.answer(request, at: now, wallMilliseconds: 1_700_000_000_500, using: &random)
        guard case .issued(let token, _) = answer else {
            throw GatewaySimulatorError.wrongOptions("\(answer)")
        }
        return token
    }

    @Test func tokensExpireAndCanBeRevoked() throws {
        var issuer = issuer { $0.tokenLifetime = .seconds(10) }
        let token = try token(&issuer, at: .seconds(5))
        #expect(issuer.client(of: token, at: .seconds(14)) == "client")
        #expect(issuer.client(of: token, at: .seconds(15)) == nil)
        #expect(issuer.client(of: "good", at: .seconds(99)) == "static")
        same(issuer.revokeAll(), 2)
        #expect(issuer.client(of: "good", at: .zero) == nil)
    }

    @Test func webTokenTellsItsExpiry() throws {
        var issuer = issuer {
            $0.tokenFormat = .jwt
            $0.tokenLifetime = .seconds(60)
        }
        let parts = try token(&issuer, at: .zero).split(separator: ".")
        #expect(parts.count == 3)
        var claims = String(parts[1]).replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        claims += String(repeating: "=", count: (4 - claims.count % 4) % 4)
        let json = String(decoding: try #require(Data(base64Encoded: claims)), as: UTF8.self)
        #expect(json == #"{"sub":"client","iat":1700000000,"exp":1700000060}"#)
    }

    @Test func threeHundredRequestsAMinute() throws {
        var issuer = issuer()
        for _ in 0..<300 { _ = try token(&issuer, at: .seconds(10)) }
        var random = SplitMix64(seed: 1)
        let refused = issuer.answer(request, at: .seconds(20), wallMilliseconds: 0, using: &random)
        #expect(refused == .throttled(retryAfter: .seconds(40)))
        _ = try token(&issuer, at: .seconds(60))
    }

    @Test func twentyFirstChannelRemovesTheLeastRecentlyUsed() {
        var channels = NotificationChannels(lifetime: .seconds(86_400))
        for number in 0..<20 {
            same(channels.create(id: "c\(number)", clientID: "a", at: .seconds(number)).evicted, nil)
        }
        same(channels.create(id: "other", clientID: "b", at: .seconds(30)).evicted, nil)
        same(channels.subscribe("c0", to: ["t"], replacing: true, at: .seconds(40)), true)
        same(channels.create(id: "c20", clientID: "a", at: .seconds(50)).evicted, "c1")
        // Those with a socket go last.
        channels["c2"]?.isConnected = true
        same(channels.create(id: "c21", clientID: "a", at: .seconds(51)).evicted, "c3")
    }

    @Test func thousandTopicsAChannel() {
        var channels = NotificationChannels(lifetime: .seconds(100))
        _ = channels.create(id: "c", clientID: "a", at: .zero)
        let thousand = (0..<1_000).map { "t\($0)" }
        same(channels.subscribe("c", to: thousand, replacing: true, at: .zero), true)
        same(channels.subscribe("c", to: ["t5", "t5"], replacing: false, at: .zero), true)
        same(channels.subscribe("c", to: ["one more"], replacing: false, at: .zero), false)
        #expect(channels["c"]?.topics == thousand)
        same(channels.subscribe("c", to: ["one"], replacing: true, at: .zero), true)
        #expect(channels["c"]?.topics == ["one"])
    }

    @Test func subscriptionExtendsAChannelsLife() {
        var channels = NotificationChannels(lifetime: .seconds(100))
        _ = channels.create(id: "a", clientID: "x", at: .zero)
        _ = channels.create(id: "b", clientID: "x", at: .zero)
        same(channels.subscribe("a", to: ["t"], replacing: true, at: .seconds(50)), true)
        same(channels.removeExpired(at: .seconds(99)).isEmpty, true)
        same(channels.removeExpired(at: .seconds(100)), ["b"])
        same(channels.removeExpired(at: .seconds(150)), ["a"])
    }

    @Test func credentialsComeInTheHeaderOrTheForm() {
        let basic = "Basic " + Data("id%2F1:se:cret".utf8).base64EncodedString()
        let form = Array("grant_type=client_credentials&scope=a%3Ab+c".utf8)
        let header = TokenIssuer.Request(authorization: basic, form: form)
        #expect(header == .init(clientID: "id/1", secret: "se:cret", grantType: "client_credentials"))
        let body = Array("client_id=i&client_secret=s%2B1&grant_type=x".utf8)
        #expect(
            TokenIssuer.Request(authorization: nil, form: body) == .init(clientID: "i", secret: "s+1", grantType: "x"))
    }
}
