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

    /// Appends every metric in the format of `contentType` to `buffer`.
    func render(contentType: String, at now: Instant, into buffer: ExpositionBuffer) {
        registry.encode(Negotiation.choose(accept: contentType), now: now.nanoseconds, into: buffer)
    }
}
