import Glibc
import StreamModel
import Testing

@testable import AuditTrail

@Suite struct ReplayTests {
    private func replay(_ events: [(String, StreamEvent)], scope: AuditReplay.Scope = .sinceStart) -> AuditReplay {
        var replay = AuditReplay(scope: scope)
        let encoder = AuditLineEncoder(redact: { $0 })
        var number: UInt64 = 1
        for (stream, event) in events {
            guard let line = encoder.line(number, for: Samples.record(event, stream: stream)) else { continue }
            replay.read(line: line.bytes.dropLast(), at: "trail:\(number)")
            number += 1
        }
        return replay
    }

    private let story: [(String, StreamEvent)] = {
        let retry = Samples.attempt(reconnect: true)
        let first = Samples.attempt(reconnect: false)
        return [
            ("a", .started(lastSequence: nil)),
            ("a", .attemptFailed(first, Samples.outcome(.failure), AttemptFailure(reason: .dns))),
            ("a", .reconnected(retry, Samples.outcome(.success))),
            ("a", .live(retry, PhaseTimings(), outage: nil)),
            ("b", .started(lastSequence: nil)), ("a", .gapOpened(SequenceRange(1, 5), channel: 0)),
            ("a", .messagesLost(SequenceRange(1, 3), channel: 0, continuity: 0.5)),
            ("a", .messagesLost(SequenceRange(5, 5), channel: 0, continuity: 0.5)), ("a", Samples.loss(.heartbeat)),
            ("a", .attemptFailed(retry, Samples.outcome(.timeout), AttemptFailure(reason: .ackTimeout))),
            ("a", .reconnected(retry, Samples.outcome(.success))),
            ("a", .live(retry, PhaseTimings(), outage: .seconds(3))), ("a", .resumeSettled(.partial)),
            ("a", .sequenceReset(previousHighest: 9, baseline: 1, channel: 0)),
            ("b", .retriesExhausted(retries: 10, cause: "dns", willRearmAfter: nil)),
        ]
    }()

    private let text = """
        # TYPE holdfast_retries_total counter
        holdfast_retries_total{stream="a"} 3
        # TYPE holdfast_reconnects_total counter
        holdfast_reconnects_total{stream="a"} 1
        # TYPE holdfast_disconnects_total counter
        holdfast_disconnects_total{stream="a",reason="heartbeat"} 1
        # TYPE holdfast_connect_failures_total counter
        holdfast_connect_failures_total{stream="a",reason="ack_timeout"} 1
        holdfast_connect_failures_total{stream="a",reason="dns"} 1
        # TYPE holdfast_resumes_total counter
        holdfast_resumes_total{stream="a",outcome="partial"} 1
        # TYPE holdfast_sequence_gaps_total counter
        holdfast_sequence_gaps_total{stream="a"} 1
        # TYPE holdfast_sequence_resets_total counter
        holdfast_sequence_resets_total{stream="a"} 1
        # TYPE holdfast_messages_lost_total counter
        holdfast_messages_lost_total{stream="a"} 4
        # TYPE holdfast_retries_exhausted_total counter
        holdfast_retries_exhausted_total{stream="b"} 1

        """

    @Test func countsWhatTheMetricsCount() {
        let replay = replay(story)
        #expect(replay.text == text)
        #expect(replay.problems.isEmpty)
        #expect(replay.streams == ["a", "b"])
    }

    @Test func aStartBeginsAnewUnlessTheWholeTrailIsWanted() {
        let twice = story + story
        #expect(replay(twice).text == text)
        #expect(replay(twice, scope: .wholeTrail).counters[ReplayCounter(.lost, stream: "a")] == 8)
    }

