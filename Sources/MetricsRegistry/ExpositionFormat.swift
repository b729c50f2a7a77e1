/// A format that Prometheus and its kin read.
public struct ExpositionFormat: Hashable, Sendable {
    /// The two formats.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// The Prometheus text format, version 0.0.4.
        case text
        /// OpenMetrics 1.0.0.
        case openMetrics
    }

    /// How a scraper wants names outside of `[a-zA-Z0-9_:]` escaped. Here are none: it is only echoed.
    public enum Escaping: String, Hashable, Sendable, CaseIterable {
        case allowUTF8 = "allow-utf-8"
        case underscores
        case dots
        case values
    }

    /// Which of the two.
    public var kind: Kind
    /// The escaping that the scraper asked for; nil where it asked for none.
    public var escaping: Escaping?

    /// The format `kind`.
    public init(_ kind: Kind, escaping: Escaping? = nil) {
        self.kind = kind
        self.escaping = escaping
    }

    /// The Prometheus text format, version 0.0.4.
    public static let text = ExpositionFormat(.text)
    /// OpenMetrics 1.0.0.
    public static let openMetrics = ExpositionFormat(.openMetrics)

    /// The value of the `Content-Type` header.
    public var contentType: String {
        let type =
            switch kind {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        return escaping.map { "\(type); escaping=\($0.rawValue)" } ?? type
    }
}
