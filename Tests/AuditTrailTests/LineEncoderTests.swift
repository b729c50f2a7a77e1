import Foundation
import StreamModel
import Testing

@testable import AuditTrail

@Suite struct LineEncoderTests {
    private let head = #"{"timestamp":"2026-11-22T10:15:02.113Z","line":57,"event":"#

    private func encode(_ event: StreamEvent, redact: @escaping @Sendable (String) -> String = { $0 }) -> String? {
        AuditLineEncoder(redact: redact).line(57, for: Samples.record(event))?.text
    }

    @Test func theLineThatTeamsParseKeepsItsKeysAndTheirOrder() {
        let expected =
            head + #""websocket_reconnection","stream":"queue-events","clientId":"c-1","retryCount":2,"#
            + #""latencyMs":148,"continuityRate":0.9987,"status":"success","attempt":1,"#
            + #""attemptId":"4f1c9d2077b30a5e","after":"closed_abnormal","delayMs":2140,"lastSequence":41,"phasesMs":{"dns":1,"tcp":2.05,"ack":148}}"#
            + "\n"
        #expect(encode(.reconnected(Samples.attempt(reconnect: true), Samples.outcome(.success))) == expected)
    }

    @Test func aFailedReconnectSaysWhy() {
        let expected =
            head + #""websocket_reconnection","stream":"queue-events","clientId":"c-1","retryCount":2,"#
            + #""latencyMs":148,"continuityRate":null,"status":"failure","attempt":1,"#
            + #""attemptId":"4f1c9d2077b30a5e","cause":"closed","after":"closed_abnormal","delayMs":2140,"httpStatus":503,"closeCode":1006,"#
            + #""phasesMs":{"dns":1,"tcp":2.05,"ack":148},"detail":"went away"}"# + "\n"
        let outcome = Samples.outcome(.failure, continuity: nil, lastSequence: nil)
        #expect(encode(.attemptFailed(Samples.attempt(reconnect: true), outcome, Samples.failure)) == expected)
    }

    @Test func theFirstAttemptOfAStartIsNoReconnect() throws {
        let event = StreamEvent.attemptFailed(
            Samples.attempt(reconnect: false), Samples.outcome(.timeout), AttemptFailure(reason: .dns))
        let text = try #require(encode(event))
        #expect(text.contains(#""event":"connect_failed""#))
        #expect(text.contains(#""cause":"dns""#))
        #expect(!text.contains("retryCount") && !text.contains("delayMs") && !text.contains("after"))
    }

    @Test func whatIsNoLineTakesNoNumber() {
        for event in [StreamEvent.held, .stateChanged(.live), .heartbeatAnswered(roundTrip: .zero)] {
            #expect(encode(event) == nil)
        }
        let fact = EventRecord.Fact.credential(name: "c", stream: Samples.identity, .requestEnded(.ok))
        #expect(AuditLineEncoder(redact: { $0 }).line(1, for: EventRecord(time: Samples.time, fact: fact)) == nil)
    }

    @Test func textFromOutsideIsEscaped() throws {
        let text = "a\"b\\c\nd\re\tf\u{0}g\u{1F}h\u{7F}ü\u{2028}👩‍👩‍👧"
        let line = try #require(encode(Samples.loss(detail: text)))
        #expect(line.utf8.filter { $0 < 0x20 } == [0x0A])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["detail"] as? String == text)
    }

    @Test(arguments: 505...515)
    func detailIsCutAtACharacter(_ prefix: Int) throws {
        let text = String(repeating: "x", count: prefix) + "👩‍👩‍👧" + String(repeating: "y", count: 600)
        let line = try #require(encode(Samples.loss(detail: text)))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let detail = try #require(object["detail"] as? String)
        #expect(text.hasPrefix(detail))
        #expect(detail.utf8.count == min(prefix, 512))
    }

    @Test func oneEndlessCharacterIsCutToo() throws {
        let text = "e" + String(repeating: "\u{301}", count: 1_000)
        let line = try #require(encode(Samples.loss(detail: text)))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect((object["detail"] as? String)?.utf8.count == 511)
    }

    @Test func secretsGoBeforeTheCut() throws {
        let redact = AuditTrail.redaction { ["s3cret-token", "s3cret"] }
        let text = String(repeating: "x", count: 506) + "s3cret-token s3cret"
        let line = try #require(encode(Samples.loss(detail: text), redact: redact))
        #expect(!line.contains("s3c"))
        #expect(line.contains("xx*** **\""))
    }

    @Test func numbersAtTheirLimits() throws {
        let lost = try #require(encode(.messagesLost(SequenceRange(0, .max), channel: 0xAB, continuity: 1e-7)))
        #expect(lost.contains(#""first":0,"last":18446744073709551615,"count":18446744073709551615"#))
        #expect(lost.contains(#""continuityRate":1e-07,"channel":"00000000000000ab""#))
        let nan = try #require(encode(.messagesLost(SequenceRange(1, 1), channel: 0, continuity: .nan)))
        #expect(nan.contains(#""continuityRate":null"#))
        let negative = try #require(encode(.silenceDetected(after: .seconds(-1))))
        #expect(negative.contains(#""afterMs":0"#))
    }

    @Test func aReloadBelongsToNoStream() throws {
        let record = EventRecord(time: Samples.time, fact: .configurationReloaded(success: true, detail: ""))
        let line = AuditLineEncoder(redact: { $0 }).line(57, for: record)
        #expect(line?.text == head + #""config_reloaded","stream":"","success":true}"# + "\n")
    }

    @Test func aReasonOfFourDigitsIsACloseCode() throws {
        let rejection = CredentialEvent.Rejection(cause: .refusedToken, status: 4401, detail: "401 stale")
        let fact = EventRecord.Fact.credential(name: "genesys", stream: Samples.identity, .rejected(rejection))
        let line = AuditLineEncoder(redact: { $0 }).line(57, for: EventRecord(time: Samples.time, fact: fact))
        let expected =
            head + #""token_rejected","stream":"queue-events","credential":"genesys","cause":"refused_token","#
            + #""closeCode":4401,"detail":"401 stale"}"# + "\n"
        #expect(line?.text == expected)
    }
}
