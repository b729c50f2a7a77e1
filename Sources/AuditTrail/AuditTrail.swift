public import StreamModel

/// The audit trail: every record becomes one line of JSON, in the order in which things happened, the same bytes for
/// standard output, the file, the newest lines in memory, and whoever follows.
///
/// Any thread may call any method. A slow reader or a full disk never holds up ``append(_:)``; only where the file is
/// configured with `fsync: always` it returns when the line is on the disk, or the disk has refused it.
public final class AuditTrail: Sendable {
    private struct Core {
        var nextLine: UInt64
        var recent: RecentLines
        var observers: [UInt64: @Sendable (EventRecord, AuditLine?) -> Void] = [:]
        var nextObserver: UInt64 = 0

        func tell(_ record: EventRecord, _ line: AuditLine?) {
            for observer in observers.values { observer(record, line) }
        }
    }

    private let core: Monitor<Core>
    private let encoder: AuditLineEncoder
    private let hooks: AuditTrailHooks
    private let output: SinkWriter?
    private let file: SinkWriter?
    private let waitsForDisk: Bool

    /// Where the torn last line of an earlier life was put aside; nil where there was none.
    public let tornLinePath: String?

    /// Opens the sinks. Line numbers go on where the file ends.
    ///
    /// - Throws: ``AuditTrailError`` where the file cannot be opened, or another process writes to it.
    public convenience init(
        _ configuration: AuditTrailConfiguration, hooks: AuditTrailHooks = AuditTrailHooks()
    ) throws(AuditTrailError) {
        try self.init(configuration, hooks: hooks, files: SystemFileSystem(), output: StandardOutput())
    }

    /// A trail to a file in `files` and nowhere else, which does nothing but within a call.
    package convenience init(
        _ configuration: AuditTrailConfiguration, hooks: AuditTrailHooks, files: any FileSystem,
        clock: @escaping @Sendable () -> Instant
    ) throws(AuditTrailError) {
        var configuration = configuration
        configuration.standardOutput = false
        try self.init(
            configuration, hooks: hooks, files: files, output: StandardOutput(), pace: .caller(clock: clock))
    }

    init(
        _ configuration: AuditTrailConfiguration, hooks: AuditTrailHooks, files: any FileSystem,
        output: any LineDestination, retryAfter: Duration = .seconds(1), pace: SinkPace = .thread
    ) throws(AuditTrailError) {
        var limits = SinkWriter.Limits(lines: configuration.queuedLines, bytes: configuration.queuedBytes)
        limits.retryAfter = retryAfter
        self.hooks = hooks
        encoder = AuditLineEncoder(redact: configuration.redact)
        var lastLine: UInt64 = 0
        if let fileConfiguration = configuration.file {
            let opened = try Self.open(fileConfiguration, files: files)
            lastLine = opened.lastLine
            tornLinePath = opened.tornLinePath
            file = try SinkWriter(name: .file, destination: opened, limits: limits, hooks: hooks, pace: pace)
        } else {
            tornLinePath = nil
            file = nil
        }
        waitsForDisk = configuration.file?.synchronization == .always
        self.output =
            configuration.standardOutput
            ? try SinkWriter(
                name: .standardOutput, destination: output, limits: limits, hooks: hooks, pace: pace) : nil
        core = Monitor(
            Core(
                nextLine: lastLine == .max ? 1 : lastLine + 1,
                recent: RecentLines(lines: configuration.recentLines, bytes: configuration.recentBytes)))
    }

    private static func open(
        _ configuration: AuditFileConfiguration, files: any FileSystem
    ) throws(AuditTrailError) -> AuditFile {
        do throws(FileError) {
            return try AuditFile(configuration, files: files)
        } catch {
            let advice =
                error.operation == "lock"
                ? "another process writes to it; give each process a file of its own"
                : "create the directory and let this user write to it, or change audit.file.path"
            throw AuditTrailError(description: "audit file: \(error): \(advice)")
        }
    }

    deinit {
        // Ends the threads, which hold the sinks but not the trail; nobody waits for them.
        _ = output?.close(until: Instant(nanoseconds: .min))
        _ = file?.close(until: Instant(nanoseconds: .min))
    }

    // MARK: - Writing

    /// Writes the line for `record`; nothing where the trail does not record such a fact.
    public func append(_ record: EventRecord) {
        var ticket: UInt64?
        var names: [AuditEventName] = []
        core.withLock { core in
            guard let line = encoder.line(core.nextLine, for: record) else { return core.tell(record, nil) }
            // Only now that a line comes: a sink that works again first hears what it missed.
            let reports = reportDropped(at: record.time, &core)
            names = Array(repeating: .auditDropped, count: reports)
            let own = reports == 0 ? line : encoder.line(core.nextLine, for: record) ?? line
            ticket = publish(own, isAwaited: waitsForDisk, &core)
            names.append(own.event)
            core.tell(record, own)
        }
        for name in names { hooks.onEvent(name) }
        if waitsForDisk, let ticket { file?.waitUntilTried(ticket) }
    }

