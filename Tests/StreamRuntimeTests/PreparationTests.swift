import NIOCore
import StreamModel
import StreamProfiles
import Testing
import WebSocketTransport

@testable import StreamRuntime

@Suite("Prepared requests")
struct PreparationTests {
    private let channel = #"{"id":"ch1","connectUri":"wss://stream.test/channels/ch1"}"#

    private func bench(_ change: (inout StreamPolicy) -> Void = { _ in }) throws -> Bench {
        let bench = Bench()
        bench.apply(try Bench.stream(profile: "genesys-notifications", change))
        try bench.grant("t1")
        return bench
    }

    private func answer(_ bench: Bench, _ status: Int, _ body: String, retryAfter: String? = nil) throws {
        try #require(bench.network.requests.last).answer(status, body, retryAfter: retryAfter)
        bench.run()
    }

    @Test("requests are made one after the other, and what they give makes the address")
    func inOrder() throws {
        let bench = try bench()
        #expect(bench.network.requests.map(\.line).dropFirst() == ["POST /api/v2/notifications/channels"])
        let headers = try #require(bench.network.requests.last).exchange.headers
        #expect(headers.contains(HTTPHeaderField("Authorization", "Bearer t1")))
        bench.advance(.seconds(2))
        try answer(bench, 200, channel)
        let second = try #require(bench.network.requests.last)
        #expect(second.line == "PUT /api/v2/notifications/channels/ch1/subscriptions?ignoreErrors=true")
        #expect(second.body.contains(#"{"id":"v2.a"}"#))
        // All requests share one deadline.
        #expect(second.timeout == .seconds(8))
        #expect(bench.network.connections.isEmpty)
        bench.advance(.seconds(1))
        try answer(bench, 200, #"{"entities":[{"id":"v2.a","state":"Permitted"}]}"#)
        let connection = try bench.connection()
        #expect(connection.request.target.host == "stream.test")
        #expect(connection.request.target.path == "/channels/ch1")
        var phases = PhaseTimings()
        phases[.tcp] = .milliseconds(5)
        connection.open(phases)
        let hearing = try bench.hearing()
        #expect(hearing.state == .live)
        let told = hearing.events.compactMap { if case .live(_, let phases, _) = $0 { phases } else { nil } }
        #expect(told.first?[.prepare] == .seconds(3))
        #expect(told.first?[.tcp] == .milliseconds(5))
    }

    @Test(
        "what a refused request means",
        arguments: [
            (401, .refusedToken, .backingOff), (403, .forbidden, .stopped), (429, .throttled, .backingOff),
            (500, .gatewayError, .backingOff),
        ] as [(Int, ConnectFailureReason, StreamState)])
    func refused(status: Int, reason: ConnectFailureReason, state: StreamState) throws {
        let bench = try bench()
        try answer(bench, status, "")
        let hearing = try bench.hearing()
        #expect(hearing.failures.map(\.reason) == [reason])
        #expect(hearing.failures.first?.httpStatus == status)
        #expect(hearing.state == state)
        #expect(bench.network.connections.isEmpty)
    }

    @Test("a token that a prepared request refuses is thrown away")
    func refusedToken() throws {
        let bench = try bench()
        try answer(bench, 401, "")
        bench.advance(.seconds(1))
        #expect(bench.network.requests.last?.line == "POST /oauth/token")
        try bench.grant("t2")
        #expect(
            try #require(bench.network.requests.last).exchange.headers.contains(
                HTTPHeaderField("Authorization", "Bearer t2")))
    }

    @Test("a Retry-After of a prepared request is heeded")
    func retryAfter() throws {
        let bench = try bench()
        try answer(bench, 429, "", retryAfter: "90")
        #expect(try bench.hearing().failures.first?.retryAfter == .seconds(90))
        #expect(try bench.hearing().delays == [.seconds(90)])
    }

    @Test("a request that fails says which one")
    func failed() throws {
        let bench = try bench()
        try #require(bench.network.requests.last).fail(.refused)
        bench.run()
        let failure = try #require(try bench.hearing().failures.first)
        #expect(failure.reason == .refused)
        #expect(failure.detail == "channel: no answer")
    }

    @Test("an answer that comes after the attempt's end opens nothing")
    func late() throws {
        let bench = try bench {
            $0.backoff.base = .seconds(300); $0.backoff.cap = .seconds(300)
        }
        let request = try #require(bench.network.requests.last)
        bench.advance(.seconds(10))
        #expect(try bench.hearing().failures.map(\.reason) == [.timeout])
        request.answer(200, channel)
        bench.run()
        #expect(bench.network.requests.count == 2)
        #expect(bench.network.connections.isEmpty)
        #expect(try bench.hearing().state == .backingOff)
    }

    @Test("what was prepared serves the reconnects that the profile allows, and is prepared anew after that")
    func reused() throws {
        let bench = try bench()
        try answer(bench, 200, channel)
        try answer(bench, 200, "{}")
        let requests = bench.network.requests.count
        try bench.connection().open()
        try bench.connection().close(1011)
        bench.advance(.seconds(1))
        #expect(bench.network.connections.count == 2)
        #expect(bench.network.requests.count == requests)
        // The channel is gone: 404 means another one.
        try bench.connection().refuse(404)
        bench.advance(.seconds(30))
        #expect(bench.network.requests.last?.line == "POST /api/v2/notifications/channels")
        #expect(bench.network.connections.count == 2)
    }

    @Test("an answer without what it was asked for is a failure of the attempt")
    func incomplete() throws {
        let bench = try bench()
        try answer(bench, 200, "{}")
        let failure = try #require(try bench.hearing().failures.first)
        #expect(failure.detail?.contains("channel") == true)
        #expect(try bench.hearing().state == .backingOff)
    }
}
