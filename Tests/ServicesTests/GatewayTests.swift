import Foundation
import GatewaySimulator
import Holdfast
import StreamRuntime
import Testing

/// `genesys-notifications` from its configuration to its metrics, on sockets, against the simulated gateway.
@Suite("The Notification API on sockets", .timeLimit(.minutes(5)))
struct GatewayTests {
    private static let heldTopics = "[v2.users.1.presence, v2.users.2.presence]"

    private func configuration(_ gateway: GatewaySimulator, topics: String = heldTopics) -> String {
        """
        credentials:
          c: {type: oauth2_client_credentials, token_url: "\(gateway.tokenURL)", client_id: a, client_secret_env: TOKEN}
        streams:
          - name: s
            profile: genesys-notifications
            url: http://\(gateway.authority)
            credential: c
            subscriptions: \(topics)
            backoff: {base: 20ms, cap: 100ms}
            heartbeat: {interval: 1h}
        audit: {stdout: false}
        """
    }

    private func gateway(_ adapt: (inout GatewaySimulator.Options) -> Void = { _ in }) async throws -> GatewaySimulator
    {
        var options = GatewaySimulator.Options()
        options.clients = ["a": "secret"]
        options.eventRate = 0
        // Every message is one that a test has asked for, however long it takes.
        options.heartbeatInterval = .zero
        adapt(&options)
        return try await GatewaySimulator.start(options: options)
    }

    @Test("events arrive, a hand-over under traffic loses none and counts none twice, and coverage is unbroken")
    func handover() async throws {
        let gateway = try await gateway()
        try await Holding.of(configuration(gateway)) { held in
            try await held.until { $0.value("holdfast_stream_up") == 1 }
            try await gateway.emit(50, to: "a")
            try await held.until { $0.value("holdfast_messages_received_total") == 50 }
            // The notice comes, and 400 more events while two channels are open.
            try await gateway.inject(.closingNotice(lead: .seconds(30)))
            for _ in 0..<40 { try await gateway.emit(10, to: "a") }
            try await held.until { $0.value("holdfast_disconnects_total", "reason=\"planned\"") == 1 }
            try await gateway.emit(50, to: "a")
            try await gateway.groundTruth { $0.channelsCreated == 2 && $0.openConnections == 1 }
            // 500 events and the notice. What came through both channels is known by its identifier.
            func unique(_ metrics: Scrape) -> Double? {
                guard let received = metrics.value("holdfast_messages_received_total"),
                    let duplicate = metrics.value("holdfast_messages_duplicate_total")
                else { return nil }
                return received - duplicate
            }
            try await held.until { unique($0) == 501 }
            let metrics = held.metrics
            #expect(unique(metrics) == 501)
            #expect(metrics.value("holdfast_continuity_ratio")?.isNaN == true)
            #expect(metrics.value("holdfast_reconnects_total") == 0)
            let covered = try #require(metrics.value("holdfast_covered_seconds_total"))
            let observed = try #require(metrics.value("holdfast_observed_seconds_total"))
            // Not covered is the time until the stream was live for the first time, and nothing else.
            let later = held.metrics
            let coveredLater = try #require(later.value("holdfast_covered_seconds_total"))
            let observedLater = try #require(later.value("holdfast_observed_seconds_total"))
            #expect(abs((observedLater - observed) - (coveredLater - covered)) < 1e-6)
            #expect(metrics.value("holdfast_messages_expected_total") == 0)
        }
        await gateway.stop()
    }

    @Test("a lost socket reconnects to the same channel, a channel that is gone is replaced")
    func reconnects() async throws {
        let gateway = try await gateway { $0.channelLifetime = .seconds(86_400) }
        try await Holding.of(configuration(gateway)) { held in
            try await held.until { $0.value("holdfast_stream_up") == 1 }
            try await gateway.inject(.drop(.reset))
            try await held.until { $0.value("holdfast_reconnects_total") == 1 }
            var truth = try await gateway.groundTruth()
            #expect(truth.channelsCreated == 1 && truth.apiRequests["200"] == 2)
            #expect(held.metrics.value("holdfast_resumes_total", "outcome=\"unknown\"") == 1)
            // Twenty further channels of the same client: the stream's own, which has a socket, stays; once it has none
            // it goes.
            try await gateway.inject(.refuseToken(.count(1)))
            try await gateway.inject(.drop(.finish))
            try await held.until { $0.value("holdfast_reconnects_total") == 2 }
            truth = try await gateway.groundTruth()
            #expect(held.metrics.value("holdfast_connect_failures_total", "reason=\"refused_token\"") == 1)
            #expect(truth.tokenRequests["issued"] == 2)
        }
        await gateway.stop()
    }

    @Test("a channel that ends, notice and all, hands over before its end")
    func channelEnds() async throws {
        let gateway = try await gateway {
            // The notice soon, the end far behind it: time enough for a hand-over on the busiest machine.
            $0.channelLifetime = .seconds(30)
            $0.closingNoticeLead = .milliseconds(29_500)
        }
        try await Holding.of(configuration(gateway)) { held in
            try await held.until { $0.value("holdfast_disconnects_total", "reason=\"planned\"") ?? 0 >= 2 }
            #expect(held.metrics.value("holdfast_reconnects_total") == 0)
            #expect(held.metrics.value("holdfast_disconnects_total", "reason=\"closed_abnormal\"") == 0)
        }
        await gateway.stop()
    }

    @Test("Genesys' own client makes a channel, subscribes it and lists it")
    func sdk() async throws {
        let gateway = try await gateway { $0.forbiddenTopicPrefixes = ["v2.forbidden"] }
        let python = ProcessInfo.processInfo.environment["HOLDFAST_PYTHON"] ?? ".build-venv/bin/python"
        let path = URL(filePath: python, relativeTo: repository).path
        try #require(
            FileManager.default.isExecutableFile(atPath: path),
            """
            there is no Python at \(path); make one with `python3 -m venv .build-venv && \
            .build-venv/bin/pip install PureCloudPlatformClientV2`, or name one in HOLDFAST_PYTHON
            """)
        let script = repository.appending(path: "Tests/ServicesTests/Support/sdk.py").path
        let run = try await Program.run(
            path, [script, "http://\(gateway.authority)", "a", "secret", "v2.users.1.presence", "v2.forbidden.x"])
        try #require(
            run.status != 3, "\(path) has no PureCloudPlatformClientV2: install it there with `pip install`")
        try #require(run.status == 0, "\(run.errors)")
        let told = try JSONDecoder().decode(ClientReport.self, from: Data(run.output.utf8))
        #expect(told.put == ["v2.users.1.presence": "Permitted", "v2.forbidden.x": "Rejected"])
        #expect(told.listed == ["v2.users.1.presence"])
        #expect(
            told.channels == [told.channel] && told.connectUri == "ws://\(gateway.authority)/channels/\(told.channel)")
        let truth = try await gateway.groundTruth()
        #expect(truth.sessions[told.channel]?.subscriptions == ["v2.users.1.presence"])
        await gateway.stop()
    }

    /// What `sdk.py` prints.
    private struct ClientReport: Decodable {
        var channel: String
        var connectUri: String
        var put: [String: String]
        var listed: [String]
        var channels: [String]
    }
}
