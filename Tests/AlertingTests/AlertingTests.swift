import Foundation
import GatewaySimulator
import Testing

/// From a message that was never sent to the alert that somebody gets, with the real programs all the way.
@Suite(.serialized) struct AlertingTests {
    private static let hour = Duration.seconds(3_600)

    @Test(
        .enabled(if: Workplace.isEquipped, "needs prometheus, prometheus-alertmanager and python3"),
        .timeLimit(.minutes(6)))
    func everyAlertComesThrough() async throws {
        let environment = ProcessInfo.processInfo.environment
        let folder = URL(fileURLWithPath: environment["HOLDFAST_ARTIFACTS"] ?? NSTemporaryDirectory())
            .appendingPathComponent("holdfast-alerting-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        do {
            try await Stack.run(in: folder, story)
        } catch {
            Issue.record("what the programs said is in \(folder.path): \(error)")
            return
        }
        if environment["HOLDFAST_ARTIFACTS"] == nil { try FileManager.default.removeItem(at: folder) }
    }

    private func story(_ stack: Stack) async throws {
        let (holdfast, address) = try await stack.startHoldfast()
        // All is well before the first scrape: an increase counts from there.
        let sessions = { @Sendable (truth: GroundTruth) in truth.sessions.values.count { $0.acksSent > 0 } }
        try await stack.busy.groundTruth(timeout: .seconds(60)) { sessions($0) == Stack.busyStreams.count - 1 }
        try await stack.quiet.groundTruth(timeout: .seconds(60)) { sessions($0) == Stack.quietStreams.count }
        let alertmanager = try await stack.startAlertmanager()
        let (prometheus, client) = try await stack.startPrometheus(alertmanager: alertmanager, holdfast: address)
        try await until("all streams to be scraped", client, "sum(stream:holdfast_stream_up:max)") {
            $0 == Double(Stack.good.count)
        }

        try await fallSilent(stack, client)
        try await flap(stack)
        try await loseMessages(stack, client)
        try await breakStreams(stack)
        try await failToReload(stack, holdfast)
        try await waitForAlerts(stack)
        try await slowDown(stack, client)
        try await stack.webhook.wait("HoldfastAckedButSilent", "firing", ["stream": "silent"], within: 90)

        try await askEverything(stack, client)
        try await goAway(stack, holdfast, prometheus, alertmanager)
        let calm = stack.webhook.alerts.filter { $0.labels["stream"] == "steady" }
        #expect(calm.isEmpty, "the stream that had no trouble had alerts")
        #expect(stack.webhook.rubbish.isEmpty)
        let rules = try Workplace.read("alerts/holdfast.rules.yml")
        let names = Set(rules.matches(of: /- alert: (\w+)/).map { String($0.1) })
        let missing = names.subtracting(stack.webhook.alerts.map(\.name))
        // Sixteen mebibytes of lines have to wait for a sink before one is dropped.
        #expect(missing == ["HoldfastAuditEventsDropped"])
    }

    private func until(
        _ what: String, _ client: PrometheusClient, _ query: String, within seconds: Double = 60,
        _ isEnough: (Double) -> Bool
    ) async throws {
        _ = try await poll("\(what): \(query)", within: seconds) {
            try await client.values(query).first { isEnough($0) }
        }
    }

    // MARK: Trouble

    /// A stream that was busy reconnects, and hears nothing from then on.
    private func fallSilent(_ stack: Stack, _ client: PrometheusClient) async throws {
        try await stack.quiet.emit(200, to: "silent")
        try await until("messages", client, "holdfast_messages_received_total{stream=\"silent\"}") { $0 >= 200 }
        try await reconnect("silent", stack.quiet)
    }

    private func reconnect(_ stream: String, _ gateway: GatewaySimulator) async throws {
        let before = try await gateway.groundTruth().sessions[stream]?.acksSent ?? 0
        try await gateway.inject(.drop(.finish), scope: FaultScope(clientID: stream))
        try await gateway.groundTruth(timeout: .seconds(60)) { $0.sessions[stream]?.acksSent ?? 0 > before }
    }

    private func flap(_ stack: Stack) async throws {
        for _ in 0..<8 { try await reconnect("flapping", stack.busy) }
    }

    /// Numbers that are never sent, and messages of an outage that are not replayed; then the gateway behaves again.
    private func loseMessages(_ stack: Stack, _ client: PrometheusClient) async throws {
        let lossy = FaultScope(clientID: "lossy")
        let gaps = FaultStep(.every(.seconds(1), jitter: .zero), .gap(count: 20), scope: lossy, limit: 8)
        try await stack.busy.inject(gaps)
        try await stack.busy.groundTruth(timeout: .seconds(30)) { $0.sessions["lossy"]?.numbersSkipped ?? 0 > 0 }
        let lost = Date()
        try await stack.busy.inject(.refuseReplay(.count(1)), scope: lossy)
        try await reconnect("lossy", stack.busy)

        let labels = ["stream": "lossy", "window": "1h"]
        let fired = try await stack.webhook.wait("HoldfastContinuityDrop", "firing", labels)
        #expect(fired.labels["severity"] == "critical")
        #expect(fired.labels["team"] == "ivr" && fired.labels["job"] == "holdfast")
        #expect(fired.annotations["description"]?.contains("% of the messages of the last hour") == true)
        try await stack.busy.groundTruth(timeout: .seconds(60)) { $0.sessions["lossy"]?.numbersSkipped == 160 }
        let over = Date()
        let resolved = try await stack.webhook.wait("HoldfastContinuityDrop", "resolved", labels)

        let figures = [
            ("first lost message to alert firing", fired.began?.timeIntervalSince(lost)),
            ("first lost message to webhook", fired.received.timeIntervalSince(lost)),
            ("last lost message to webhook, resolved", resolved.received.timeIntervalSince(over)),
        ]
        for (what, seconds) in figures { print("\(what): \(String(format: "%.1f", seconds ?? .nan)) s") }

        let truth = try await stack.busy.groundTruth().sessions["lossy"]
        let gone = Double((truth?.numbersSkipped ?? 0) + (truth?.replayWithheld ?? 0))
        try await until("what was lost", client, "holdfast_messages_lost_total{stream=\"lossy\"}") { $0 == gone }
    }

