import Foundation
import Testing

extension EndToEnd {
    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalStopsCleanly(signal: Int32) async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let exporter = try Exporter(
                Self.configuration(gateway, folder, streams: [("a", ""), ("b", ""), ("down", "")]), in: folder,
                waits: false)
            let (a, _, _) = try gateway.live("a")
            let (b, _, _) = try gateway.live("b")
            let pending = try gateway.next("down")  // never answered
            try a.event(1, 2)
            try exporter.wait("holdfast_last_sequence", "a", is: 2)
            let asked = Date()
            exporter.program.signal(signal)
            #expect(try a.awaitClose() == 1000)
            #expect(try b.awaitClose() == 1000)
            #expect(try exporter.program.status() == 0)
            #expect(Date().timeIntervalSince(asked) < 5)
            let lines = try exporter.trail()
            #expect(folder.text("audit.jsonl").hasSuffix("}\n"), "whole lines only")
            #expect(Set(lines.filter { $0.event == "stream_stopped" }.map(\.stream)) == ["a", "b", "down"])
            let lost = lines.filter { $0.event == "connection_lost" && $0["cause"] == .string("shutdown") }
            #expect(Set(lost.map(\.stream)) == ["a", "b"])
            _ = pending
        }
    }

    /// A peer that answers nothing must not keep the process.
    @Test func aSilentPeerDoesNotDelayTheEnd() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let text = Self.configuration(gateway, folder, streams: [("a", "")])
                .replacingOccurrences(of: "  close_timeout: 500ms\n", with: "")
            #expect(!text.contains("close_timeout"), "as it is by default")
            let exporter = try Exporter(text, in: folder)
            let (peer, _, _) = try gateway.live("a")
            try exporter.wait("holdfast_stream_up", "a", is: 1)
            let asked = Date()
            exporter.program.signal(SIGTERM)
            #expect(try exporter.program.status() == 0)
            #expect(Date().timeIntervalSince(asked) < 5)
            #expect(try peer.frame().closeCode == 1000)
        }
    }

    @Test func aReloadKeepsUntouchedStreamsConnected() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let exporter = try Exporter(
                Self.configuration(gateway, folder, streams: [("kept", ""), ("gone", ""), ("other", "")]), in: folder,
                flags: ["--web.enable-lifecycle"])
            let (kept, _, _) = try gateway.live("kept")
            let (gone, _, _) = try gateway.live("gone")
            let (other, _, _) = try gateway.live("other")
            try kept.event(1)
            for stream in ["kept", "gone", "other"] { try exporter.wait("holdfast_stream_up", stream, is: 1) }

            let changed = Self.configuration(
                gateway, folder, streams: [("kept", ""), ("other", "    reorder_window: 5s"), ("new", "")])
            _ = try folder.write(changed, to: "holdfast.yml")
            exporter.program.signal(SIGHUP)
            #expect(try gone.awaitClose() == 1000)
            #expect(try other.awaitClose() == 1000)
            let (new, _, _) = try gateway.live("new")
            let (again, _, _) = try gateway.live("other")
            try kept.event(2)
            try exporter.wait("holdfast_last_sequence", "kept", is: 2)
            for stream in ["kept", "new", "other"] { try exporter.wait("holdfast_stream_up", stream, is: 1) }
            let scrape = try exporter.scrape()
            #expect(scrape["holdfast_connect_attempts_total", "kept"] == 1, "the same socket")
            #expect(scrape["holdfast_stream_up", "gone"] == nil, "its series are gone")
            #expect(!scrape.text.contains(#"stream="gone""#))
            #expect(gateway.waiting("kept") == 0)

            // A file with a mistake changes nothing.
            let loaded = scrape.value("holdfast_config_last_reload_success_timestamp_seconds")
            _ = try folder.write(changed + "\nnonsense: true\n", to: "holdfast.yml")
            exporter.program.signal(SIGHUP)
            let refused = try exporter.scrape(until: "the reload is refused") {
                $0.value("holdfast_config_last_reload_successful") == 0
            }
            #expect(refused.value("holdfast_config_last_reload_success_timestamp_seconds") == loaded)
            try eventually("the log says so") { exporter.program.errors.contains("nonsense") ? true : nil }
            let answer = try exporter.post("/-/reload")
            #expect(answer.status >= 400 && answer.text.contains("nonsense"), "\(answer.status) \(answer.text)")

            _ = try folder.write(changed, to: "holdfast.yml")
            #expect(try exporter.post("/-/reload").status == 200)
            let mended = try exporter.scrape()
            #expect(mended.value("holdfast_config_last_reload_successful") == 1)
            for stream in ["kept", "new"] { #expect(mended["holdfast_connect_attempts_total", stream] == 1) }
            let reloads = try exporter.trail().filter { $0.event == "config_reloaded" }.map { $0["success"] }
            #expect(reloads == [.bool(true), .bool(false), .bool(false), .bool(true)])
            #expect(try exporter.stop() == 0)
            _ = (new, again)
        }
    }

    @Test func aReconnectOnRequest() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let parked = "    backoff: {max_attempts: 1, base: 5ms, cap: 5ms}"
            let exporter = try Exporter(
                Self.configuration(gateway, folder, streams: [("live", ""), ("parked", parked)]), in: folder,
                flags: ["--web.enable-lifecycle"])
            let (live, _, _) = try gateway.live("live")
            try live.event(7)
            try exporter.wait("holdfast_last_sequence", "live", is: 7)
            for _ in 0..<2 { try gateway.next("parked").refuse(503) }
            try exporter.wait("holdfast_stream_state", "parked", ["state": "exhausted"], is: 1)

            let answer = try exporter.post("/api/v1/streams/parked/reconnect")
            #expect((200..<300).contains(answer.status))
            let (peer, _, _) = try gateway.live("parked")
            try exporter.wait("holdfast_stream_up", "parked", is: 1)
            #expect(try exporter.scrape()["holdfast_retry_count", "parked"] == 0, "a fresh cycle")

            #expect((200..<300).contains(try exporter.post("/api/v1/streams/live/reconnect").status))
            #expect(try live.awaitClose() == 1000)
            let (next, payload, arrival) = try gateway.live("live", ack: MockGateway.reconnectAck)
            #expect(arrival.query.hasSuffix("&reconnect=true"))
            #expect(payload.contains(#""lastSequence":7,"#))
            try exporter.wait("holdfast_disconnects_total", "live", ["reason": "planned"], is: 1)
            try exporter.wait("holdfast_reconnects_total", "live", is: 1)
            try exporter.waitForLine("planned_handover", "live")
            #expect(try exporter.post("/api/v1/streams/nobody/reconnect").status == 404)
            #expect(try exporter.stop() == 0)
            _ = (peer, next)
        }
    }

    /// What was seen before the restart is resumed from; what was missed is lost.
    @Test(arguments: [SIGTERM, SIGKILL])
    func aRestartResumesFromTheCursor(signal: Int32) async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let text = Self.configuration(
                gateway, folder, streams: [("s", "    reorder_window: 100ms")],
                more: "state: {directory: \(folder.file("state"))}")
            let first = try Exporter(text, in: folder)
            let (peer, opening, _) = try gateway.live("s")
            try peer.event(40, 41)
            try first.wait("holdfast_last_sequence", "s", is: 41)
            if signal == SIGKILL {
                // The cursor goes to the disk now and then; a crash may lose the newest.
                try eventually("the cursor on disk") {
                    let state = folder.file("state")
                    let files = (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? []
                    // A file that is still being written has another name.
                    return files.contains {
                        !$0.hasSuffix(".new") && folder.text("state/" + $0).contains(#""lastSequence":41"#)
                    } ? true : nil
                }
            }
            first.program.signal(signal)
            #expect(try first.program.status() == (signal == SIGKILL ? 137 : 0))

            let second = try Exporter(text, in: folder, name: "again")
            let (next, payload, arrival) = try gateway.live("s", ack: MockGateway.reconnectAck)
            #expect(arrival.query == "access_token=\(arrival.token)&reconnect=true")
            let id = try JSON(parsing: opening)["clientId"]?.text ?? ""
            #expect(payload.hasPrefix(#"{"type":"reconnect","clientId":"\#(id)","lastSequence":41,"#), "\(payload)")
            try next.event(45, 46)
            try second.wait("holdfast_messages_lost_total", "s", is: 3)
            let scrape = try second.scrape()
            #expect(scrape["holdfast_messages_expected_total", "s"] == 5)
            #expect(scrape["holdfast_last_sequence", "s"] == 46)
            #expect(scrape["holdfast_resumes_total", "s", ["outcome": "partial"]] == 1)
            #expect(scrape["holdfast_reconnects_total", "s"] == 0, "a start is no return")
            #expect(scrape["holdfast_retries_total", "s"] == 0)
            let lines = try second.trail()
            let starts = lines.filter { $0.event == "stream_started" }
            #expect(starts.count == 2 && starts.last?["lastSequence"] == .number(41))
            #expect(lines.map { $0["line"]?.number } == (1...lines.count).map(Double.init), "one trail over two lives")
            #expect(try second.stop() == 0)
        }
    }
}
