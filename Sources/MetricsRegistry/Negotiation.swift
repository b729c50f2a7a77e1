/// What a scraper asked for, and what it gets.
public enum Negotiation {
    /// The format to answer a request with this `Accept` header in (RFC 9110, section 12.5.1).
    ///
    /// The most specific range that fits a format gives its weight, and the heavier format wins. Where they weigh the
    /// same, OpenMetrics wins if it was asked for by name, the text format otherwise. Absent, empty, malformed, or
    /// nothing that is spoken here: the text format, because an answer in it serves better than none.
    public static func choose(accept: String?) -> ExpositionFormat {
        guard let accept, let ranges = HeaderElement.parse(accept) else { return .text }
        let text = preference(.text, in: ranges)
        let openMetrics = preference(.openMetrics, in: ranges)
        let isNamed = openMetrics.range.map { $0.name == "application/openmetrics-text" } ?? false
        let wins =
            isNamed ? openMetrics.weight >= text.weight : openMetrics.weight > text.weight
        let (kind, range): (ExpositionFormat.Kind, HeaderElement?) =
            openMetrics.weight > 0 && wins ? (.openMetrics, openMetrics.range) : (.text, text.range)
        return ExpositionFormat(
            kind, escaping: range?.parameter("escaping").flatMap(ExpositionFormat.Escaping.init(rawValue:)))
    }

    /// Whether a request with this `Accept-Encoding` header may be answered with gzip (RFC 9110, section 12.5.3).
    ///
    /// Absent, empty or malformed: no.
    public static func acceptsGzip(acceptEncoding: String?) -> Bool {
        guard let acceptEncoding, let codings = HeaderElement.parse(acceptEncoding) else { return false }
        let named = codings.filter { $0.name == "gzip" || $0.name == "x-gzip" }
        let fitting = named.isEmpty ? codings.filter { $0.name == "*" } : named
        return fitting.contains { $0.weight > 0 }
    }

    /// The weight of a format, and the range that gave it.
    private struct Preference {
        var range: HeaderElement?
        var weight = 0
        var specificity = -1
    }

    private static func preference(_ kind: ExpositionFormat.Kind, in ranges: [HeaderElement]) -> Preference {
        var best = Preference()
        for range in ranges {
            guard let specificity = specificity(of: range, for: kind) else { continue }
            // Equally specific: the heavier counts.
            if specificity > best.specificity || (specificity == best.specificity && range.weight > best.weight) {
                best = Preference(range: range, weight: range.weight, specificity: specificity)
            }
        }
        return best
    }

    /// How closely `range` names `kind`; nil where it does not fit.
    private static func specificity(of range: HeaderElement, for kind: ExpositionFormat.Kind) -> Int? {
        let (type, family, version) =
            switch kind {
            case .text: ("text/plain", "text/*", "0.0.4")
            case .openMetrics: ("application/openmetrics-text", "application/*", "1.0.0")
            }
        switch range.name {
        case "*/*": return 0
        case family: return 1
        case type:
            guard let charset = range.parameter("charset") else { break }
            guard charset == "utf-8" else { return nil }
        default: return nil
        }
        guard let asked = range.parameter("version") else { return 2 }
        return asked == version ? 3 : nil
    }
}
