/// What must come of a scripted day, for one stream: told each fact by the script, it keeps the counters and the lines
/// of the audit trail as the definitions say. As plain as can be: sets of numbers, no ranges, no clock.
final class DayModel {
    /// A line that the audit trail must have: its event, and the keys that it must have with these values. A nil
    /// value: the key must not be there.
    struct Line {
        var event: String
        var keys: [String: JSON?]
    }

    static let anyCode = -1

    let stream: String
    /// Delays without jitter, in milliseconds.
    let base: Int
    let cap: Int

    private(set) var lines: [Line] = []
    private(set) var counters: [String: Int] = [:]

    // Continuity.
    private var highest: Int?
    private var seen: Set<Int> = []
    private var holes: Set<Int> = []
    private var given: Set<Int> = []
    private var gaps: [ClosedRange<Int>] = []
    private var unique = 0
    // Retries.
    private(set) var retryCount = 0
    private var attempt = 0
    private var delay = 0
    private var hasLived = false
    private var resumeUnsettled = false
    private var flushed = 0

    init(_ stream: String, base: Int, cap: Int) {
        self.stream = stream
        self.base = base
        self.cap = cap
    }

    var lastSequence: Int? { highest }
    var lost: Int { counters["holdfast_messages_lost_total", default: 0] }
    var expected: Int { unique + lost }
    var continuity: Double { expected == 0 ? 1 : 1 - Double(lost) / Double(expected) }
    var pending: Int { holes.count }

    private func add(_ name: String, _ count: Int = 1) { counters[name, default: 0] += count }
    private func line(_ event: String, _ keys: [String: JSON?] = [:]) { lines.append(Line(event: event, keys: keys)) }
    private func number(_ value: Int?) -> JSON? { value.map { .number(Double($0)) } }

    // MARK: Attempts

    func started(lastSequence: Int? = nil) {
        line("stream_started", ["lastSequence": number(lastSequence)])
        add("holdfast_connect_attempts_total")
        attempt = 1
    }

    /// A retry's attempt began.
    private func retried() {
        retryCount += 1
        attempt += 1
        add("holdfast_connect_attempts_total")
        add("holdfast_retries_total")
    }

    /// The delay before the next attempt, drawn without jitter; `floor` is what `Retry-After` asked for.
    private func backOff(_ cause: String, floor: Int = 0, atCap: Bool = false) {
        var next = base
        for _ in 0..<retryCount where next < cap { next *= 2 }
        delay = max(min(next, cap), floor)
        if atCap { delay = max(cap, floor) }
        line("backoff_scheduled", ["retry": number(retryCount + 1), "delayMs": number(delay), "cause": .string(cause)])
    }

    func failed(
        _ cause: String, httpStatus: Int? = nil, closeCode: Int? = nil, status: String = "failure", floor: Int = 0,
        atCap: Bool = false
    ) {
        add("holdfast_connect_failures_total \(cause)")
        let isReconnect = hasLived || attempt > 1
        var keys: [String: JSON?] = [
            "status": .string(status), "cause": .string(cause), "httpStatus": number(httpStatus),
            "closeCode": number(closeCode), "attempt": number(attempt), "lastSequence": number(highest),
        ]
        if isReconnect {
            keys["retryCount"] = number(retryCount)
            keys["delayMs"] = number(delay)
        }
        line(isReconnect ? "websocket_reconnection" : "connect_failed", keys)
        backOff(cause, floor: floor, atCap: atCap)
        retried()
    }

    func flush(_ count: Int) {
        flushed += count
        add("holdfast_messages_flushed_total", count)
    }

    func acknowledged() {
        // The acknowledgment itself is no application message, and the stream is live only after it: not `received`.
        if hasLived { line("reconnect_ack", ["attempt": number(attempt)]) }
        if flushed > 0 { line("buffer_flushed", ["count": number(flushed)]) }
        flushed = 0
        if hasLived || attempt > 1 {
            line(
                "websocket_reconnection",
                [
                    "status": .string("success"), "retryCount": number(retryCount), "delayMs": number(delay),
                    "attempt": number(attempt), "lastSequence": number(highest), "httpStatus": nil,
                    "closeCode": nil, "continuityRate": .number(continuity),
                ])
        }
        if hasLived {
            add("holdfast_reconnects_total")
            add("holdfast_outage_duration_seconds_count")
            add("holdfast_reconnect_latency_seconds_count")
            resumeUnsettled = true
        }
        line("stream_live")
        hasLived = true
        attempt = 0
    }

