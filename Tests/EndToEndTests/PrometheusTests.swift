import Foundation
import Testing

extension EndToEnd {
    /// The real Prometheus scrapes a stream that was dropped and lost messages, and has the same figures.
    @Test func theRealPrometheusScrapes() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let (exporter, peer) = try Self.aStreamWithAPast(gateway, folder)
            let target = "127.0.0.1:\(exporter.port)"
            let port = try freePort()
            let file = try folder.write(
                """
                global: {scrape_interval: 250ms, scrape_timeout: 250ms}
                scrape_configs:
                  - job_name: holdfast
                    static_configs: [{targets: ["\(target)"]}]
                """, to: "prometheus.yml")
            let prometheus = try Program(
                Tools.find("prometheus", package: "prometheus"),
                [
                    "--config.file=\(file)", "--storage.tsdb.path=\(folder.file("tsdb"))",
                    "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
                ], in: folder, name: "prometheus")
            try eventually("Prometheus is ready") {
                guard prometheus.isRunning else { throw Trouble("prometheus ended: \(prometheus.errors)") }
                return (try? HTTP.request("GET", port, "/-/ready"))?.status == 200 ? true : nil
            }
            try eventually("the target is up") { () -> Bool? in
                let targets = try JSON(parsing: HTTP.request("GET", port, "/api/v1/targets").text)
                guard let first = targets["data"]?["activeTargets"]?.array.first else { return nil }
                guard first["health"] == .string("up"), first["lastError"] == .string("") else { return nil }
                return true
            }
            try judge(exporter, prometheus: port)
            // Nothing went wrong on the way: every scrape since the first.
            #expect(try query(port, "min_over_time(up[1m])").map(\.value) == [1])
            #expect(!prometheus.errors.contains("level=error"), "\(prometheus.errors)")
            #expect(!prometheus.errors.contains("level=warn"), "\(prometheus.errors)")
            prometheus.signal(SIGTERM)
            #expect(try exporter.stop() == 0)
            _ = try prometheus.status()
            _ = peer
        }
    }

    /// A live stream, dropped once, with a gap that was lost, a duplicate and a retry that was refused.
    static func aStreamWithAPast(_ gateway: MockGateway, _ folder: Folder) throws -> (Exporter, Peer) {
        let exporter = try Exporter(
            configuration(
                gateway, folder,
                streams: [("s", "    reorder_window: 100ms\n    labels: {team: \"i\\\"v\\\\r\\n\"}"), ("idle", "")],
                defaults: "  backoff: {base: 20ms, cap: 80ms, max_attempts: 0, reset_after: 1h}\n"
                    + "  heartbeat: {interval: 1h, timeout: 10s}"),
            in: folder)
        let (idle, _, _) = try gateway.live("idle")
        try idle.close(1000)
        let (first, _, _) = try gateway.live("s")
        try first.event(1, 2, 2)
        try first.close(1011)
        try gateway.next("s").refuse(502)
        let (peer, _, _) = try gateway.live("s", ack: MockGateway.reconnectAck)
        try peer.event(3, 7)
        try exporter.wait("holdfast_messages_lost_total", "s", is: 3)
        try exporter.wait("holdfast_stream_state", "idle", ["state": "stopped"], is: 1)
        return (exporter, peer)
    }

    @Test func everyParserAcceptsTheOutput() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let (exporter, peer) = try Self.aStreamWithAPast(gateway, folder)
            let python = try Tools.python()
            for (kind, accept) in [
                ("text", "text/plain"), ("openmetrics", "application/openmetrics-text;version=1.0.0"),
            ] {
                let answer = try exporter.get("/metrics", headers: ["Accept": accept])
                let file = try folder.write(answer.text, to: kind)
                let parser = try Program(
                    python, [Tools.root + "/Tests/EndToEndTests/Support/parse.py", kind, file], in: folder,
                    name: "parse-" + kind)
                #expect(try parser.status() == 0, "\(kind): \(parser.errors)")
                #expect(parser.output.contains("gauge holdfast_stream_up 2"))
                #expect(
                    parser.output.contains("counter holdfast_retries 2")
                        || parser.output.contains("counter holdfast_retries 4"))
                let scrape = Scrape(answer.text)
                #expect(scrape.mistakes == [], "no two samples with the same name and labels")
                for series in scrape.order where series.labels["stream"] == "s" {
                    #expect(series.labels["team"] == "i\"v\\r\n", "escaped and read back")
                }
            }
            let promtool = try Program(
                "/bin/sh",
                [
                    "-c", "exec \"$0\" check metrics < \"$1\"", Tools.find("promtool", package: "prometheus"),
                    folder.file("text"),
                ],
                in: folder, name: "promtool")
            let status = try promtool.status()
            // The one lint is about a name that is fixed.
            let lints = (promtool.output + promtool.errors).split(separator: "\n").filter {
                !$0.hasPrefix("holdfast_retry_count ")
            }
            #expect(lints == [])
            #expect(status == 0 || status == 3)
            #expect(try exporter.stop() == 0)
            _ = peer
        }
    }

    /// `holdfast gateway`, whose faults are asked for over HTTP: another gateway than the mock.
    @Test func theSimulatedGatewayIsHeld() async throws {
        try await story {
            let folder = try Folder()
            let port = try freePort()
            let simulator = try Program(
                Program.holdfast,
                ["gateway", "--port", "\(port)", "--rate", "50"], in: folder,
                name: "gateway")
            try eventually("the gateway answers") {
                guard simulator.isRunning else {
                    throw Trouble("the gateway ended: \(simulator.errors)\(simulator.output)")
                }
                return (try? HTTP.request("GET", port, "/")) != nil ? true : nil
            }
            let exporter = try Exporter(
                """
                credentials:
                  g:
                    type: oauth2_client_credentials
                    token_url: http://127.0.0.1:\(port)/oauth/token
                    client_id: demo
                    client_secret: demo-secret
                streams:
                  - name: s
                    profile: genesys-architect
                    url: ws://127.0.0.1:\(port)/api/v2/architect/websocket
                    credential: g
                    subscriptions: [queueEvents]
                    backoff: {base: 50ms, cap: 100ms}
                audit: {stdout: false, file: {path: \(folder.file("audit.jsonl"))}}
                """, in: folder)
            try exporter.wait("holdfast_stream_up", "s", is: 1)
            #expect(try HTTP.request("POST", port, "/-/faults", body: "fault: drop").status < 300)
            try exporter.wait("holdfast_reconnects_total", "s", is: 1)
            #expect(try HTTP.request("POST", port, "/-/faults", body: "fault: {duplicate: 2}").status < 300)
            try exporter.wait("holdfast_messages_duplicate_total", "s", is: 2)
            let scrape = try exporter.scrape()
            #expect(scrape["holdfast_reconnects_total", "s"] == 1)
            #expect(scrape["holdfast_messages_lost_total", "s"] == 0)
            #expect(scrape["holdfast_continuity_ratio", "s"] == 1)
            #expect(try exporter.stop() == 0)
            simulator.signal(SIGTERM)
            #expect(try simulator.status() == 0)
        }
    }
}

