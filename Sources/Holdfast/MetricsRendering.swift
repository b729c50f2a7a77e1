import MetricsRegistry
import StreamMetrics
import StreamModel

extension StreamMetrics {
    /// The `Content-Type` of the format that `accept` prefers.
    func contentType(accepting accept: String?) -> String {
        Negotiation.choose(accept: accept).contentType
    }

    /// Counts audit lines that a sink could not take.
    func countDropped(_ lines: Int, sink: String) {
        guard lines > 0 else { return }
        try? auditDropped(sink: sink).increment(by: UInt64(lines))
    }

    /// Every metric as it is `now`, in the format of `contentType`. Whoever reads it to the end counts as a scrape.
    func exposition(contentType: String, at now: Instant) -> Exposition {
        registry.exposition(Negotiation.choose(accept: contentType), now: now.nanoseconds) { [weak self] duration in
            self?.recordScrape(.nanoseconds(duration))
        }
    }
}
