import Credentials
import NIOCore
import StreamModel
import Testing
import WebSocketTransport

@testable import StreamRuntime

@Suite("Tokens of streams")
struct TokenTests {
    @Test("several streams share one request and one token")
    func singleFlight() throws {
        let bench = Bench()
        bench.apply(try Bench.stream("a"), try Bench.stream("b"), try Bench.stream("c"))
        #expect(bench.network.requests.map(\.line) == ["POST /oauth/token"])
        #expect(bench.network.connections.isEmpty)
        try bench.grant("t1")
        #expect(bench.network.connections.count == 3)
        #expect(bench.network.connections.allSatisfy { $0.request.target.query?.contains("access_token=t1") == true })
        #expect(bench.network.connections.allSatisfy { $0.isStarted })
        #expect(bench.tokens == ["t1"])
        // The event is told once, through the stream that asked.
        let told = bench.hearings.values.flatMap { $0 }.flatMap(\.credentialEvents)
        #expect(told.filter { $0 == .requestEnded(.ok) }.count == 1)
    }

    @Test("a reconnect takes a token that was fetched after the loss")
    func renewedOnReconnect() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        bench.advance(.seconds(20))
        connection.close(1011)
        #expect(bench.network.requests.count == 1)
        bench.advance(.seconds(1))
        // The cached token has most of an hour left, and is not good enough.
        #expect(bench.network.requests.count == 2)
        try bench.grant("t2")
        #expect(bench.network.newest?.request.target.query?.contains("access_token=t2") == true)
        #expect(hearing.losses.map(\.reason) == [.closedAbnormal])
    }

    @Test("a token fetched after the loss serves the attempts that follow")
    func keptBetweenAttempts() throws {
        let bench = Bench()
        let (connection, _) = try bench.live()
        bench.advance(.seconds(5))
        connection.close(1011)
        bench.advance(.seconds(1))
        try bench.grant("t2")
        try bench.connection().fail(.refused)
        bench.advance(.seconds(2))
        #expect(bench.network.requests.count == 2)
        #expect(bench.network.connections.count == 3)
        #expect(bench.network.newest?.request.target.query?.contains("access_token=t2") == true)
    }

    @Test("a token that a handshake refuses is thrown away and fetched anew")
    func refusedAtHandshake() throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        try bench.connection().refuse(401)
        let hearing = try bench.hearing()
        #expect(hearing.failures.map(\.reason) == [.refusedToken])
        bench.advance(.seconds(1))
        #expect(bench.network.requests.count == 2)
        try bench.grant("t2")
        #expect(bench.network.newest?.request.target.query?.contains("access_token=t2") == true)
    }

    @Test("a token that a close frame calls stale is thrown away, too")
    func refusedByClose() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        connection.close(4401, "401")
        bench.run()
        #expect(hearing.losses.map(\.reason) == [.token])
        #expect(
            hearing.credentialEvents.contains {
                if case .rejected(let rejection) = $0 { rejection.status == 4401 } else { false }
            })
    }

    @Test("an endpoint that throttles extends the wait for the token")
    func throttled() throws {
        let bench = Bench()
        bench.apply(try Bench.stream { $0.tokenTimeout = .seconds(30) })
        try #require(bench.network.requests.last).answer(429, retryAfter: "50")
        bench.advance(.seconds(49))
        let hearing = try bench.hearing()
        #expect(hearing.state == .authenticating)
        #expect(hearing.failures.isEmpty)
        bench.advance(.seconds(2))
        #expect(bench.network.requests.count == 2)
        try bench.grant("t1")
        #expect(bench.network.connections.count == 1)
        #expect(hearing.credentialEvents.contains(.requestEnded(.throttled)))
    }

    @Test("an endpoint that never answers fails the attempt, and its late answer opens nothing")
    func unanswered() throws {
        let bench = Bench()
        bench.apply(
            try Bench.stream {
                $0.backoff.base = .seconds(300); $0.backoff.cap = .seconds(300)
            })
        let request = try #require(bench.network.requests.first)
        #expect(request.timeout == .seconds(10))
        bench.advance(.seconds(11))
        let hearing = try bench.hearing()
        #expect(hearing.failures.map(\.reason) == [.token])
        #expect(hearing.state == .backingOff)
        request.grant("late")
        bench.run()
        #expect(bench.network.connections.isEmpty)
        #expect(hearing.state == .backingOff)
    }

    @Test(
        "how a request for a token fails",
        arguments: [
            (.dns, "did not resolve"), (.refused, "connection refused"), (.timeout(.tcp), "no answer within"),
            (.tls, "TLS failed"), (.closed, "no answer"),
        ] as [(DialFailure.Kind, String)])
    func requestFailures(kind: DialFailure.Kind, words: String) throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try #require(bench.network.requests.first).fail(kind)
        bench.run()
        let failure = try #require(try bench.hearing().failures.first)
        #expect(failure.reason == .token)
        #expect(failure.detail?.contains(words) == true)
    }

    @Test("a client that the endpoint rejects waits the longest delay")
    func rejectedClient() throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try #require(bench.network.requests.first).answer(401, #"{"error":"invalid_client"}"#)
        bench.run()
        #expect(try bench.hearing().delays == [.seconds(30)])
    }

    @Test("a stream without a credential asks for none")
    func none() throws {
        let bench = Bench()
        bench.apply(try Bench.stream(credential: nil))
        #expect(bench.network.requests.isEmpty)
        #expect(bench.network.connections.count == 1)
    }

    @Test("a stream that goes while it waits leaves the flight to the others")
    func leaves() throws {
        let bench = Bench()
        bench.apply(try Bench.stream("a"), try Bench.stream("b"))
        bench.apply(try Bench.stream("b"))
        #expect(bench.removed == ["a"])
        try bench.grant("t1")
        #expect(bench.network.connections.count == 1)
        #expect(bench.network.requests.count == 1)
    }
}