/// Compares what Prometheus has with what the exporter shows.
private func judge(_ exporter: Exporter, prometheus port: UInt16) throws {
    let own = try exporter.scrape()
    // What moves by itself from scrape to scrape.
    func moves(_ name: String) -> Bool {
        name.hasPrefix("process_") || name.contains("scrape") || name.contains("observed") || name.contains("covered")
    }
    var differences: [String] = ["nothing compared"]
    do {
        try eventually("the same figures") {
            let found = try query(port, #"{job="holdfast"}"#)
            var theirs: [Scrape.Series: Double] = [:]
            for sample in found {
                var labels = sample.labels.filter { !["job", "instance", "__name__"].contains($0.key) }
                if let bound = labels["le"] { labels["le"] = String(Double(bound) ?? .infinity) }
                theirs[Scrape.Series(name: sample.labels["__name__"] ?? "", labels: labels)] = sample.value
            }
            differences = []
            for (series, value) in own.samples where !moves(series.name) {
                var series = series
                if let bound = series.labels["le"] { series.labels["le"] = String(Double(bound) ?? .infinity) }
                let other = theirs[series]
                if other != value, !(value.isNaN && other?.isNaN == true) {
                    differences.append("\(series): \(value), Prometheus has \(String(describing: other))")
                }
            }
            return differences.isEmpty ? true : nil
        }
    } catch {
        throw Trouble("\(error): \(differences.prefix(5))")
    }
    for (name, expected) in [
        ("holdfast_disconnects_total{stream=\"s\",reason=\"closed_abnormal\"}", 1.0),
        ("holdfast_connect_failures_total{reason=\"gateway_error\"} > 0", 1),
        ("holdfast_retries_total{stream=\"s\"}", 2),
        ("holdfast_reconnects_total{stream=\"s\"}", 1), ("holdfast_messages_lost_total{stream=\"s\"}", 3),
        ("holdfast_messages_expected_total{stream=\"s\"}", 7), ("holdfast_messages_duplicate_total{stream=\"s\"}", 1),
        ("holdfast_stream_up{stream=\"s\"}", 1), ("holdfast_retry_count{stream=\"s\"}", 2),
        ("histogram_quantile(0.5, holdfast_outage_duration_seconds_bucket{stream=\"s\"}) < bool 10", 1),
    ] {
        #expect(try query(port, name).map(\.value) == [expected], "\(name)")
    }
    let metadata = try JSON(parsing: HTTP.request("GET", port, "/api/v1/metadata").text)["data"]
    for (family, type) in own.types {
        let bare = family.hasSuffix("_total") ? String(family.dropLast(6)) : family
        let entry = (metadata?[family] ?? metadata?[bare])?.array.first
        #expect(entry?["type"] == .string(type), "the type of \(family)")
        #expect(entry?["help"] == own.help[family].map { .string($0) }, "the help of \(family)")
        #expect(own.help[family]?.isEmpty == false)
    }
}

private func query(_ port: UInt16, _ text: String) throws -> [(labels: [String: String], value: Double)] {
    let encoded = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let answer = try JSON(parsing: HTTP.request("GET", port, "/api/v1/query?query=\(encoded)").text)
    guard answer["status"] == .string("success") else { throw Trouble("\(text): \(answer)") }
    return (answer["data"]?["result"]?.array ?? []).map { sample in
        var labels: [String: String] = [:]
        if case .object(let metric)? = sample["metric"] { labels = metric.compactMapValues(\.text) }
        let word = sample["value"]?.array.last?.text ?? ""
        return (labels, word == "+Inf" ? .infinity : Double(word) ?? .nan)
    }
}

/// A port that was free a moment ago: for programs that cannot be asked for the port that they chose.
private func freePort() throws -> UInt16 {
    try MockGateway().port
}

/// Programs of others that the tests need. A missing one fails the test and says what to install.
enum Tools {
    /// The package's folder.
    static var root: String {
        var folder = URL(fileURLWithPath: Program.products)
        while folder.path != "/" {
            if FileManager.default.fileExists(atPath: folder.path + "/Package.swift") { return folder.path }
            folder.deleteLastPathComponent()
        }
        return FileManager.default.currentDirectoryPath
    }

    static func find(_ name: String, package: String) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for folder in path.split(separator: ":") + ["/usr/bin", "/usr/local/bin"] {
            if FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") { return "\(folder)/\(name)" }
        }
        throw Trouble("`\(name)` is not installed; run `make deps`, or apt-get install \(package)")
    }

    static func python() throws -> String {
        let path = ProcessInfo.processInfo.environment["HOLDFAST_PYTHON"] ?? root + "/.build-venv/bin/python"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Trouble(
                "there is no Python at \(path); run `make deps`, or set HOLDFAST_PYTHON to one that has the package "
                    + "prometheus_client (pip install prometheus_client)")
        }
        return path
    }
}