    /// Hands `line` to everyone; returns its ticket at the file.
    private func publish(_ line: AuditLine, isAwaited: Bool = false, _ core: inout Core) -> UInt64? {
        core.nextLine += 1
        _ = output?.offer(line)
        let ticket = file?.offer(line, isAwaited: isAwaited)
        core.recent.append(line)
        return ticket
    }

    /// One line for each sink that dropped some and can take lines again; tells how many.
    private func reportDropped(at time: WallTime, _ core: inout Core) -> Int {
        var reports = 0
        for sink in [output, file] {
            guard let sink, let count = sink.takeDropped() else { continue }
            _ = publish(encoder.droppedLine(core.nextLine, at: time, sink: sink.name, count: count), &core)
            reports += 1
        }
        return reports
    }

    // MARK: - Reading

    /// The number of the newest line; 0 before the first.
    public var lastLine: UInt64 {
        core.withLock { $0.nextLine - 1 }
    }

    /// The newest `limit` lines in memory, oldest first; of one stream or one event where asked.
    public func newest(_ limit: Int, stream: String? = nil, event: AuditEventName? = nil) -> [AuditLine] {
        core.withLock { $0.recent.newest(limit, matching: .init(stream: stream, event: event)) }
    }

    /// The newest lines, and from then on every further one: none is missing between the two, and none comes twice.
    ///
    /// `receive` is called in the order of the lines, with the trail's lock held: it must return at once and must not
    /// call the trail. After ``AuditSubscription/cancel()`` has returned it is not called again.
    public func follow(
        newest limit: Int, stream: String? = nil, event: AuditEventName? = nil,
        receive: @escaping @Sendable (AuditLine) -> Void
    ) -> (lines: [AuditLine], subscription: AuditSubscription) {
        let filter = RecentLines.Filter(stream: stream, event: event)
        let (lines, follower) = core.withLock { core in
            (core.recent.newest(limit, matching: filter), core.recent.follow(filter, receive))
        }
        return (lines, AuditSubscription { [weak self] in self?.core.withLock { $0.recent.unfollow(follower) } })
    }

    /// From now on every record, also those that make no line, and the line where one was made.
    ///
    /// `receive` is called in the order of the lines, with the trail's lock held: it must return at once and must not
    /// call the trail. After ``AuditSubscription/cancel()`` has returned it is not called again.
    public func observe(_ receive: @escaping @Sendable (EventRecord, AuditLine?) -> Void) -> AuditSubscription {
        let observer = core.withLock { core in
            core.nextObserver += 1
            core.observers[core.nextObserver] = receive
            return core.nextObserver
        }
        return AuditSubscription { [weak self] in self?.core.withLock { $0.observers[observer] = nil } }
    }

    // MARK: - Keeping

    /// Has the sinks do what is due, where they have no threads; tells when more will be.
    package func passTime() -> Instant? {
        [output?.passTime(), file?.passTime()].compactMap { $0 ?? nil }.min()
    }

    /// Opens the file anew by its name: what a log rotator asks for with a signal.
    public func reopen() {
        file?.reopen()
    }

    /// Has everything so far written, and forced to the disk unless `fsync: never`; false where that took longer.
    public func flush(within limit: Duration, at time: WallTime? = nil) -> Bool {
        let reports = core.withLock { reportDropped(at: time ?? SystemClock.wall, &$0) }
        for _ in 0..<reports { hooks.onEvent(.auditDropped) }
        let deadline = SystemClock.monotonic + limit
        // The file first: a reader of standard output that is stuck must not cost what the disk would take.
        let wroteFile = file?.flush(until: deadline) ?? true
        return (output?.flush(until: deadline) ?? true) && wroteFile
    }

    /// Flushes and ends. Lines appended later are dropped and counted. False where something could not be written.
    public func close(within limit: Duration) -> Bool {
        let deadline = SystemClock.monotonic + limit
        // The file first, as above.
        let wroteFile = file?.close(until: deadline) ?? true
        return (output?.close(until: deadline) ?? true) && wroteFile
    }

    /// A redaction that replaces every occurrence of the secrets that `secrets` names at that moment with `***`.
    public static func redaction(of secrets: @escaping @Sendable () -> [String]) -> @Sendable (String) -> String {
        { text in Redaction.apply(to: text, secrets: secrets()) }
    }
}

/// Someone who follows the trail.
public struct AuditSubscription: Sendable {
    private let end: @Sendable () -> Void

    init(end: @escaping @Sendable () -> Void) {
        self.end = end
    }

    /// Ends it; safe to call twice, but not from within the callback.
    public func cancel() {
        end()
    }
}
