import AuditTrail
import ExpositionServer
import MetricsRegistry
import NIOConcurrencyHelpers
import NIOCore
import StreamMetrics
import StreamModel
import StreamRuntime

/// What the HTTP endpoint shows of an exporter.
final class ExporterSurface: ExporterAPI, MetricsSource {
    private let metrics: StreamMetrics
    private let trail: AuditTrail
    private let board: StreamBoard
    private let runtime: StreamRuntime
    private let wanted: NIOLockedValueBox<Int?>
    private let wall: WallClock
    private let telemetryPath: String
    private let reloadAction = NIOLockedValueBox<(@Sendable () async throws -> Void)?>(nil)

    /// What `POST /-/reload` runs.
    var reloading: (@Sendable () async throws -> Void)? {
        get { reloadAction.withLockedValue { $0 } }
        set { reloadAction.withLockedValue { $0 = newValue } }
    }

    init(
        metrics: StreamMetrics, trail: AuditTrail, board: StreamBoard, runtime: StreamRuntime,
        wanted: NIOLockedValueBox<Int?>, wall: WallClock, telemetryPath: String = "/metrics"
    ) {
        self.metrics = metrics
        self.trail = trail
        self.board = board
        self.runtime = runtime
        self.wanted = wanted
        self.wall = wall
        self.telemetryPath = telemetryPath
    }

    // MARK: MetricsSource

    func contentType(accepting accept: String?) -> String {
        metrics.contentType(accepting: accept)
    }

    func exposition(contentType: String) -> Exposition {
        metrics.exposition(contentType: contentType, at: now)
    }

    // MARK: ExporterAPI

    func indexPage(number: Int) async -> [UInt8] {
        PageDocument(
            streams: board.all, newest: trail.newest(PageDocument.eventCount), now: now, wall: wall.now(),
            telemetryPath: telemetryPath
        ).render(page: number)
    }

    func asset(named name: String) -> PageAsset? {
        PageAssets.all[name]
    }

    func unreadyReason() -> String? {
        guard let wanted = wanted.withLockedValue({ $0 }) else { return "the configuration is not loaded yet" }
        let started = board.startedCount
        return started < wanted ? "\(started) of \(wanted) streams have been started" : nil
    }

    func reload() async throws {
        guard let reloading else { throw ReloadUnavailable() }
        try await reloading()
    }

    private struct ReloadUnavailable: Error, CustomStringConvertible {
        let description = "there is no configuration file to reload"
    }

    func reconnect(stream: String) async -> ReconnectOutcome {
        runtime.reconnect(stream) ? .accepted : .unknownStream
    }

    func streamsJSON(withHistory: Bool) async -> [UInt8] {
        StreamsDocument.render(board.lines, withHistory: withHistory, at: now, wall: wall.now())
    }

    func auditLines(matching query: AuditQuery) async -> [UInt8] {
        guard let filter = Filter(query) else { return [] }
        return trail.newest(query.limit, stream: query.stream, event: filter.event).flatMap(\.bytes)
    }

    func followAudit(
        matching query: AuditQuery, deliver: @escaping @Sendable ([UInt8]) -> Void
    ) async -> AuditTail {
        guard let filter = Filter(query) else { return AuditTail(newest: [], cancel: {}) }
        let (lines, subscription) = trail.follow(newest: query.limit, stream: query.stream, event: filter.event) {
            deliver($0.bytes)
        }
        return AuditTail(newest: lines.flatMap(\.bytes), cancel: { subscription.cancel() })
    }

    func followerDropped(lines: Int) {
        metrics.countDropped(lines, sink: Self.followerSink)
    }

    /// An event's name that no event has matches nothing.
    private struct Filter {
        var event: AuditEventName?

        init?(_ query: AuditQuery) {
            guard let name = query.event else { return }
            guard let event = AuditEventName(rawValue: name) else { return nil }
            self.event = event
        }
    }

    /// What followers of `/api/v1/audit` are called among the sinks.
    static let followerSink = "http"

    private var now: Instant {
        Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds))
    }
}
