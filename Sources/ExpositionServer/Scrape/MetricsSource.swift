public import MetricsRegistry

/// Where the metrics of a scrape come from.
public protocol MetricsSource: Sendable {
    /// The `Content-Type` that answers an `Accept` header (nil: none was sent). Requests with the same type share
    /// renderings, so equal formats must give equal texts.
    func contentType(accepting accept: String?) -> String

    /// Notes every metric, to be read in the format of `contentType` (a value that `contentType(accepting:)` gave).
    /// Called on one thread of the server's own; it may take its time. What it gives is read on others, and lives as long
    /// as the slowest client takes for it.
    func exposition(contentType: String) -> Exposition
}
