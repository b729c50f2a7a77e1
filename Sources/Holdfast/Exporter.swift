public import AuditTrail
public import ExpositionServer
import Foundation
public import Logging
import MetricsRegistry
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import StreamMetrics
import StreamModel
public import StreamRuntime

/// Holds the streams of a configuration, measures them, and serves what it measured. The whole of `holdfast run`,
/// without flags, files and signals.
public final class Exporter: Sendable {
    /// The exporter's metrics; an application may register its own in their registry.
    public let metrics: StreamMetrics
    /// The audit trail.
    public let trail: AuditTrail
    /// The secrets in use, to be kept out of logs.
    public let vault: SecretVault

    let logger: Logger
    let holdings: NIOLockedValueBox<Holdings>
    let feeds: MessageFeeds
    let eventQueues = EventQueues()
    /// Streams whose retries are used up, where the process is to end with them.
    let exhausted: AsyncStream<String>

    let runtime: StreamRuntime
    private let server: ExpositionServer?
    private let board: StreamBoard
    let group: MultiThreadedEventLoopGroup
    private let wall: WallClock
    let configuration: ExporterConfiguration
    private let wanted: NIOLockedValueBox<Int?>
    private let minutes = NIOLockedValueBox<RepeatedTask?>(nil)

    /// Opens the audit trail and the state directory, and prepares everything else; nothing is started yet.
    ///
    /// - Parameters:
    ///   - configuration: everything that the exporter does.
    ///   - logger: where it logs, with metadata that names stream, connection and attempt.
    ///   - vault: takes the secrets in use, for a log handler that keeps them out.
    ///   - wall: the wall clock.
    ///   - reload: what `POST /-/reload` runs; it is to end with ``apply(_:)`` or to throw what the client is shown.
    ///   - ended: called with a stream's name when its retries are used up and the process is to end.
    /// - Throws: an error that says what happened, where and what to do.
    public init(
        _ configuration: ExporterConfiguration, logger: Logger, vault: SecretVault = SecretVault(),
        wall: WallClock = .system, reload: (@Sendable (Exporter) async throws -> Void)? = nil,
        ended: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        self.logger = logger
        self.vault = vault
        self.wall = wall
        let (exhausted, exhaustion) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
        self.exhausted = exhausted
        let metrics = try StreamMetrics(
            registry: configuration.registry ?? MetricsRegistry(), version: HoldfastVersion.current,
            swift: HoldfastVersion.swift,
            auditEvents: AuditEventName.allCases.map(\.rawValue))
        self.metrics = metrics
        trail = try Self.openTrail(configuration, metrics: metrics, vault: vault, logger: logger)
        metrics.showAuditPosition { [trail] in trail.lastLine }
        if let path = trail.tornLinePath {
            logger.warning("the audit file ended in a torn line; it was set aside", metadata: ["file": "\(path)"])
        }
        board = StreamBoard()
        wanted = NIOLockedValueBox(nil)
        feeds = MessageFeeds()
        holdings = NIOLockedValueBox(Holdings(plan: configuration.plan))
        group = MultiThreadedEventLoopGroup(
            numberOfThreads: configuration.threads > 0 ? configuration.threads : System.coreCount)

        var options = StreamRuntime.Options()
        options.budget = configuration.budget
        options.network = NetworkConnecting(tls: configuration.tls, proxies: configuration.proxies)
        options.wall = wall
        options.seed = configuration.seed
        options.environment = configuration.environment
        options.timerSlack = .milliseconds(100)
        options.tokenObtained = { [vault] in vault.add(token: $0) }
        if let directory = configuration.stateDirectory { options.cursors = try CursorStore(directory: directory) }
        runtime = StreamRuntime(
            options: options, group: group,
            listeners: Self.listeners(
                metrics: metrics, trail: trail, board: board, feeds: feeds, vault: vault, wall: wall),
            logger: logger,
            ended: { stream in
                exhaustion.yield(stream)
                ended(stream)
            })
        vault.replace(with: configuration.plan)

        let surface = ExporterSurface(
            metrics: metrics, trail: trail, board: board, runtime: runtime, wanted: wanted, wall: wall,
            telemetryPath: configuration.server.telemetryPath)
        server =
            configuration.listenAddresses.isEmpty
            ? nil
            : ExpositionServer(
                options: configuration.server, web: configuration.web, metrics: surface, api: surface,
                log: { [logger] in logger.warning("\($0)") })
        if let reload { surface.reloading = { [weak self] in if let self { try await reload(self) } } }
    }

    private static func openTrail(
        _ configuration: ExporterConfiguration, metrics: StreamMetrics, vault: SecretVault, logger: Logger
    ) throws -> AuditTrail {
        var audit = configuration.audit
        audit.redact = AuditTrail.redaction { vault.all }
        return try AuditTrail(audit, hooks: trailHooks(metrics: metrics, logger: logger))
    }

    /// Counts what the trail does, and logs where a sink fails.
    package static func trailHooks(metrics: StreamMetrics, logger: Logger) throws -> AuditTrailHooks {
        var counters: [AuditSinkName: Counter] = [:]
        for sink in AuditSinkName.allCases { counters[sink] = try metrics.auditDropped(sink: sink.rawValue) }
        _ = try metrics.auditDropped(sink: ExporterSurface.followerSink)
        var hooks = AuditTrailHooks()
        // Not held: a scrape asks the trail for its position, and whoever has the one would keep the other for ever.
        hooks.onEvent = { [weak metrics] in metrics?.recordAuditEvent($0.rawValue) }
        hooks.onDrop = { [counters] sink, count in counters[sink]?.increment(by: count) }
        hooks.onNotice = { logger.warning("\($1)", metadata: ["sink": "\($0.rawValue)"]) }
        return hooks
    }

