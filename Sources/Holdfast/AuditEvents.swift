public import AuditTrail
public import StreamModel

/// Something that happened, typed, and as the audit trail says it.
public struct AuditEvent: Hashable, Sendable {
    /// When it happened.
    public let time: WallTime
    /// What happened, and to what.
    public let fact: EventRecord.Fact
    /// Its line in the audit trail; nil for what the trail does not record: the begin of an attempt, a change of state.
    public let line: AuditLine?

    /// An event.
    public init(time: WallTime, fact: EventRecord.Fact, line: AuditLine?) {
        self.time = time
        self.fact = fact
        self.line = line
    }

    /// The stream that it happened to, or on whose behalf; nil where it concerns the process.
    public var stream: StreamIdentity? {
        switch fact {
        case .stream(let identity, _): identity
        case .credential(_, let identity, _): identity
        case .configurationReloaded: nil
        }
    }

    /// What happened to the stream; nil where it happened to a credential or to the process.
    public var streamEvent: StreamEvent? {
        if case .stream(_, let event) = fact { event } else { nil }
    }
}

/// What a reader of events is given.
public enum AuditElement: Hashable, Sendable {
    /// Something happened.
    case event(AuditEvent)
    /// The reader did not keep up: so many events were dropped here. `lines` are the first and the last number of their
    /// lines in the audit trail, where they can be looked up; nil where none of them has a line.
    case dropped(count: Int, lines: ClosedRange<UInt64>?)
}

/// The events of an exporter, for one reader, in the order of the audit trail's lines. Ends when the exporter stops.
///
/// At most `limit` events wait for the reader. What comes beyond is dropped, and one ``AuditElement/dropped(count:lines:)``
/// stands in its place.
public struct AuditEvents: AsyncSequence, Sendable {
    /// What is given.
    public typealias Element = AuditElement

    private let queue: ElementQueue<AuditElement>
    private let handle: ReaderHandle

    init(queue: ElementQueue<AuditElement>) {
        self.queue = queue
        handle = ReaderHandle { queue.abandon() }
    }

    /// A queue of events of which those dropped are counted, and their lines named.
    static func queue(limit: Int, abandoned: @escaping @Sendable () -> Void) -> ElementQueue<AuditElement> {
        ElementQueue(limit: limit, accounting: Self.account, abandoned: abandoned)
    }

    private static func account(_ account: AuditElement?, _ element: AuditElement) -> AuditElement {
        var (count, lines): (Int, ClosedRange<UInt64>?) = (0, nil)
        if case .dropped(let before, let named)? = account { (count, lines) = (before, named) }
        guard case .event(let event) = element else { return element }
        if let number = event.line?.number {
            lines = Swift.min(lines?.lowerBound ?? number, number)...Swift.max(lines?.upperBound ?? number, number)
        }
        return .dropped(count: count + 1, lines: lines)
    }

    /// Events that wait for the reader: how far behind it is.
    public var backlog: Int { queue.count }

    /// The events, from now on.
    public func makeAsyncIterator() -> Iterator {
        Iterator(queue: queue, handle: handle)
    }

    /// Gives the events one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: ElementQueue<AuditElement>
        let handle: ReaderHandle

        /// The next event, as soon as there is one; nil after the end, or when the task is cancelled.
        public mutating func next() async -> AuditElement? {
            await queue.next()
        }
    }
}

/// A callback that is called with events until it is cancelled or the exporter stops.
public struct EventObservation: Sendable {
    let task: Task<Void, Never>

    /// Ends it: what waits is no longer delivered.
    public func cancel() {
        task.cancel()
    }

    /// Returns when the callback is not called any more.
    public func finished() async {
        await task.value
    }
}
