import NIOConcurrencyHelpers

/// The feeds of the streams whose messages an application reads, by the stream's name.
final class MessageFeeds: Sendable {
    private let feeds = NIOLockedValueBox<[String: MessageFeed]>([:])

    func add(_ feed: MessageFeed, for stream: String) {
        feeds.withLockedValue { $0[stream] = feed }
    }

    func remove(_ stream: String) {
        feeds.withLockedValue { _ = $0.removeValue(forKey: stream) }
    }

    func feed(of stream: String) -> MessageFeed? {
        feeds.withLockedValue { $0[stream] }
    }
}
