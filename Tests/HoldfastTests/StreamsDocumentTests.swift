import Foundation
import StreamModel
import Testing

@testable import Holdfast

@Suite struct StreamsDocumentTests {
    private static let start = WallTime(milliseconds: 1_795_342_502_113)

    private static func line(
        _ name: String = "queue-events", isSequenced: Bool = true, _ change: (inout StreamStatus) -> Void = { _ in }
    ) -> StreamBoard.Line {
        let identity = StreamIdentity(
            name: name, profile: "genesys-architect", clientID: "c-1",
            labels: [.init(name: "team", value: "i\"v\\r\u{1}\n")])
        var status = StreamStatus(identity, isSequenced: isSequenced, at: start)
        status.note(.started(lastSequence: nil), at: Instant(nanoseconds: 0), wall: start)
        change(&status)
        return StreamBoard.Line(status: status, history: StreamHistory())
    }

    private static func parsed(_ lines: [StreamBoard.Line], withHistory: Bool = false) throws -> [[String: Any]] {
        let bytes = StreamsDocument.render(
            lines, withHistory: withHistory, at: Instant(nanoseconds: 10_000_000_000), wall: start)
        let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        #expect(object?["time"] as? String == "2026-11-22T10:15:02.113Z")
        return try #require(object?["streams"] as? [[String: Any]])
    }

    @Test func everythingThatIsKnownIsThere() throws {
        let attempt = StreamEvent.Attempt(
            generation: 2, number: 1, retryCount: 1, isReconnect: true, isResume: true, delay: .zero, cause: "")
        var phases = PhaseTimings()
        phases[.tcp] = .milliseconds(12)
        let line = Self.line { [phases] status in
            let failure = AttemptFailure(reason: .gatewayError, detail: "token=SECRET")
            let outcome = StreamEvent.AttemptOutcome(
                status: .failure, latency: .zero, phases: PhaseTimings(), continuity: 1, lastSequence: nil)
            let events: [StreamEvent] = [
                .stateChanged(.live),
                .connectionLost(
                    .init(
                        generation: 1, reason: .heartbeat, closeCode: 1006, detail: "SECRET", liveFor: .zero,
                        lastSequence: nil)),
                .stateChanged(.backingOff), .attemptStarted(attempt), .attemptFailed(attempt, outcome, failure),
                .live(attempt, phases, outage: .milliseconds(2_500)), .stateChanged(.live),
            ]
            for event in events {
                status.note(
                    event, at: Instant(nanoseconds: 5_000_000_000), wall: Self.start,
                    redact: { $0.replacing("SECRET", with: "***") })
            }
            status.tallies.received = 10
            status.tallies.unique = 9
            status.tallies.lost = 1
        }
        let stream = try #require(try Self.parsed([line]).first)
        #expect(stream["stream"] as? String == "queue-events")
        #expect(stream["labels"] as? [String: String] == ["team": "i\"v\\r\u{1}\n"])
        #expect(stream["state"] as? String == "live")
        #expect(stream["continuity"] as? Double == 0.9)
        #expect(stream["coverage"] as? Double == 0.5)
        #expect(stream["expected"] as? Int == 10)
        #expect(stream["retryCount"] as? Int == 1)
        #expect(stream["reconnects"] as? Int == 1)
        let outage = try #require(stream["lastOutage"] as? [String: Any])
        #expect(outage["cause"] as? String == "heartbeat")
        #expect(outage["detail"] as? String == "***")
        #expect(outage["durationSeconds"] as? Double == 2.5)
        let failure = try #require(stream["lastFailure"] as? [String: Any])
        #expect(failure["detail"] as? String == "token=***")
        #expect(stream["phasesSeconds"] as? [String: Double] == ["tcp": 0.012])
        #expect(stream["lastHour"] == nil)
    }

    @Test func whatIsNotKnownIsLeftOut() throws {
        let stream = try #require(try Self.parsed([Self.line(isSequenced: false)]).first)
        for key in ["continuity", "lastOutage", "lastFailure", "phasesSeconds", "lastSequence", "nextAttemptAt"] {
            #expect(stream[key] == nil, "\(key)")
        }
        #expect(try Self.parsed([]).isEmpty)
    }

    @Test func theLastHourOnRequest() throws {
        var line = Self.line { status in
            status.tallies.received = 5
            status.tallies.unique = 995
            status.tallies.lost = 5
        }
        var history = StreamHistory()
        history.endMinute(line.status, at: Instant(nanoseconds: 5_000_000_000))
        line = StreamBoard.Line(status: line.status, history: history)
        let stream = try #require(try Self.parsed([line], withHistory: true).first)
        let hour = try #require(stream["lastHour"] as? [String: Any])
        #expect(hour["received"] as? [Int] == [5, 0])
        let continuity = try #require(hour["continuity"] as? [Any])
        #expect(continuity.first as? Double == 0.995 && continuity.last is NSNull)
        #expect(hour["intervalSeconds"] as? Int == 60)
    }

    @Test func hostileTextsStayTexts() throws {
        let names = ["</script>", "\u{202E}x", "👩‍👩‍👧", "\u{0}\u{1F}\u{7F}", "\\u0041", "é\u{301}"]
        #expect(try Self.parsed(names.map { Self.line($0) }).map { $0["stream"] as? String } == names)
    }

    @Test func aWordFromOutsideIsBounded() throws {
        let line = Self.line { status in
            status.note(
                .connectionLost(
                    .init(
                        generation: 1, reason: .protocol, closeCode: nil, detail: String(repeating: "x", count: 9_999),
                        liveFor: .zero, lastSequence: nil)), at: Instant(nanoseconds: 1), wall: Self.start)
        }
        #expect(line.status.outage?.detail.count == 512)
    }
}
