/// The elements of one held stream, for one reader. Ends when the stream does; when its reader ends, the stream does:
/// when the reading task is cancelled, or when nobody has the sequence any more.
///
/// At most `limit` elements wait for the reader. What comes beyond is dropped, and one ``StreamElement/dropped(count:)``
/// stands in its place: a slow application sees what it missed, and never holds up the connection's heartbeats.
public struct StreamMessages: AsyncSequence, Sendable {
    /// What is given.
    public typealias Element = StreamElement

    private let queue: ElementQueue<StreamElement>
    private let handle: ReaderHandle
    private let closing: @Sendable () -> Void

    init(queue: ElementQueue<StreamElement>, closing: @escaping @Sendable () -> Void = {}) {
        self.queue = queue
        self.closing = closing
        handle = ReaderHandle { queue.abandon() }
    }

    /// A queue of elements of which those dropped are counted.
    static func queue(limit: Int, abandoned: @escaping @Sendable () -> Void) -> ElementQueue<StreamElement> {
        ElementQueue(
            limit: limit,
            accounting: { account, _ in
                if case .dropped(let count)? = account { return .dropped(count: count + 1) }
                return .dropped(count: 1)
            }, abandoned: abandoned)
    }

    /// Elements that wait for the reader: how far behind it is.
    public var backlog: Int { queue.count }

    /// Closes the stream with a close frame. What it has given until then can still be read, and then the sequence ends:
    /// nothing that arrived is lost.
    public func close() {
        closing()
    }

    /// The elements, from now on.
    public func makeAsyncIterator() -> Iterator {
        Iterator(queue: queue, handle: handle)
    }

    /// Gives the elements one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: ElementQueue<StreamElement>
        let handle: ReaderHandle

        /// The next element, as soon as there is one; nil after the end, or when the task is cancelled.
        public mutating func next() async -> StreamElement? {
            await queue.next()
        }
    }
}
