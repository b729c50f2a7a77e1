import ArgumentParser
import AuditTrail
import Credentials
import ExpositionServer
import Foundation
import GatewaySimulator
import Holdfast
import StreamProfiles
import StreamRuntime

/// `holdfast demo`: a simulated gateway that misbehaves, and the exporter that holds on to it, in one process.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Simulated gateway, exporter and scripted faults in one process; prints what to open.",
        discussion: "Runs until it is stopped, or for --duration seconds.")

    @Option(name: .customLong("web.listen-address"), help: "Where the exporter listens.")
    var listenAddress = "127.0.0.1:10046"

    @Option(help: "A fault script in place of the demo's own.", completion: .file())
    var script = "demo"

    @Option(help: "Events a second for each stream.")
    var rate = 5.0

    @Option(help: "Seconds after which the demo ends; 0: never.")
    var duration = 0.0

    @OptionGroup var log: LogOptions

    mutating func validate() throws {
        guard (0...10_000).contains(rate) else { throw ValidationError("--rate must be 0 to 10000") }
        guard (0...86_400).contains(duration) else { throw ValidationError("--duration must be 0 to 86400") }
        do {
            _ = try ListenAddress(parsing: listenAddress)
        } catch {
            throw ValidationError("--web.listen-address: \(error)")
        }
    }

    mutating func run() async throws {
        var options = GatewaySimulator.Options()
        options.clients = ["demo": "demo-secret"]
        options.eventRate = rate
        options.script = try GatewayCommand.read(script)
        options.log = { DemoNarrator.gateway($0) }
        let gateway: GatewaySimulator
        do {
            gateway = try await GatewaySimulator.start(options: options)
        } catch {
            StandardError.write("\(error)")
            throw ExitCode.failure
        }
        defer { withExtendedLifetime(gateway) {} }

        let vault = SecretVault()
        if log.level == .info { log.level = .error }  // the narrator tells the rest, for people
        let logger = log.logger(vault: vault)
        var configuration = try Self.configuration(gateway)
        configuration.listenAddresses = [try ListenAddress(parsing: listenAddress)]
        configuration.server.lifecycleEnabled = true
        let service = ExporterService(logger: logger)
        let exporter = try service.start(configuration, vault: vault)
        let narrator = DemoNarrator(exporter)
        narrator.introduce(gateway, listening: exporter.addresses)
        let tail = narrator.follow()
        defer { tail.cancel() }

        let narration = Task { await narrator.summarize(every: .seconds(10)) }
        if duration > 0 {
            try? await Task.sleep(until: .now + .seconds(duration), clock: .continuous)
            narration.cancel()
            narrator.conclude()
            await exporter.stop()
        } else {
            try await service.runUntilStopped(exporter, signals: await ExporterService.signals())
            narration.cancel()
            narrator.conclude()
        }
        await gateway.stop()
    }

    private static func configuration(_ gateway: GatewaySimulator) throws -> ExporterConfiguration {
        let text = """
            credentials:
              genesys:
                type: oauth2_client_credentials
                token_url: \(gateway.tokenURL)
                client_id: demo
                client_secret: demo-secret
            defaults:
              backoff: {base: 500ms, cap: 8s, reset_after: 10s}
              heartbeat: {interval: 5s, timeout: 3s}
            streams:
              - name: queue-events
                profile: genesys-architect
                url: \(gateway.architectURL)
                credential: genesys
                subscriptions: [queueEvents]
                labels: {team: ivr}
              - name: conversation-events
                profile: genesys-architect
                url: \(gateway.architectURL)
                credential: genesys
                subscriptions: [conversationEvents]
                labels: {team: routing}
            audit: {stdout: false}
            """
        let result = ConfigurationFile.load(text: text, file: "demo", environment: [:])
        guard let configuration = result.configuration else {
            for diagnostic in result.diagnostics { StandardError.write("\(diagnostic)") }
            throw ExitCode.wrongConfiguration
        }
        return configuration
    }
}