    /// Hears streams as an exporter does, for who runs them without one: in a simulation.
    package static func listeners(
        metrics: StreamMetrics, trail: AuditTrail, vault: SecretVault, wall: WallClock
    ) -> StreamRuntime.ListenerSource {
        listeners(
            metrics: metrics, trail: trail, board: StreamBoard(), feeds: MessageFeeds(), vault: vault, wall: wall)
    }

    private static func listeners(
        metrics: StreamMetrics, trail: AuditTrail, board: StreamBoard, feeds: MessageFeeds, vault: SecretVault,
        wall: WallClock
    ) -> StreamRuntime.ListenerSource {
        let redact = vault.redaction
        return StreamRuntime.ListenerSource(
            added: { identity, specification in
                let isSequenced = specification.policy.sequence != .none
                let series: StreamSeries
                do {
                    series = try metrics.addStream(identity, sequenced: isSequenced)
                } catch {
                    // Whoever reads the stream is not to wait for ever.
                    feeds.remove(identity.name, ending: true)
                    throw error
                }
                if let credential = specification.credential { try metrics.addCredential(credential) }
                let entry = board.add(StreamStatus(identity, isSequenced: isSequenced, at: wall.now()))
                return StreamStation(
                    identity, series: series, metrics: metrics, trail: trail, entry: entry,
                    feed: feeds.feed(of: identity.name), redact: redact)
            },
            removed: { identity in
                metrics.removeStream(named: identity.name)
                board.remove(identity.name)
            })
    }

    // MARK: Life

    /// Listens, then starts every stream.
    ///
    /// - Returns: the addresses listened on, with the ports that the system chose.
    /// - Throws: where an address cannot be listened on; nothing is started then.
    @discardableResult
    public func start() throws -> [ListenAddress] {
        try server?.start(listenAddresses: configuration.listenAddresses)
        metrics.recordConfigurationLoad(success: true, at: wall.now())
        holdings.withLockedValue { holdings in
            holdings.phase = .running
            enact(holdings)
        }
        if server != nil { endEveryMinute() }
        return server?.boundAddresses ?? []
    }

    /// One timer for the history of all streams.
    private func endEveryMinute() {
        let interval = TimeAmount.nanoseconds(StreamHistory.interval.nanoseconds)
        let task = group.next().scheduleRepeatedTask(initialDelay: interval, delay: interval) { [board] _ in
            board.endMinute(at: Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds)))
        }
        minutes.withLockedValue { $0 = task }
    }

    /// The addresses listened on, with the ports that the system chose.
    public var addresses: [String] { listening.map(\.description) }

    /// The same, in their parts.
    var listening: [ListenAddress] { server?.boundAddresses ?? [] }

    /// The figures of every stream now, by name.
    public var summaries: [StreamSummary] { board.all.map(StreamSummary.init) }

    /// Holds what `plan` names instead of what was held: untouched streams stay connected, and so do those that are read
    /// (``hold(_:limit:)``).
    @discardableResult
    public func apply(_ plan: RuntimePlan) -> PlanChanges {
        vault.replace(with: plan)
        let changes = holdings.withLockedValue { holdings in
            holdings.plan = plan
            return enact(holdings)
        }
        let words =
            "\(changes.added.count) added, \(changes.removed.count) removed, \(changes.restarted.count) restarted, "
            + "\(changes.untouched.count) untouched"
        metrics.recordConfigurationLoad(success: true, at: wall.now())
        trail.append(
            EventRecord(time: wall.now(), fact: .configurationReloaded(success: true, detail: words)))
        logger.info("configuration reloaded", metadata: ["streams": "\(words)"])
        return changes
    }

    /// Says that a new configuration was refused; nothing changes.
    public func refuseReload(_ reason: String) {
        metrics.recordConfigurationLoad(success: false, at: wall.now())
        trail.append(
            EventRecord(time: wall.now(), fact: .configurationReloaded(success: false, detail: reason)))
        logger.error("configuration not reloaded; the old one stays in force", metadata: ["reason": "\(reason)"])
    }

    /// Holds what is wanted. Called with the lock on `holdings`: of two changes, the later one is to be the last.
    @discardableResult
    func enact(_ holdings: Holdings) -> PlanChanges {
        let plan = holdings.wanted
        wanted.withLockedValue { $0 = plan.streams.count }
        return runtime.apply(plan)
    }

    /// Opens the audit file anew by its name, for log rotators.
    public func reopenAuditFile() {
        trail.reopen()
    }

    /// Stops every stream with a close frame, saves the cursors, writes out the audit trail, and ends the endpoint.
    /// Takes at most about `limit`.
    public func stop(within limit: Duration = .seconds(4)) async {
        minutes.withLockedValue { $0?.cancel() }
        holdings.withLockedValue { $0.phase = .stopped }
        await runtime.stop(within: limit - .seconds(1))
        feeds.endAll()
        await eventQueues.end(within: .milliseconds(500))
        let trail = trail
        let isWritten = await onThread { trail.close(within: .seconds(1)) }
        if !isWritten { logger.warning("not all of the audit trail could be written") }
        let server = server
        await onThread { server?.stop() }
        try? await group.shutdownGracefully()
    }

    /// Runs what blocks for a moment beside the cooperative threads.
    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: body()) }
            thread.start()
        }
    }
}
