import NIOConcurrencyHelpers

/// The feeds of the streams whose messages an application reads, by the stream's name.
final class MessageFeeds: Sendable {
    private let feeds = NIOLockedValueBox<[String: MessageFeed]>([:])

    func add(_ feed: MessageFeed, for stream: String) {
        feeds.withLockedValue { $0[stream] = feed }
    }

    /// Forgets the feed of `stream`, which a stream that runs still has and ends when it is over itself. `ending`: none
    /// will.
    func remove(_ stream: String, ending: Bool) {
        let feed = feeds.withLockedValue { $0.removeValue(forKey: stream) }
        if let feed, ending || !feed.hasBegun { feed.end() }
    }

    func feed(of stream: String) -> MessageFeed? {
        feeds.withLockedValue { $0[stream] }
    }

    func endAll() {
        let all = feeds.withLockedValue { feeds in
            defer { feeds = [:] }
            return Array(feeds.values)
        }
        for feed in all { feed.end() }
    }
}
