import Foundation
import GatewaySimulator
import NIOCore

/// Simulated gateways, Holdfast, Prometheus, Alertmanager and a webhook: the files of `examples/stack` with the ports of
/// this run, faster clocks, and the rules scaled by ``ScaledRules``.
final class Stack {
    /// An hour takes a minute.
    static let factor = 60
    private static let secret = "not-a-secret-of-anyone"

    /// Streams of the gateway that has 20 events a second for each.
    static let busyStreams = ["steady", "lossy", "flapping", "down", "refused", "exhausted", "rejected"]
    /// Streams of the gateway that has only the events that it is told to make, and tokens that last five seconds.
    static let quietStreams = ["silent", "expiring"]
    /// All streams that start well.
    static let good = (busyStreams + quietStreams).filter { $0 != "rejected" }

    let busy, quiet: GatewaySimulator
    let webhook = Webhook()
    let folder: URL
    private(set) var programs: [Program] = []
    private let listener: any Channel
    private let webhookURL: String

    private init(folder: URL) async throws {
        self.folder = folder
        var options = GatewaySimulator.Options()
        for name in Self.busyStreams { options.clients[name] = Self.secret }
        options.clients["rejected"] = "another-one"
        options.eventRate = 20
        busy = try await GatewaySimulator.start(options: options)
        options.clients = Dictionary(uniqueKeysWithValues: Self.quietStreams.map { ($0, Self.secret) })
        options.eventRate = 0
        options.tokenLifetime = .seconds(5)
        quiet = try await GatewaySimulator.start(options: options)
        (listener, webhookURL) = try await webhook.listen()
    }

    /// Runs `body` beside everything, and ends everything.
    static func run(in folder: URL, _ body: (Stack) async throws -> Void) async throws {
        let stack = try await Stack(folder: folder)
        do {
            try await body(stack)
            try await stack.stop()
        } catch {
            try? await stack.stop()
            throw error
        }
    }

    private func stop() async throws {
        var failure: (any Error)?
        for program in programs.reversed() {
            do { try await program.stop() } catch { failure = error }
        }
        await busy.stop()
        await quiet.stop()
        try await listener.close()
        if let failure { throw failure }
    }

    private func start(_ name: String, at path: String? = nil, _ arguments: [String]) throws -> Program {
        let program = try Program(name, at: path, arguments, in: folder)
        programs.append(program)
        return program
    }

    /// Runs a program to its end, and fails if it fails.
    func finish(_ name: String, _ arguments: [String], as alias: String) async throws {
        let program = try start(alias, at: Workplace.find(name), arguments)
        let status = try await program.status()
        guard status == 0 else {
            throw Unexpected(description: "\(name) \(arguments) ended with \(status): \(program.said)")
        }
    }

    // MARK: Holdfast

    func writeHoldfastConfiguration(broken: Bool = false) throws {
        var text = """
            defaults:
              backoff: {base: 100ms, cap: 500ms, jitter: {kind: none}, max_attempts: 0}
              heartbeat: {interval: 2s, timeout: 10s}
            credentials:

            """
        let all = Self.busyStreams.map { ($0, busy) } + Self.quietStreams.map { ($0, quiet) }
        for (name, gateway) in all {
            text += """
                  \(name):
                    type: oauth2_client_credentials
                    token_url: \(gateway.tokenURL)
                    client_id: \(name)
                    client_secret: \(Self.secret)

                """
        }
        text += "streams:\n"
        for (name, gateway) in all {
            text += """
                  - name: \(name)
                    profile: genesys-architect
                    url: \(gateway.architectURL)
                    credential: \(name)
                    client_id: \(name)
                    subscriptions: [queueEvents]
                    labels: {team: ivr}

                """
            if name == "exhausted" {
                text += "    backoff: {base: 100ms, cap: 500ms, jitter: {kind: none}, max_attempts: 3}\n"
            }
        }
        if broken { text += "no_such_key: 1\n" }
        try text.write(to: folder.appendingPathComponent("holdfast.yml"), atomically: true, encoding: .utf8)
    }

    /// Starts Holdfast; gives its address once it listens.
    func startHoldfast() async throws -> (program: Program, address: String) {
        try writeHoldfastConfiguration()
        let program = try start(
            "holdfast", at: "\(Workplace.programs)/holdfast",
            ["run", "--config.file", "holdfast.yml", "--web.listen-address", "127.0.0.1:0"])
        return (program, try await program.address(after: "msg=listening"))
    }

    // MARK: Alertmanager and Prometheus

    func startAlertmanager() async throws -> String {
        let text = try Self.replaced(
            "examples/stack/alertmanager.yml",
            [
                ("http://127.0.0.1:9095/", webhookURL), ("group_wait: 10s", "group_wait: 100ms"),
                ("group_interval: 1m", "group_interval: 1s"),
            ])
        try text.write(to: folder.appendingPathComponent("alertmanager.yml"), atomically: true, encoding: .utf8)
        let program = try start(
            "prometheus-alertmanager",
            [
                "--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address=",
                "--web.listen-address=127.0.0.1:0",
            ])
        return try await program.address(after: "msg=\"Listening on\"")
    }

    /// With nil for `holdfast` the job stays and has no targets: Prometheus then forgets `up` at once. Were the job gone, it
    /// would remember for five minutes.
    func writePrometheusConfiguration(alertmanager: String, holdfast: String?) throws {
        let text = try Self.replaced(
            "examples/stack/prometheus.yml",
            [
                ("scrape_interval: 15s", "scrape_interval: 1s"),
                ("evaluation_interval: 15s", "evaluation_interval: 1s"),
                ("../../alerts/holdfast.rules.yml", "holdfast.rules.yml"), ("localhost:9093", alertmanager),
                ("\"localhost:10046\"", holdfast.map { "\"\($0)\"" } ?? ""),
            ])
        try text.write(to: folder.appendingPathComponent("prometheus.yml"), atomically: true, encoding: .utf8)
    }

    func startPrometheus(alertmanager: String, holdfast: String) async throws -> (Program, PrometheusClient) {
        let rules = ScaledRules.scaled(try Workplace.read("alerts/holdfast.rules.yml"), by: Self.factor)
        try rules.write(to: folder.appendingPathComponent("holdfast.rules.yml"), atomically: true, encoding: .utf8)
        try writePrometheusConfiguration(alertmanager: alertmanager, holdfast: holdfast)
        let program = try start(
            "prometheus",
            [
                "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus",
                "--web.listen-address=127.0.0.1:0",
            ])
        let address = try await program.address(after: "msg=\"Listening on\"")
        return (program, PrometheusClient(address: "http://\(address)"))
    }

    private static func replaced(_ file: String, _ pairs: [(String, String)]) throws -> String {
        var text = try Workplace.read(file)
        for (old, new) in pairs {
            guard text.contains(old) else { throw Unexpected(description: "\(file) no longer says \(old)") }
            text = text.replacingOccurrences(of: old, with: new)
        }
        return text
    }
}
