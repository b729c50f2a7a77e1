public import MetricsRegistry

/// Where the metrics of a scrape come from.
public protocol MetricsSource: Sendable {
    /// The `Content-Type` that answers an `Accept` header (nil: none was sent). Requests with the same type share
    /// renderings, so equal formats must give equal texts.
    func contentType(accepting accept: String?) -> String

    /// Appends every metric, in the format of `contentType` (a value that `contentType(accepting:)` gave). Called on
    /// one thread of the server's own; it may take its time.
    func render(contentType: String, into buffer: ExpositionBuffer)
}
