import Foundation
import Testing

/// Compares what the program shows with what the models say.
extension ScriptedDay {
    static let states = [
        "idle", "authenticating", "connecting", "subscribing", "live", "backing_off", "exhausted", "stopped",
    ]
    static let failures = [
        "token", "refused_token", "forbidden", "throttled", "gateway_error", "http_error", "dns", "refused", "timeout",
        "tls", "ack_timeout", "ack_rejected", "protocol", "closed", "other",
    ]
    static let disconnects = [
        "closed_normal", "closed_abnormal", "token", "heartbeat", "silence", "protocol", "too_large", "transport",
        "planned", "shutdown",
    ]
    /// The counters that have no label of their own.
    static let plain = [
        "holdfast_connect_attempts_total", "holdfast_reconnects_total", "holdfast_retries_total",
        "holdfast_retries_exhausted_total", "holdfast_outage_duration_seconds_count",
        "holdfast_messages_received_total", "holdfast_messages_lost_total", "holdfast_messages_late_total",
        "holdfast_messages_reordered_total", "holdfast_messages_duplicate_total", "holdfast_messages_flushed_total",
        "holdfast_sequence_gaps_total", "holdfast_sequence_resets_total",
    ]

    func judge() throws {
        let scrape = try exporter.scrape()
        #expect(scrape.mistakes == [])
        judgeStream(scrape, queue, state: "live")
        judgeStream(scrape, talk, state: "stopped")
        judgeStream(scrape, pulse, state: "stopped", heartbeats: (3, 1))
        judgeStream(scrape, quiet, state: "stopped")
        judgeStream(scrape, rough, state: "live")
        judgeProcess(scrape)
        let lines = try exporter.trail()
        try judgeTrail(lines, scrape)
        for model in [queue, talk, pulse, quiet, rough] { judgeLines(lines, model) }
        try judgeCopies()
        try judgeReplay(scrape)
        #expect(gateway.waiting("conversation-events") == 0, "1001 is final")
        #expect(gateway.waiting("pulse") + gateway.waiting("quiet") == 0, "1000 is final")
        for request in gateway.tokenRequests {
            let basic = Data("day:not-so-secret".utf8).base64EncodedString()
            #expect(
                request == "/oauth/token Basic \(basic) application/x-www-form-urlencoded "
                    + "grant_type=client_credentials&scope=architect%3Aread")
        }
        try judgeEnd()
    }

    private func judgeStream(
        _ scrape: Scrape, _ model: DayModel, state: String, heartbeats: (answered: Double, missed: Double) = (0, 0)
    ) {
        let stream = model.stream
        func check(_ name: String, _ labels: [String: String] = [:], _ expected: Double) {
            #expect(scrape[name, stream, labels] == expected, "\(name) \(labels) of \(stream)")
        }
        for name in Self.plain { check(name, [:], Double(model.counters[name, default: 0])) }
        for reason in Self.failures {
            let name = "holdfast_connect_failures_total"
            check(name, ["reason": reason], Double(model.counters["\(name) \(reason)", default: 0]))
        }
        for reason in Self.disconnects {
            let name = "holdfast_disconnects_total"
            check(name, ["reason": reason], Double(model.counters["\(name) \(reason)", default: 0]))
        }
        for outcome in ["full", "partial", "refused", "unknown"] {
            let name = "holdfast_resumes_total"
            check(name, ["outcome": outcome], Double(model.counters["\(name) \(outcome)", default: 0]))
        }
        for name in Self.states { check("holdfast_stream_state", ["state": name], name == state ? 1 : 0) }
        check("holdfast_stream_up", [:], state == "live" ? 1 : 0)
        check("holdfast_retry_count", [:], Double(model.retryCount))
        check("holdfast_backoff_delay_seconds", [:], 0)
        check("holdfast_messages_expected_total", [:], Double(model.expected))
        check("holdfast_messages_pending", [:], Double(model.pending))
        check("holdfast_last_sequence", [:], Double(model.lastSequence ?? 0))
        let ratio = scrape["holdfast_continuity_ratio", stream] ?? .nan
        #expect(abs(ratio - model.continuity) < 1e-12, "continuity of \(stream)")
        check("holdfast_heartbeats_total", ["outcome": "answered"], heartbeats.answered)
        check("holdfast_heartbeats_total", ["outcome": "missed"], heartbeats.missed)
        #expect((scrape["holdfast_heartbeat_rtt_seconds", stream] ?? -1 > 0) == (heartbeats.answered > 0))
        // Whether a first subscription after failures is a reconnect payload, the text leaves open.
        if stream != "conversation-events" {
            let count = Double(model.counters["holdfast_reconnect_latency_seconds_count", default: 0])
            check("holdfast_reconnect_latency_seconds_count", [:], count)
        }
        let observed = scrape["holdfast_observed_seconds_total", stream] ?? .nan
        let covered = scrape["holdfast_covered_seconds_total", stream] ?? .nan
        let outages = scrape["holdfast_outage_duration_seconds_sum", stream] ?? .nan
        #expect(
            covered > 0 && covered + outages <= observed + 0.01, "\(stream): \(covered) + \(outages) of \(observed)")
        #expect(observed <= Date().timeIntervalSince(began))
        let last = scrape["holdfast_last_message_timestamp_seconds", stream] ?? 0
        if model.lastSequence != nil {
            #expect(abs(last - began.timeIntervalSince1970) < 600)
        }
        let lives = Double(model.lines.filter { $0.event == "stream_live" }.count)
        let received = Double(model.counters["holdfast_messages_received_total", default: 0])
        #expect(
            scrape["holdfast_received_bytes_total", stream] ?? 0 >= 25 * (received + lives), "payloads at the least")
        #expect(scrape["holdfast_sent_bytes_total", stream] ?? 0 >= 75 * lives, "payloads at the least")
        #expect(scrape["holdfast_connect_budget_wait_seconds_total", stream] ?? -1 >= 0)
        for series in scrape.order where series.labels["stream"] == stream {
            #expect(series.labels["profile"] == "genesys-architect", "\(series)")
            #expect(series.labels["team"] == (stream == "queue-events" ? "ivr" : nil), "\(series)")
        }
    }

    private func judgeProcess(_ scrape: Scrape) {
        let issued = Double(gateway.tokens.count)
        for (outcome, count) in [("ok", issued), ("throttled", 0), ("rejected", 0), ("error", 0)] {
            let labels = ["credential": "genesys", "outcome": outcome]
            #expect(scrape.value("holdfast_token_requests_total", labels) == count, "token requests: \(outcome)")
        }
        #expect(Set(firstTokens).count == 1 && firstTokens.count == 4, "one token for streams that start together")
        let expiry = scrape.value("holdfast_token_expiry_timestamp_seconds", ["credential": "genesys"]) ?? 0
        #expect(abs(expiry - Date().timeIntervalSince1970 - 86_399) < 300)
        let phases = scrape.all("holdfast_connect_phase_duration_seconds_count")
        #expect(Set(phases.map { $0.labels["phase"] }) == ["token", "prepare", "dns", "tcp", "tls", "upgrade", "ack"])
        #expect(phases.allSatisfy { Set($0.labels.keys) == ["profile", "phase"] })
        let models = [queue, talk, pulse, quiet, rough]
        let lives = models.reduce(0) { $0 + $1.lines.filter { $0.event == "stream_live" }.count }
        let acks = scrape.value("holdfast_connect_phase_duration_seconds_count", ["phase": "ack"])
        #expect(acks == Double(lives))
        #expect(scrape.value("holdfast_config_last_reload_successful") == 1)
        let loaded = scrape.value("holdfast_config_last_reload_success_timestamp_seconds") ?? 0
        #expect(abs(loaded - began.timeIntervalSince1970) < 60)
        #expect(scrape.value("holdfast_build_info") == 1)
        #expect(scrape.value("holdfast_scrapes_total") ?? 0 > 1)
        #expect(scrape.all("holdfast_audit_dropped_total").allSatisfy { $0.value == 0 })
        #expect(
            Set(scrape.all("holdfast_audit_dropped_total").map { $0.labels["sink"] }).isSuperset(of: ["file", "stdout"])
        )
        for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "start_time_seconds"] {
            #expect(scrape.value("process_" + name) ?? 0 > 0, "process_\(name)")
        }
    }

    // MARK: The trail

    private func judgeTrail(_ lines: [TrailLine], _ scrape: Scrape) throws {
        #expect(lines.map { $0["line"]?.number } == (1...lines.count).map(Double.init), "every line has its number")
        let time = try NSRegularExpression(
            pattern: #"^\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","line":\d+,"#)
        let known =
            #"^\{"timestamp":"[^"]*","line":\d+,"event":"websocket_reconnection","stream":"[^"]*","clientId":"[^"]+","#
            + #""retryCount":\d+,"latencyMs":[\d.]+,"continuityRate":[\d.e-]+,"status":"(success|failure|timeout)","#
        let reconnection = try NSRegularExpression(pattern: known)
        for line in lines {
            let range = NSRange(line.bytes.startIndex..., in: line.bytes)
            #expect(time.firstMatch(in: line.bytes, range: range) != nil, "\(line.bytes)")
            if line.event == "websocket_reconnection" {
                #expect(reconnection.firstMatch(in: line.bytes, range: range) != nil, "\(line.bytes)")
            }
        }
        let counts = Dictionary(lines.map { ($0.event, 1.0) }, uniquingKeysWith: +)
        for series in scrape.all("holdfast_audit_events_total") {
            let event = series.labels["event"] ?? ""
            #expect(series.value == counts[event, default: 0], "holdfast_audit_events_total of \(event)")
        }
        #expect(counts["token_refreshed"] == Double(gateway.tokens.count))
    }

    private func judgeLines(_ lines: [TrailLine], _ model: DayModel) {
        let own = lines.filter { $0.stream == model.stream && !$0.event.hasPrefix("token_") }
        let expected = model.lines
        #expect(own.map(\.event) == expected.map(\.event), "the events of \(model.stream)")
        for (line, expected) in zip(own, expected) {
            for (key, value) in expected.keys {
                if key == "continuityRate", let value = value?.number {
                    #expect(abs((line[key]?.number ?? -1) - value) < 1e-4, "\(key) of \(line.bytes)")
                } else {
                    #expect(line[key] == value, "\(key) of \(line.bytes)")
                }
            }
            if model.stream == "queue-events", line.event == "websocket_reconnection" {
                #expect(line["clientId"] == .string(clientID))
            }
        }
    }

    /// The same bytes on standard output, in the file and over HTTP.
    private func judgeCopies() throws {
        let file = folder.text("audit.jsonl")
        try eventually("the trail on standard output") { exporter.program.output == file ? true : nil }
        #expect(try exporter.get("/api/v1/audit?limit=10000").text == file)
        let some = try exporter.get("/api/v1/audit?limit=10000&stream=queue-events&event=sequence_gap")
        #expect(some.headers["content-type"] == "application/x-ndjson")
        let wanted = file.split(separator: "\n").filter {
            $0.contains(#""event":"sequence_gap","stream":"queue-events""#)
        }
        #expect(some.text.split(separator: "\n") == wanted)
        #expect(
            try exporter.get("/api/v1/audit?limit=2").text.split(separator: "\n")
                == file.split(separator: "\n").suffix(2))
    }

    private func judgeReplay(_ scrape: Scrape) throws {
        let saved = try folder.write(scrape.text, to: "scrape.txt")
        let replay = try Program(
            Program.holdfast, ["replay", folder.file("audit.jsonl"), "--scrape", saved], in: folder, name: "replay")
        #expect(try replay.status() == 0, "\(replay.errors)")
        let replayed = Scrape(replay.output)
        for model in [queue, talk, pulse, quiet, rough] {
            for (name, count) in model.counters where !name.hasSuffix("_count") {
                let words = name.split(separator: " ").map(String.init)
                guard replayed.order.contains(where: { $0.name == words[0] }) else { continue }
                let label = words[0] == "holdfast_resumes_total" ? "outcome" : "reason"
                let labels = words.count > 1 ? [label: words[1]] : [:]
                #expect(replayed[words[0], model.stream, labels] ?? 0 == Double(count), "replayed \(name)")
            }
        }
        // A scrape that says something else must be found out.
        let other = scrape.text.replacingOccurrences(
            of: #"(holdfast_retries_total\{stream="queue-events"[^}]*\}) \d+"#, with: "$1 99",
            options: .regularExpression)
        #expect(other != scrape.text)
        let wrong = try folder.write(other, to: "wrong.txt")
        let refuted = try Program(
            Program.holdfast, ["replay", folder.file("audit.jsonl"), "--scrape", wrong], in: folder, name: "refuted")
        #expect(try refuted.status() == 1)
        #expect(refuted.errors.contains("holdfast_retries_total"))
    }

    /// The end of the day: live streams are closed with 1000, and the trail says so.
    private func judgeEnd() throws {
        exporter.program.signal(SIGTERM)
        #expect(try peer.awaitClose() == 1000)
        #expect(try roughPeer.awaitClose() == 1000)
        #expect(try exporter.program.status() == 0)
        let lines = try exporter.trail()
        #expect(lines.filter { $0.event == "connection_lost" && $0["cause"] == .string("shutdown") }.count == 2)
        #expect(lines.filter { $0.event == "stream_stopped" }.count == 5)
        #expect(exporter.program.output == folder.text("audit.jsonl"))
    }
}
