/// What the server asks of the program that it exposes. The server knows nothing of streams; this is all it needs.
///
/// The `async` members run outside of the server's polling threads and may take their time: the connection that asked
/// waits, others do not.
public protocol ExporterAPI: Sendable {
    /// The page for people, as UTF-8 HTML. Where the streams fill several pages, `number` says which one; from 1.
    func indexPage(number: Int) async -> [UInt8]

    /// What the page loads from `assets/NAME`; nil where there is no such file. Must return at once.
    func asset(named name: String) -> PageAsset?

    /// Nil when ready; otherwise a sentence that says what is still missing. Must return at once.
    func unreadyReason() -> String?

    /// Loads the configuration anew. The error's text is what the client is shown.
    func reload() async throws

    /// Starts a fresh cycle for a parked stream, or a planned reconnect for a live one.
    func reconnect(stream: String) async -> ReconnectOutcome

    /// What the page shows, as JSON; with the last hour of every stream where asked for.
    func streamsJSON(withHistory: Bool) async -> [UInt8]

    /// The newest lines of the audit trail that match, oldest first, each ended by a newline.
    func auditLines(matching query: AuditQuery) async -> [UInt8]

    /// As `auditLines`, and from the same moment on every further line that matches goes to `deliver`: none is lost in
    /// between, none comes twice. `deliver` never blocks; it may be called before this function has returned.
    func followAudit(
        matching query: AuditQuery, deliver: @escaping @Sendable (_ line: [UInt8]) -> Void
    ) async -> AuditTail

    /// A follower read too slowly and `lines` lines were not queued for it: to be counted.
    func followerDropped(lines: Int)

    /// A line that tells a follower that `lines` lines are missing before what comes next; nil if there is no such
    /// line. Must return at once.
    func dropNotice(lines: Int) -> [UInt8]?
}

extension ExporterAPI {
    /// No files.
    public func asset(named name: String) -> PageAsset? { nil }

    /// No line: the numbers of the lines show what is missing.
    public func dropNotice(lines: Int) -> [UInt8]? { nil }
}

/// What came of a request to reconnect a stream.
public enum ReconnectOutcome: Sendable {
    /// It has been ordered.
    case accepted
    /// There is no stream of that name.
    case unknownStream
    /// It cannot be done now; the text says why.
    case refused(reason: String)
}

/// Which lines of the audit trail are asked for.
public struct AuditQuery: Sendable, Equatable {
    /// At most so many of the newest lines; 0 to 10,000.
    public var limit: Int
    /// Only lines of this stream.
    public var stream: String?
    /// Only lines of this event.
    public var event: String?

    /// The newest `limit` lines of a stream, an event, both, or all.
    public init(limit: Int = 100, stream: String? = nil, event: String? = nil) {
        self.limit = limit
        self.stream = stream
        self.event = event
    }
}

/// The newest lines, and the way to end a subscription to those that follow.
public struct AuditTail: Sendable {
    /// The newest lines, oldest first.
    public let newest: [UInt8]
    /// Ends the subscription; called exactly once, on any thread.
    public let cancel: @Sendable () -> Void

    /// A snapshot, with what ends the subscription that began with it.
    public init(newest: [UInt8], cancel: @escaping @Sendable () -> Void) {
        self.newest = newest
        self.cancel = cancel
    }
}
