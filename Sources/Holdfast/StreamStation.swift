// The unsafe pointer to a payload is valid during the call, and only handed on in it.

import AuditTrail
import NIOConcurrencyHelpers
import StreamMetrics
import StreamModel
import StreamRuntime

/// Where the facts of one stream part ways: to its metrics, to the audit trail, to the board, and to whoever reads its
/// messages. Nothing comes back from any of them.
final class StreamStation: StreamListener {
    private let identity: StreamIdentity
    private let series: StreamSeries
    private let metrics: StreamMetrics
    private let trail: AuditTrail
    private let entry: StreamBoard.Entry
    private let redact: @Sendable (String) -> String
    private let feed: MessageFeed?
    var wantsMessages: Bool { feed != nil }

    init(
        _ identity: StreamIdentity, series: StreamSeries, metrics: StreamMetrics, trail: AuditTrail,
        entry: StreamBoard.Entry, feed: MessageFeed?, redact: @escaping @Sendable (String) -> String
    ) {
        self.identity = identity
        self.series = series
        self.metrics = metrics
        self.trail = trail
        self.entry = entry
        self.feed = feed
        self.redact = redact
    }

    func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime) {
        series.record(event, at: instant)
        entry.update { $0.note(event, at: instant, wall: wall, redact: redact) }
        trail.append(EventRecord(time: wall, fact: .stream(identity, event)))
        feed?.happened(event)
    }

    func streamReceived(_ facts: MessageFacts, payload: UnsafeRawBufferPointer) {
        feed?.received(facts, payload)
    }

    func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime) {
        metrics.record(event, credential: credential)
        trail.append(EventRecord(time: wall, fact: .credential(name: credential, stream: identity, event)))
    }

    func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?) {
        series.publish(tallies, lastMessageAt: lastMessageAt)
        entry.update {
            $0.tallies = tallies
            if let lastMessageAt { $0.lastMessageAt = lastMessageAt }
        }
    }

    func streamMoved(received: UInt64, sent: UInt64) {
        series.addBytes(received: Int(clamping: received), sent: Int(clamping: sent))
    }

    func streamWaitedForBudget(_ duration: Duration) {
        series.addBudgetWait(duration)
    }
}