    @Test func comparesWithAScrape() {
        let replay = replay(story)
        let scrape =
            text.replacing("stream=\"", with: "profile=\"genesys \\\"x\\\" {,}\",stream=\"") + """
                holdfast_messages_lost_total{stream="b",profile="p"} 0
                holdfast_messages_lost_total_created{stream="b"} 1.7e9
                holdfast_stream_up{stream="a"} 1
                garbage{{{
                # EOF
                """
        #expect(replay.differences(from: scrape).isEmpty)
        let other = scrape.replacing("\"heartbeat\"} 1", with: "\"heartbeat\"} 2.0 # {trace=\"x\"} 1")
            .replacing("holdfast_sequence_gaps_total", with: "other")
        #expect(
            replay.differences(from: other).map(\.description) == [
                #"holdfast_disconnects_total{stream="a",reason="heartbeat"}: the trail says 1, the scrape says 2"#,
                #"holdfast_sequence_gaps_total{stream="a"}: the trail says 1, the scrape says nothing"#,
            ])
        #expect(replay.unknownStreams(in: "holdfast_retries_total{stream=\"z\"} 1\n") == ["z"])
        #expect(replay.differences(from: "").isEmpty)
    }

    @Test func namesWhatIsMissingAndWhatIsBad() {
        var replay = AuditReplay()
        let bytes = { (number: UInt64) in Samples.line(number).bytes.dropLast() }
        for (index, number) in [UInt64(3), 4, 6, 10, 9, 1].enumerated() {
            replay.read(line: bytes(number), at: "t:\(index + 1)")
        }
        for bad in ["", "nonsense", "[1]", #"{"line":1}"#, #"{"line":-1,"event":"x","stream":""}"#] {
            replay.read(line: Array(bad.utf8)[...], at: "t:7")
        }
        replay.read(line: Array(#"{"line":2,"event":"bogus","stream":"a"}"#.utf8)[...], at: "t:8")
        replay.read(line: Array(#"{"line":2,"event":"connection_lost","stream":"a"}"#.utf8)[...], at: "t:9")
        #expect(replay.lines == 6)
        #expect(replay.badLines == 7)
        #expect(replay.missingLines == 4)
        #expect(
            replay.problems.map(\.description) == [
                "t:3: line 5 is missing", "t:4: lines 7 to 9 are missing",
                "t:5: line 9 comes after line 10: out of order, or twice", "t:6: the numbering begins anew",
                "t:7: no JSON object", "t:7: no JSON object", "t:7: no JSON object",
                "t:7: line, event or stream is missing", "t:7: line, event or stream is missing",
                "t:8: unknown event \"bogus\"", "t:9: connection_lost lacks a key that is counted by",
            ])
    }

    @Test func readsARotatedSetWithATornEnd() throws {
        let directory = try temporaryDirectory()
        defer { remove(directory) }
        let path = "\(directory)/audit.jsonl"
        try write(Samples.line(1).text, to: "\(path).2")
        try write(Samples.line(2).text + String(repeating: "x", count: (1 << 20) + 1) + "\n", to: "\(path).1")
        try write(Samples.line(3).text + Samples.line(4).text.dropLast(), to: path)
        let set = AuditReplay.rotatedSet(of: path)
        #expect(set == ["\(path).2", "\(path).1", path])
        var replay = AuditReplay()
        for file in set { try replay.read(file: file) }
        #expect(replay.lines == 3)
        #expect(
            replay.problems.map(\.description) == [
                "\(path).1:2: longer than 1048576 bytes",
                "\(path):2: torn: the line has no end, and was not counted",
            ])
        #expect(throws: AuditTrailError(description: "open /nowhere/at/all: No such file or directory")) {
            try replay.read(file: "/nowhere/at/all")
        }
    }

    @Test func theWholeWayThroughARealDisk() throws {
        let directory = try temporaryDirectory()
        defer { remove(directory) }
        var configuration = AuditTrailConfiguration()
        var file = AuditFileConfiguration(path: "\(directory)/audit.jsonl")
        file.maximumSize = 1_000
        file.synchronization = .always
        configuration.file = file
        let trail = try AuditTrail(configuration)
        #expect(throws: AuditTrailError.self) { _ = try AuditTrail(configuration) }
        for (stream, event) in story { trail.append(Samples.record(event, stream: stream)) }
        trail.reopen()
        #expect(trail.close(within: .seconds(60)))
        var replay = AuditReplay()
        let set = AuditReplay.rotatedSet(of: file.path)
        #expect(set.count > 1)
        for path in set { try replay.read(file: path) }
        #expect(replay.problems.isEmpty)
        #expect(replay.text == text)
        // Once more, with a torn end: numbers go on.
        try write("{\"timestamp\":", to: file.path, appending: true)
        let next = try AuditTrail(configuration)
        #expect(next.tornLinePath == "\(file.path).torn-\(story.count + 1)")
        next.append(Samples.record(.bufferFlushed(count: 1)))
        #expect(next.newest(1).first?.number == UInt64(story.count + 1))
        #expect(next.close(within: .seconds(60)))
    }

    // MARK: Files

    private func temporaryDirectory() throws -> String {
        var template = Array("/tmp/audit-trail-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return template.withUnsafeBufferPointer {
            String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    private func remove(_ directory: String) {
        guard let handle = opendir(directory) else { return }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(directory)/\(name)") }
        }
        closedir(handle)
        rmdir(directory)
    }

    private func write(_ text: some StringProtocol, to path: String, appending: Bool = false) throws {
        let file = try #require(fopen(path, appending ? "a" : "w"))
        fputs(String(text), file)
        fclose(file)
    }

    @Test func whatCameAfterTheScrapeIsNoDifference() {
        let lines = [
            #"{"timestamp":"2026-11-22T10:15:02.113Z","line":1,"event":"stream_started","stream":"a"}"#,
            #"{"timestamp":"2026-11-22T10:15:03.113Z","line":2,"event":"connection_lost","stream":"a","cause":"token"}"#,
            #"{"timestamp":"2026-11-22T10:15:04.113Z","line":3,"event":"connection_lost","stream":"a","cause":"token"}"#,
        ]
        let scrape = """
            holdfast_disconnects_total{stream="a",profile="p",reason="token"} 1
            holdfast_audit_last_line 2

            """
        #expect(AuditReplay.lastLine(in: scrape) == 2)
        #expect(AuditReplay.lastLine(in: "other 1\n") == nil)
        for (lastLine, count) in [(UInt64(2), 0), (.max, 1)] {
            var replay = AuditReplay(through: lastLine)
            for line in lines { replay.read(line: Array(line.utf8)[...], at: "trail") }
            #expect(replay.differences(from: scrape).count == count)
        }
    }

    @Test func lineNumbersThatLeapAreCountedWithoutOverflow() {
        var replay = AuditReplay()
        for number in ["1", "18446744073709551615", "1", "18446744073709551615", "2"] {
            let line = #"{"line":\#(number),"event":"stream_live","stream":"a"}"#
            replay.read(line: Array(line.utf8)[...], at: "trail")
        }
        #expect(replay.missingLines == .max)
        #expect(replay.lines == 5)
        #expect(replay.problemCount == 4)
    }

    @Test(arguments: ["-Inf", "+Inf", "NaN", "-1e300", "1e300", "-9223372036854775809"])
    func aScrapeMaySayWhatNoCounterCan(value: String) {
        let scrape = "holdfast_messages_lost_total{stream=\"a\"} \(value)\n"
        let differences = AuditReplay().differences(from: scrape)
        #expect(differences.count == 1)
        #expect(differences.first?.description.contains("the trail says 0, the scrape says ") == true)
    }
}
