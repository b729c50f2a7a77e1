/// Where the trail goes, and how well it is kept.
public struct AuditTrailConfiguration: Sendable {
    /// Whether every line is written to standard output.
    public var standardOutput = false
    /// The file; nil for none.
    public var file: AuditFileConfiguration?
    /// How many of the newest lines are kept in memory; at least 1.
    public var recentLines = 1_000
    /// How many bytes the newest lines may take in memory.
    public var recentBytes = 1 << 20
    /// How many lines may wait for a sink; further ones are dropped and counted.
    public var queuedLines = 65_536
    /// How many bytes may wait for a sink; further lines are dropped and counted.
    public var queuedBytes = 16 << 20
    /// Takes secrets out of text that came from outside; see ``AuditTrail/redaction(of:)``.
    public var redact: @Sendable (String) -> String = { $0 }

    /// Only in memory.
    public init() {}
}

/// The file that lines are appended to.
public struct AuditFileConfiguration: Hashable, Sendable {
    /// When lines are forced from the system's cache to the disk.
    public enum Synchronization: String, CaseIterable, Sendable {
        /// Before the next thing happens to the stream; streams that write together share one `fsync`.
        case always
        /// Once a second.
        case interval
        /// When the system likes.
        case never
    }

    /// The file's path; older files are `path.1`, `path.2` … with the oldest last.
    public var path: String
    /// A line that would make the file larger than this many bytes goes into a new one.
    public var maximumSize: Int64 = 64 << 20
    /// How many older files are kept.
    public var keep = 10
    /// When lines are forced to the disk.
    public var synchronization = Synchronization.interval

    /// The file at `path`, 64 MiB, ten older files, forced to the disk once a second.
    public init(path: String) {
        self.path = path
    }
}

/// Who is told what the trail does. Called on whatever thread it happens; must return at once and must not call the
/// trail.
public struct AuditTrailHooks: Sendable {
    /// A line was made.
    public var onEvent: @Sendable (AuditEventName) -> Void = { _ in }
    /// A sink could not take so many lines.
    public var onDrop: @Sendable (AuditSinkName, UInt64) -> Void = { _, _ in }
    /// A sink failed, or works again: a sentence for the log.
    public var onNotice: @Sendable (AuditSinkName, String) -> Void = { _, _ in }

    /// Nobody is told.
    public init() {}
}

/// The trail could not be opened: what happened, where, and what to do.
public struct AuditTrailError: Error, Hashable, CustomStringConvertible {
    /// What happened.
    public var description: String
}
