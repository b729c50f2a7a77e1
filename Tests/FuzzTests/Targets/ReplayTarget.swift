@testable import AuditTrail

extension FuzzTarget {
    /// An audit trail that is replayed, and behind a line `===` a scrape that it is compared with.
    static let replay = FuzzTarget(
        name: "replay", seeds: ["Fuzzing/Corpus/replay"],
        words: [
            "\"line\":", "\"event\":\"", "\"stream\":\"", "websocket_reconnection", "messages_lost", "sequence_gap",
            "stream_started",
            "connection_lost", "resume_settled", "connect_failed", "stream_live", "\"outageMs\":1", "\"count\":",
            "\"cause\":\"x\"",
            "\"status\":\"success\"", "\n", "\n===\n", "holdfast_messages_lost_total{stream=\"a\"} ", "-Inf", "NaN",
            "+Inf", "1e300",
            "18446744073709551615", "\\u0000", "\\n", "holdfast_audit_last_line ",
        ], mostBytes: 8192, shortRun: 300
    ) { input in
        let lines = input.split(separator: 0x0A, omittingEmptySubsequences: false)
        let trail = lines.prefix { $0 != Array("===".utf8)[...] }
        let scrape = Array(lines.dropFirst(trail.count + 1).joined(separator: [0x0A]))
        for scope in [AuditReplay.Scope.sinceStart, .wholeTrail] {
            var replay = AuditReplay(scope: scope)
            for (index, line) in trail.enumerated() { replay.read(line: line, at: "t:\(index + 1)") }
            try demand(
                replay.lines + replay.badLines == trail.count,
                "\(replay.lines) good and \(replay.badLines) bad lines of \(trail.count)")
            try demand(replay.problems.count <= AuditReplay.maximumProblems, "\(replay.problems.count) problems kept")
            try demand(replay.problemCount >= replay.problems.count, "problems that were not counted")
            // What it writes is what it reads: against its own figures nothing differs.
            let own = replay.differences(from: replay.text)
            try demand(own.isEmpty, "differs from itself: \(own)")
            let text = String(decoding: scrape, as: UTF8.self)
            _ = replay.differences(from: text).map(\.description)
            _ = replay.unknownStreams(in: text)
            _ = AuditReplay.lastLine(in: text)
        }
    }
}
