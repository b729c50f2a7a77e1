import ArgumentParser
import ExpositionServer
import Foundation
import Holdfast
import Logging
import StreamRuntime

/// `holdfast run`: holds the streams of a configuration file and serves what it measured.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Holds the streams of a configuration file (what a bare `holdfast` does).",
        discussion: """
            Logs go to standard error; standard output belongs to the audit trail. SIGTERM and SIGINT stop cleanly, \
            SIGHUP reloads the configuration and opens the audit file anew. Ends with status 0 when asked to stop, 1 \
            when it failed while running, 64 on wrong flags, 78 on a wrong configuration.
            """)

    @Option(name: .customLong("config.file"), help: "The configuration file.", completion: .file())
    var configFile = "holdfast.yml"

    @Option(
        name: .customLong("web.listen-address"),
        help: "Where to listen: :PORT, HOST:PORT or [::1]:PORT; may be repeated. Port 0 picks one and prints it.")
    var listenAddresses: [String] = [":10046"]

    @Option(name: .customLong("web.telemetry-path"), help: "The path of the metrics.")
    var telemetryPath = "/metrics"

    @Option(
        name: .customLong("web.config.file"),
        help: "TLS, users and response headers, in the format of Prometheus' exporter-toolkit.", completion: .file())
    var webConfigFile: String?

    @Flag(
        name: .customLong("web.systemd-socket"),
        help: "Serve on the sockets of a systemd socket unit, or fail. Where there are some they are used in any case.")
    var insistsOnInheritedSockets = false

    @Flag(name: .customLong("web.enable-lifecycle"), help: "Allow reload and reconnect over HTTP.")
    var enablesLifecycle = false

    @Option(name: .customLong("web.max-requests"), help: "Scrapes at the same time; 0: no limit.")
    var maximumRequests = 40

    @Option(
        name: .customLong("web.peers"),
        help: "HOST:PORT of every shard, with {index} for its number: what /api/v1/targets lists. Needs --shard.")
    var peers: String?

    @OptionGroup var log: LogOptions

    @Option(help: "Take the streams whose name hashes to INDEX of COUNT shards, as INDEX/COUNT.")
    var shard: Shard?

    mutating func validate() throws {
        guard telemetryPath.hasPrefix("/") else {
            throw ValidationError("--web.telemetry-path must begin with a slash, such as /metrics")
        }
        guard maximumRequests >= 0 else { throw ValidationError("--web.max-requests must be 0 or more") }
        if let peers, let mistake = ScrapeTargets.mistake(inPattern: peers) {
            throw ValidationError("--web.peers: \(mistake)")
        }
        guard peers == nil || shard != nil else { throw ValidationError("--web.peers needs --shard INDEX/COUNT") }
        for address in listenAddresses {
            do {
                _ = try ListenAddress(parsing: address)
            } catch {
                throw ValidationError("--web.listen-address: \(error)")
            }
        }
    }

    mutating func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let vault = SecretVault()
        let logger = log.logger(vault: vault)
        var configuration = try readConfiguration(environment)
        configuration.listenAddresses = try addresses(environment, logger: logger)
        configuration.server.telemetryPath = telemetryPath
        configuration.server.lifecycleEnabled = enablesLifecycle
        configuration.server.maximumConcurrentScrapes = maximumRequests
        configuration.server.targets = ScrapeTargets(
            shard: shard.map { .init(index: $0.index, count: $0.count) }, peers: peers)
        if let webConfigFile { configuration.web = try readWebConfiguration(webConfigFile) }
        DescriptorLimit.raise(streams: configuration.plan.streams.count, logger: logger)

        let manager = ServiceManager(environment: environment)
        let reloader = ConfigurationReloader(
            path: configFile, shard: shard, environment: environment, logger: logger, manager: manager)
        let signals = await ExporterService.signals()
        let service = ExporterService(logger: logger, manager: manager)
        let exporter = try service.start(configuration, vault: vault, reload: { try reloader.reload($0) })
        logger.info(
            "holding",
            metadata: ["version": "\(HoldfastVersion.current)", "streams": "\(configuration.plan.streams.count)"])
        try await service.runUntilStopped(exporter, signals: signals) {
            // A log rotator sends the same signal: whatever the configuration says, the file is opened by its name.
            exporter.reopenAuditFile()
            try? reloader.reload(exporter)
        }
    }

    /// What a service manager handed over, or else what the flags say.
    private func addresses(_ environment: [String: String], logger: Logger) throws -> [ListenAddress] {
        do {
            let inherited = try InheritedSockets.take(environment: environment)
            guard inherited.isEmpty else { return inherited }
        } catch {
            logger.error("cannot start: \(error)")
            throw ExitCode.failure
        }
        guard !insistsOnInheritedSockets else {
            logger.error("cannot start: no socket was handed over; is holdfast.socket enabled and started?")
            throw ExitCode.failure
        }
        return try listenAddresses.map { try ListenAddress(parsing: $0) }
    }

    private func readConfiguration(_ environment: [String: String]) throws -> ExporterConfiguration {
        let result = ConfigurationFile.load(path: configFile, environment: environment)
        for diagnostic in result.diagnostics { StandardError.write("\(diagnostic)") }
        guard var configuration = result.configuration else { throw ExitCode.wrongConfiguration }
        if let shard { configuration.plan.streams.removeAll { !shard.takes($0.name) } }
        return configuration
    }

    private func readWebConfiguration(_ path: String) throws -> WebConfiguration {
        let (web, diagnostics) = WebConfigurationFile.load(path: path)
        for diagnostic in diagnostics { StandardError.write("\(diagnostic)") }
        guard let web else { throw ExitCode.wrongConfiguration }
        return web
    }
}

/// The flags of every command that logs.
struct LogOptions: ParsableArguments {
    @Option(name: .customLong("log.level"), help: "The least level logged.")
    var level = LogLevel.info

    @Option(name: .customLong("log.format"), help: "How log lines are written.")
    var format = LogFormat.logfmt

    func logger(vault: SecretVault) -> Logger {
        let redact = vault.redaction
        return Logger(label: "holdfast") { [format, level] _ in
            LineLogHandler(format: format, level: level, redact: redact)
        }
    }
}
