import StreamModel
import Testing

@testable import Credentials

@Suite struct OAuthCredentialTests {
    private static let configuration = OAuthConfiguration(
        environment: "usw2.pure.cloud", clientID: "client", clientSecret: Secret("s3cret"), scope: "architect:read")
    private var credential = OAuthCredential(configuration)

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .fromSeconds(seconds) }
    private func wall(_ seconds: Double) -> WallTime { WallTime(milliseconds: Int64((1_000_000 + seconds) * 1_000)) }

    private mutating func tell(_ input: CredentialInput, _ seconds: Double) -> [CredentialOutput] {
        credential.handle(input, at: at(seconds), wall: wall(seconds))
    }

    private mutating func want(_ requester: UInt64, _ seconds: Double, notBefore: Double? = nil) -> [CredentialOutput] {
        tell(.tokenWanted(requester: requester, notBefore: notBefore.map(at)), seconds)
    }

    private func flight(_ outputs: [CredentialOutput]) throws -> UInt64 {
        try #require(
            outputs.compactMap { if case .sendRequest(let request) = $0 { request.flight } else { nil } }.first)
    }

    private func answer(_ token: String, expiresIn: Int? = 3_600) -> TokenResponse {
        let expiry = expiresIn.map { ",\"expires_in\":\($0)" } ?? ""
        return TokenResponse(
            status: 200, body: Array(#"{"access_token":"\#(token)","token_type":"bearer"\#(expiry)}"#.utf8))
    }

    private func failure(_ outputs: [CredentialOutput]) throws -> AttemptFailure {
        try #require(outputs.compactMap { if case .fail(_, let failure) = $0 { failure } else { nil } }.first)
    }

    private func token(_ outputs: [CredentialOutput]) throws -> Token {
        try #require(outputs.compactMap { if case .deliver(let token, _) = $0 { token } else { nil } }.first)
    }

    /// Has a token fetched for stream 1, at `seconds`.
    private mutating func fetch(_ name: String, _ seconds: Double, expiresIn: Int? = 3_600) throws -> Token {
        let flight = try flight(want(1, seconds, notBefore: seconds))
        return try token(tell(.responseReceived(flight: flight, answer(name, expiresIn: expiresIn)), seconds))
    }

    // MARK: The request

    @Test mutating func asksAsTheStandardSays() throws {
        let outputs = want(1, 0)
        let expected = TokenRequest(
            flight: 1, url: "https://login.usw2.pure.cloud/oauth/token",
            authorization: Secret("Basic Y2xpZW50OnMzY3JldA=="),
            body: "grant_type=client_credentials&scope=architect%3Aread", timeout: .seconds(10))
        #expect(outputs == [.sendRequest(expected)])
        #expect(!"\(outputs)".contains("Y2xp"))
        #expect(credential.nextDeadline == at(10))
    }

    @Test mutating func oneFlightForAll() throws {
        let flight = try flight(want(1, 0))
        #expect(want(2, 1).isEmpty)
        #expect(want(3, 1, notBefore: 1).isEmpty)
        #expect(want(2, 1.5).isEmpty)
        #expect(tell(.tokenUnwanted(requester: 3), 1.6).isEmpty)
        let token = Token(value: Secret("t1"), generation: 1, fetchedAt: at(2), expiry: wall(3_602))
        #expect(
            tell(.responseReceived(flight: flight, answer("t1")), 2) == [
                .event(.requestEnded(.ok), requester: 1), .event(.refreshed(expiry: wall(3_602)), requester: 1),
                .deliver(token, to: [1, 2]),
            ])
        #expect(credential.nextDeadline == nil)
        #expect(want(4, 3) == [.deliver(token, to: [4])])
    }

    @Test mutating func anAnswerOfAnEarlierFlightIsIgnored() throws {
        let first = try flight(want(1, 0))
        #expect(try failure(tell(.deadlineReached, 10)).reason == .token)
        let second = try flight(want(1, 11))
        #expect(tell(.responseReceived(flight: first, answer("late")), 12).isEmpty)
        #expect(tell(.requestFailed(flight: first, .timedOut), 12).isEmpty)
        #expect(try token(tell(.responseReceived(flight: second, answer("t")), 12)).value == Secret("t"))
        #expect(tell(.responseReceived(flight: second, answer("twice")), 12).isEmpty)
    }

    // MARK: Keeping

    @Test mutating func keepsATokenUntilShortlyBeforeItsEnd() throws {
        let token = try fetch("t1", 0)
        #expect(want(2, 3_539) == [.deliver(token, to: [2])])
        #expect(try flight(want(2, 3_540)) == 2)
    }

    @Test mutating func theTokensOwnEndCountsWhereItIsEarlier() throws {
        // {"alg":"none"} . {"exp":1000100} . ""
        let token = try fetch("eyJhbGciOiJub25lIn0.eyJleHAiOjEwMDAxMDB9.x", 0)
        #expect(token.expiry == wall(100))
        #expect(want(2, 39) == [.deliver(token, to: [2])])
        #expect(try flight(want(2, 40)) == 2)
    }

    @Test mutating func aWallClockThatIsSetBackDoesNotProlongIt() throws {
        _ = try fetch("t1", 0)
        let outputs = credential.handle(.tokenWanted(requester: 2, notBefore: nil), at: at(3_600), wall: wall(-9_999))
        #expect(try flight(outputs) == 2)
    }

    @Test mutating func aTokenWithoutAnEndIsKept() throws {
        let token = try fetch("t1", 0, expiresIn: nil)
        #expect(token.expiry == nil)
        #expect(want(2, 1e8) == [.deliver(token, to: [2])])
    }

    @Test mutating func aTokenFromBeforeTheLossIsNotGoodEnough() throws {
        let token = try fetch("t1", 10)
        #expect(want(2, 20, notBefore: 10) == [.deliver(token, to: [2])])
        #expect(try flight(want(2, 20, notBefore: 10.1)) == 2)
    }

    @Test mutating func aFleetThatWantsNewTokensGetsOldOnesBeyondTheLimit() throws {
        for index in 1...20 { _ = try fetch("t\(index)", 1 + Double(index) / 1_000) }
        let old = want(1, 1.021, notBefore: 1.021)
        #expect(try token(old).value == Secret("t20"))
        #expect(credential.nextDeadline == nil)
        #expect(try fetch("t21", 1.3).value == Secret("t21"))
        #expect(try token(want(1, 1.301, notBefore: 1.301)).value == Secret("t21"))
    }

    @Test mutating func withoutATokenTheLimitMakesThemWait() throws {
        for index in 1...20 {
            let flight = try flight(want(1, Double(index) / 1_000))
            _ = tell(.requestFailed(flight: flight, .connectionRefused), Double(index) / 1_000)
        }
        #expect(want(1, 0.021).isEmpty)
        #expect(want(2, 0.022).isEmpty)
        #expect(credential.nextDeadline == at(0.251))
        #expect(tell(.deadlineReached, 0.2).isEmpty)
        let flight = try flight(tell(.deadlineReached, 0.251))
        #expect(
            try tell(.responseReceived(flight: flight, answer("t")), 1).last
                == .deliver(
                    token([
                        .deliver(
                            Token(value: Secret("t"), generation: 1, fetchedAt: at(1), expiry: wall(3_601)), to: [])
                    ]), to: [1, 2]))
    }

    // MARK: Answers that are none

    @Test(arguments: [("7", 7.0), (nil, 5), ("soon", 5), ("0", 0), ("99999999999999999999", 3_600)])
    mutating func throttledWaitsAsAsked(_ header: String?, _ wait: Double) throws {
        let flight = try flight(want(1, 0))
        let outputs = tell(
            .responseReceived(flight: flight, TokenResponse(status: 429, retryAfter: header, body: [])), 1)
        #expect(
            outputs == [.event(.requestEnded(.throttled), requester: 1), .throttled([1], until: at(1 + wait))])
        #expect(credential.nextDeadline == at(1 + wait))
    }

    @Test mutating func throttledUntilADate() throws {
        // 1,000,000 s after the epoch is Mon, 12 Jan 1970 13:46:40 GMT.
        let response = TokenResponse(status: 429, retryAfter: "Mon, 12 Jan 1970 13:47:00 GMT", body: [])
        let outputs = tell(.responseReceived(flight: try flight(want(1, 0)), response), 2)
        #expect(outputs.last == .throttled([1], until: at(20)))
    }

    @Test mutating func threeTriesAndThenTheBackoff() throws {
        let response = TokenResponse(status: 429, retryAfter: "2", body: [])
        _ = tell(.responseReceived(flight: try flight(want(1, 0)), response), 0)
        #expect(want(2, 1) == [.throttled([2], until: at(2))])
        #expect(tell(.deadlineReached, 1.9).isEmpty)
        _ = tell(.responseReceived(flight: try flight(tell(.deadlineReached, 2)), response), 2)
        let outputs = tell(.responseReceived(flight: try flight(tell(.deadlineReached, 4)), response), 4)
        let failure = AttemptFailure(
            reason: .token, httpStatus: 429, retryAfter: .seconds(2),
            detail: "https://login.usw2.pure.cloud/oauth/token throttles: status 429 for 3 tries")
        #expect(outputs == [.event(.requestEnded(.throttled), requester: 1), .fail([1, 2], failure)])
        #expect(credential.nextDeadline == nil)
    }

    @Test mutating func nobodyWaitsNobodyAsks() throws {
        let response = TokenResponse(status: 429, retryAfter: "2", body: [])
        _ = tell(.responseReceived(flight: try flight(want(1, 0)), response), 0)
        #expect(tell(.requesterGone(requester: 1), 1).isEmpty)
        #expect(credential.nextDeadline == nil)
    }

    @Test(arguments: [400, 401])
    mutating func aRejectedClientWaitsTheLongestDelay(_ status: Int) throws {
        let body = #"{"error":"invalid_client","error_description":"no client with secret s3cret"}"#
        let outputs = tell(
            .responseReceived(flight: try flight(want(1, 0)), TokenResponse(status: status, body: Array(body.utf8))), 1)
        let words = "invalid_client: no client with secret ***"
        let failure = AttemptFailure(
            reason: .token, httpStatus: status,
            detail: "https://login.usw2.pure.cloud/oauth/token rejected the client: \(words)",
            consequence: .retryAtCap)
        #expect(
            outputs == [
                .event(.requestEnded(.rejected), requester: 1),
                .event(.rejected(.init(cause: .invalidClient, status: status, detail: words)), requester: 1),
                .fail([1], failure),
            ])
    }

    @Test(arguments: [500, 503, 302, 404, 100])
    mutating func anyOtherStatusIsAnOrdinaryFailure(_ status: Int) throws {
        let response = TokenResponse(status: status, body: Array("<html>".utf8))
        let outputs = tell(.responseReceived(flight: try flight(want(1, 0)), response), 1)
        #expect(outputs.first == .event(.requestEnded(.error), requester: 1))
        let failure = try failure(outputs)
        #expect(failure.consequence == .retry)
        #expect(failure.httpStatus == status)
        #expect(failure.detail?.hasSuffix("answered with status \(status)") == true)
    }

    @Test(arguments: [
        ("", "the answer is no JSON object"), ("[]", "the answer is no JSON object"),
        (#"{"access_token":"a"} x"#, "the answer is no JSON object"), ("{}", "the answer has no access_token"),
        (#"{"access_token":17}"#, "the answer has no access_token"),
        (#"{"access_token":""}"#, "the answer's access_token is empty"),
        (#"{"access_token":"a\r\nHost: evil"}"#, "the answer's access_token has characters that no token may have"),
        (#"{"access_token":"a","token_type":"mac"}"#, "the answer's token_type is not bearer"),
        (#"{"a":"# + String(repeating: "[", count: 100), "the answer is no JSON object"),
        (String(repeating: " ", count: 65_537), "the answer is larger than 65536 bytes"),
    ])
    mutating func garbageIsAFailureWithWords(_ body: String, _ words: String) throws {
        let response = TokenResponse(status: 200, body: Array(body.utf8))
        let failure = try failure(tell(.responseReceived(flight: try flight(want(1, 0)), response), 1))
        #expect(failure.detail == "https://login.usw2.pure.cloud/oauth/token: \(words)")
        #expect(failure.reason == .token && failure.consequence == .retry)
    }

    @Test(arguments: [
        (TokenRequestFailure.timedOut, "no answer within 10.0 seconds"), (.connectionRefused, "connection refused"),
        (.nameNotResolved, "the host's name did not resolve"), (.tls("bad certificate"), "TLS failed: bad certificate"),
    ])
    mutating func noAnswerIsAFailureWithWords(_ cause: TokenRequestFailure, _ words: String) throws {
        let outputs = tell(.requestFailed(flight: try flight(want(1, 0)), cause), 1)
        #expect(outputs.first == .event(.requestEnded(.error), requester: 1))
        #expect(try failure(outputs).detail == "https://login.usw2.pure.cloud/oauth/token: \(words)")
    }

    @Test mutating func aSilentEndpointIsGivenUp() throws {
        _ = want(1, 0)
        #expect(tell(.deadlineReached, 9.9).isEmpty)
        let outputs = tell(.deadlineReached, 10)
        #expect(outputs.first == .cancelRequest(flight: 1))
        #expect(try failure(outputs).consequence == .retry)
    }

    @Test func theEndpointIsShownWithoutWhatIsPrivate() {
        let url = "https://user:pass@host:8443/oauth/token?key=1#x"
        let configuration = OAuthConfiguration(tokenURL: url, clientID: "c", clientSecret: Secret("s"))
        #expect(configuration.shownURL == "https://host:8443/oauth/token")
        #expect(configuration.request(flight: 1).url == url)
        #expect(configuration.request(flight: 1).body == "grant_type=client_credentials")
    }

    // MARK: Refusals

    private func judgment(_ outputs: [CredentialOutput]) -> AttemptFailure.Consequence? {
        outputs.compactMap { if case .refusalJudged(_, let consequence) = $0 { consequence } else { nil } }.first
    }

    @Test mutating func aRefusedTokenIsThrownAway() throws {
        let token = try fetch("t1", 0)
        let outputs = tell(
            .tokenRefused(requester: 1, generation: token.generation, status: 401, detail: "expired"), 10)
        #expect(
            outputs == [
                .event(.rejected(.init(cause: .refusedToken, status: 401, detail: "expired")), requester: 1),
                .refusalJudged(requester: 1, .retryWithNewToken),
            ])
        #expect(try flight(want(2, 11)) == 2)
    }

    @Test mutating func theRefusalOfAnOlderTokenCostsNothing() throws {
        let first = try fetch("t1", 0)
        let second = try fetch("t2", 5)
        _ = tell(.tokenRefused(requester: 2, generation: first.generation, status: 401, detail: ""), 6)
        #expect(want(2, 7) == [.deliver(second, to: [2])])
    }

    @Test mutating func theSecondRefusalOfAFreshTokenIsTheCredentials() throws {
        let first = try fetch("t1", 0)
        #expect(
            judgment(tell(.tokenRefused(requester: 1, generation: first.generation, status: 401, detail: ""), 1))
                == .retryWithNewToken)
        let second = try fetch("t2", 2)
        let outputs = tell(.tokenRefused(requester: 1, generation: second.generation, status: 403, detail: "no"), 3)
        #expect(
            outputs == [
                .event(.rejected(.init(cause: .authRejected, status: 403, detail: "no")), requester: 1),
                .refusalJudged(requester: 1, .retryAtCap),
            ])
    }

    @Test mutating func successInBetweenMakesTheNextRefusalTheFirst() throws {
        let first = try fetch("t1", 0)
        _ = tell(.tokenRefused(requester: 1, generation: first.generation, status: 401, detail: ""), 1)
        let second = try fetch("t2", 2)
        _ = tell(.tokenAccepted(requester: 1), 3)
        #expect(
            judgment(tell(.tokenRefused(requester: 1, generation: second.generation, status: 401, detail: ""), 9_000))
                == .retryWithNewToken)
    }

    @Test mutating func streamsAreJudgedApart() throws {
        let first = try fetch("t1", 0)
        for requester in UInt64(1)...3 {
            let outputs = tell(
                .tokenRefused(requester: requester, generation: first.generation, status: 401, detail: ""), 1)
            #expect(judgment(outputs) == .retryWithNewToken)
        }
        let second = try fetch("t2", 2)
        _ = tell(.tokenAccepted(requester: 1), 3)
        #expect(
            judgment(tell(.tokenRefused(requester: 2, generation: second.generation, status: 401, detail: ""), 3))
                == .retryAtCap)
    }
}
