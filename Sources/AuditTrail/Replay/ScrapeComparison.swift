extension AuditReplay {
    /// A counter that the trail and a scrape disagree about.
    public struct Difference: Hashable, Sendable, CustomStringConvertible {
        /// The counter.
        public var counter: ReplayCounter
        /// What the trail says.
        public var replayed: UInt64
        /// What the scrape says; nil where it has no such series.
        public var scraped: Double?

        /// The counter with both values.
        public var description: String {
            let other = scraped.map { Int64(exactly: $0).map(String.init) ?? "\($0)" } ?? "nothing"
            return "\(counter): the trail says \(replayed), the scrape says \(other)"
        }
    }

    /// What the trail and `scrape` (the Prometheus text format 0.0.4, or OpenMetrics 1.0.0) disagree about, sorted.
    ///
    /// Only streams that the scrape knows are compared: the series of a stream that was removed are gone.
    public func differences(from scrape: String) -> [Difference] {
        let scraped = ScrapeReader.counters(in: scrape)
        let known = Set(scraped.keys.map(\.stream))
        var found: [Difference] = []
        for (counter, value) in scraped where Double(counters[counter] ?? 0) != value {
            found.append(Difference(counter: counter, replayed: counters[counter] ?? 0, scraped: value))
        }
        for (counter, value) in counters where known.contains(counter.stream) && scraped[counter] == nil {
            found.append(Difference(counter: counter, replayed: value, scraped: nil))
        }
        return found.sorted { $0.counter < $1.counter }
    }

    /// The number of the newest line at the time of `scrape`; nil where the scrape does not tell.
    public static func lastLine(in scrape: String) -> UInt64? {
        for line in scrape.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            if words.count >= 2, words[0].elementsEqual("holdfast_audit_last_line".utf8) {
                return UInt64(String(Substring(words[1])))
            }
        }
        return nil
    }

    /// The streams of `scrape` of which the trail knows nothing.
    public func unknownStreams(in scrape: String) -> [String] {
        Set(ScrapeReader.counters(in: scrape).keys.map(\.stream)).subtracting(streams).sorted()
    }
}

/// Reads the few series of a scrape that a trail determines.
enum ScrapeReader {
    /// Every series of a ``ReplayCounter/Metric``; lines that cannot be read are passed over.
    static func counters(in text: String) -> [ReplayCounter: Double] {
        var counters: [ReplayCounter: Double] = [:]
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            guard let (counter, value) = counter(in: line) else { continue }
            counters[counter] = value
        }
        return counters
    }

    private static func counter(in line: Substring.UTF8View) -> (ReplayCounter, Double)? {
        var rest = line
        let name = rest.prefix { $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        guard let metric = ReplayCounter.Metric(rawValue: String(Substring(name))) else { return nil }
        rest = rest[name.endIndex...]
        guard rest.first == UInt8(ascii: "{"), let labels = labels(&rest), let stream = labels["stream"] else {
            return nil
        }
        let value = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") && $0 != UInt8(ascii: "\r") }
        guard let number = Double(Substring(value)) else { return nil }
        let own = metric.label.flatMap { labels[$0] } ?? ""
        return (ReplayCounter(metric, stream: stream, value: own), number)
    }

    /// The labels between braces; what follows them is left in `rest`. nil where they are malformed.
    private static func labels(_ rest: inout Substring.UTF8View) -> [String: String]? {
        var labels: [String: String] = [:]
        rest.removeFirst()
        while true {
            rest = rest.drop { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") }
            guard let first = rest.first else { return nil }
            if first == UInt8(ascii: "}") {
                rest.removeFirst()
                return labels
            }
            let name = rest.prefix { $0 != UInt8(ascii: "=") }
            rest = rest[name.endIndex...].dropFirst()
            guard rest.first == UInt8(ascii: "\""), let value = quoted(&rest) else { return nil }
            labels[String(Substring(name))] = value
        }
    }

    private static func quoted(_ rest: inout Substring.UTF8View) -> String? {
        rest.removeFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped == UInt8(ascii: "n") ? 0x0A : escaped)
            default: value.append(byte)
            }
        }
        return nil
    }
}