    /// The stream held for `reset_after`.
    func held() { retryCount = 0 }

    private func disconnected(_ reason: String, _ closeCode: Int?) {
        add("holdfast_disconnects_total \(reason)")
        var keys: [String: JSON?] = ["cause": .string(reason), "lastSequence": number(highest)]
        // Where our side ended the connection or the socket broke, the text does not say which code stands there.
        if closeCode != DayModel.anyCode { keys["closeCode"] = number(closeCode) }
        line("connection_lost", keys)
    }

    func lost(_ reason: String, closeCode: Int?) {
        disconnected(reason, closeCode)
        if resumeUnsettled { resume("unknown") }
        backOff(reason)
        retried()
    }

    /// A close that is final.
    func ended(closeCode: Int, unsettled: Bool = false) {
        disconnected("closed_normal", closeCode)
        if unsettled { resume("unknown") }
        line("stream_stopped", ["closeCode": number(closeCode)])
    }

    func note(_ event: String) { line(event) }

    func resume(_ outcome: String) {
        resumeUnsettled = false
        add("holdfast_resumes_total \(outcome)")
        line("resume_settled", ["outcome": .string(outcome)])
    }

    // MARK: Messages

    /// A message without a number, while live.
    func notice() { add("holdfast_messages_received_total") }

    /// Numbered messages, while live.
    func events(_ numbers: Int...) { numbers.forEach(event) }

    private func event(_ number: Int) {
        add("holdfast_messages_received_total")
        if let top = highest, number <= top {
            if holes.remove(number) != nil {
                seen.insert(number)
                unique += 1
                add("holdfast_messages_reordered_total")
                closeGap(of: number)
            } else if given.remove(number) != nil {
                seen.insert(number)
                add("holdfast_messages_late_total")
            } else {
                add("holdfast_messages_duplicate_total")
            }
            return
        }
        if let top = highest, number > top + 1 {
            let gap = top + 1...number - 1
            gaps.append(gap)
            holes.formUnion(gap)
            add("holdfast_sequence_gaps_total")
            line("sequence_gap", range(gap))
        }
        seen.insert(number)
        unique += 1
        highest = number
    }

    /// A first message and one far beyond it, whose gap was given up: too many numbers for a set.
    func jumped(from first: Int, to last: Int) {
        add("holdfast_messages_received_total", 2)
        add("holdfast_sequence_gaps_total")
        add("holdfast_messages_lost_total", last - first - 1)
        unique += 2
        highest = last
        line("sequence_gap", range(first + 1...last - 1).merging(["missing": number(last - first - 1)]) { $1 })
        line("messages_lost", range(first + 1...last - 1).merging(["count": number(last - first - 1)]) { $1 })
    }

    private func range(_ range: ClosedRange<Int>) -> [String: JSON?] {
        ["first": number(range.lowerBound), "last": number(range.upperBound)]
    }

    private func closeGap(of number: Int) {
        guard let gap = gaps.first(where: { $0.contains(number) }), holes.isDisjoint(with: gap) else { return }
        gaps.removeAll { $0 == gap }
        line("sequence_gap_closed", range(gap))
    }

    /// The reorder window passed, with no resume under way: what is missing is lost.
    func windowPassed() {
        var missing = holes.sorted()
        while let first = missing.first {
            var last = first
            missing.removeFirst()
            while missing.first == last + 1 {
                last += 1
                missing.removeFirst()
            }
            given.formUnion(first...last)
            add("holdfast_messages_lost_total", last - first + 1)
            line("messages_lost", range(first...last).merging(["count": number(last - first + 1)]) { $1 })
        }
        holes = []
        gaps = []
    }

    /// Consecutive messages run on from a much lower number: a new epoch with a new baseline.
    func renumbered(_ run: ClosedRange<Int>) {
        add("holdfast_messages_received_total", run.count)
        add("holdfast_sequence_resets_total")
        line("sequence_reset", ["previousHighest": number(highest), "baseline": number(run.lowerBound)])
        seen = Set(run)
        given = []
        unique += run.count
        highest = run.upperBound
    }
}