    private func breakStreams(_ stack: Stack) async throws {
        let long = Fault.Extent.duration(Self.hour)
        let faults: [(GatewaySimulator, String, Fault)] = [
            (stack.busy, "down", .badGateway(long)), (stack.busy, "exhausted", .badGateway(long)),
            (stack.busy, "refused", .forbidden(long)), (stack.quiet, "expiring", .tokenError(status: 503, long)),
        ]
        for (gateway, stream, fault) in faults {
            try await gateway.inject(fault, scope: FaultScope(clientID: stream))
            try await gateway.inject(.drop(.finish), scope: FaultScope(clientID: stream))
        }
    }

    private func failToReload(_ stack: Stack, _ holdfast: Program) async throws {
        try stack.writeHoldfastConfiguration(broken: true)
        holdfast.reload()
        try await stack.webhook.wait("HoldfastReloadFailed")
        try stack.writeHoldfastConfiguration()
        holdfast.reload()
        try await stack.webhook.wait("HoldfastReloadFailed", "resolved")
    }

    private func waitForAlerts(_ stack: Stack) async throws {
        let expected = [
            ("HoldfastStreamDown", "down"), ("HoldfastCoverageDrop", "down"), ("HoldfastRetriesExhausted", "exhausted"),
            ("HoldfastAccessRefused", "refused"), ("HoldfastStreamFlapping", "flapping"),
        ]
        for (name, stream) in expected { try await stack.webhook.wait(name, "firing", ["stream": stream]) }
        let tokens = [("HoldfastCredentialRejected", "rejected"), ("HoldfastTokenNotRefreshed", "expiring")]
        for (name, credential) in tokens {
            try await stack.webhook.wait(name, "firing", ["credential": credential])
        }
    }

    /// Acknowledgments that take their time, compared with those of an hour ago.
    private func slowDown(_ stack: Stack, _ client: PrometheusClient) async throws {
        let past = "stream:holdfast_reconnect_latency_seconds:mean1h{stream=\"flapping\"} offset 60s"
        try await until("an hour to pass", client, past, within: 90) { $0 > 0 }
        let late = Fault.lateAcknowledgment(after: .seconds(2), .duration(Self.hour))
        try await stack.busy.inject(late, scope: FaultScope(clientID: "flapping"))
        for _ in 0..<6 { try await reconnect("flapping", stack.busy) }
        try await stack.webhook.wait("HoldfastReconnectLatencyUp", "firing", ["stream": "flapping"])
    }

    // MARK: Questions

    /// Every query has an answer, those of the rules and those of the panels.
    private func askEverything(_ stack: Stack, _ client: PrometheusClient) async throws {
        let rules = try await client.rules()
        #expect(rules.count > 40)
        for rule in rules {
            #expect(rule.health == "ok", "\(rule.name): \(rule.lastError ?? "")")
            // Nothing is absent while all is there; that it works, the alert shows that comes in the end.
            if rule.name == "HoldfastExporterAbsent" { continue }
            // An alert's comparisons answer 0 or 1 instead of leaving out what does not fire.
            let query =
                rule.type == "recording"
                ? rule.name : rule.query.replacing(/\ (==|!=|>=|<=|>|<)\s/) { " \($0.1) bool " }
            let values = try await client.values(query)
            #expect(!values.isEmpty, "no data: \(rule.name): \(query)")
        }
        for (dashboard, stream) in [("overview", ".+"), ("stream", "lossy")] {
            try await stack.finish(
                "python3",
                [
                    Workplace.root.appendingPathComponent("dashboards/preview.py").path, "holdfast-\(dashboard).json",
                    "--prometheus", client.address, "--range", "120s", "--scrape-interval", "1s", "--stream", stream,
                    "--require-data", "--output", "\(dashboard).html",
                ], as: "preview-\(dashboard)")
        }
        print("asked \(rules.count) rules and both dashboards")
    }

    /// Holdfast ends, and then there is no target any more.
    private func goAway(
        _ stack: Stack, _ holdfast: Program, _ prometheus: Program, _ alertmanager: String
    ) async throws {
        #expect(try await holdfast.stop() == 0)
        try await stack.webhook.wait("HoldfastExporterDown")
        try stack.writePrometheusConfiguration(alertmanager: alertmanager, holdfast: nil)
        prometheus.reload()
        try await stack.webhook.wait("HoldfastExporterAbsent")
    }
}
