import Foundation
import Testing

extension EndToEnd {
    /// A configuration with one architect stream and a credential, and what else is asked for.
    static func configuration(
        _ gateway: MockGateway, _ folder: Folder, streams: [(name: String, extra: String)], more: String = "",
        defaults: String = "  backoff: {base: 20ms, cap: 80ms, jitter: {kind: none}, max_attempts: 0, reset_after: 1h}"
    ) -> String {
        let all = streams.map { name, extra in
            """
              - name: \(name)
                profile: genesys-architect
                url: \(gateway.url(name))
                credential: genesys
                subscriptions: [queueEvents]
            \(extra)
            """
        }.joined(separator: "\n")
        return """
            credentials:
              genesys:
                type: oauth2_client_credentials
                token_url: \(gateway.tokenURL)
                client_id: c
                client_secret: hush-hush-secret
            defaults:
              close_timeout: 500ms
            \(defaults)
            streams:
            \(all)
            audit:
              stdout: false
              file: {path: \(folder.file("audit.jsonl")), fsync: never}
            \(more)
            """
    }

    /// A server that accepts and drops at once, for ever.
    @Test(arguments: ["park", "exit"])
    func aServerThatDropsAtOnceIsNotHammered(onExhausted: String) async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let backoff =
                "    backoff: {base: 50ms, cap: 400ms, jitter: {kind: additive, ratio: 0.4}, max_attempts: 6, "
                + "reset_after: 30s}\n    on_exhausted: \(onExhausted)"
            let exporter = try Exporter(
                Self.configuration(gateway, folder, streams: [("loop", backoff)]), in: folder, waits: false)
            var times: [Double] = []
            for _ in 0..<7 {
                let arrival = try gateway.next("loop")
                times.append(arrival.time)
                let peer = try arrival.accept()
                peer.socket.close()
            }
            for (index, gap) in zip(times, times.dropFirst()).map({ $1 - $0 }).enumerated() {
                let least = min(0.05 * Double(1 << index), 0.4)
                #expect(gap >= least, "retry \(index + 1) came after \(gap) s, \(least) s at the least")
            }
            let line = try exporter.lineOfTheEnd("retries_exhausted", "loop")
            #expect(line["retries"] == .number(6))
            let delays = try exporter.trail().filter { $0.event == "backoff_scheduled" }.compactMap {
                $0["delayMs"]?.number
            }
            #expect(delays.count == 6)
            for (index, delay) in delays.enumerated() {
                let nominal = min(50 * Double(1 << index), 400)
                #expect(delay >= nominal && delay <= nominal * 1.4 + 1, "delay \(index + 1) is \(delay) ms")
            }
            try eventually("the log says so") {
                exporter.program.errors.contains("exhausted") || exporter.program.errors.contains("used up")
                    ? true : nil
            }
            if onExhausted == "exit" {
                #expect(try exporter.program.status() == 1)
            } else {
                try exporter.wait("holdfast_stream_state", "loop", ["state": "exhausted"], is: 1)
                let scrape = try exporter.scrape()
                #expect(scrape["holdfast_retries_exhausted_total", "loop"] == 1)
                #expect(scrape["holdfast_connect_attempts_total", "loop"] == 7)
                #expect(scrape["holdfast_retries_total", "loop"] == 6)
                #expect(scrape["holdfast_retry_count", "loop"] == 6)
                #expect(scrape["holdfast_reconnects_total", "loop"] == 0, "it was never live")
                #expect(scrape["holdfast_connect_failures_total", "loop", ["reason": "closed"]] == 7)
                #expect(try exporter.get("/-/healthy").status == 200, "the process lives on")
                #expect(try exporter.stop() == 0)
            }
            #expect(gateway.handshakeCount == 7, "no further attempt")
        }
    }

    /// What the token endpoint can answer.
    @Test func theTokenEndpointThrottlesAndRejects() async throws {
        try await story {
            let gateway = try MockGateway()
            gateway.answerTokens(
                (429, "Retry-After: 1\r\n", "{}"),
                (401, "", #"{"error":"invalid_client","error_description":"client is unknown: hush-hush-secret"}"#))
            let folder = try Folder()
            let exporter = try Exporter(Self.configuration(gateway, folder, streams: [("s", "")]), in: folder)
            let (peer, _, _) = try gateway.live("s")
            try exporter.wait("holdfast_stream_up", "s", is: 1)
            let scrape = try exporter.scrape()
            for (outcome, count) in [("ok", 1.0), ("throttled", 1), ("rejected", 1), ("error", 0)] {
                let labels = ["credential": "genesys", "outcome": outcome]
                #expect(scrape.value("holdfast_token_requests_total", labels) == count, "\(outcome)")
            }
            #expect(scrape["holdfast_connect_failures_total", "s", ["reason": "token"]] == 1)
            let rejected = try exporter.waitForLine("token_rejected", "s")
            #expect(rejected["detail"]?.text?.contains("client is unknown") == true, "the server's own words")
            #expect(!rejected.bytes.contains("hush-hush-secret"))
            let backoff = try exporter.waitForLine("backoff_scheduled", "s")
            #expect(backoff["delayMs"] == .number(80), "a rejected credential is backed off at the cap")
            #expect(try exporter.stop() == 0)
            _ = peer
        }
    }
}

extension Exporter {
    /// As `waitForLine`, also of a program that may have ended.
    func lineOfTheEnd(_ event: String, _ stream: String) throws -> TrailLine {
        try eventually("\(event) of \(stream)") {
            try trail().first { $0.event == event && $0.stream == stream }
        }
    }
}
