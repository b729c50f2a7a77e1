import MetricsRegistry

/// Makes names that Prometheus takes of those that applications give (Prometheus data model).
enum Naming {
    /// A metric's name: what is no letter, digit, `_` or `:` becomes `_`, and `ending` is added where it is not there.
    static func metric(_ label: String, ending: String) -> String {
        var name = sanitized(label, colon: true)
        if name.isEmpty { name = "_" }
        return name.hasSuffix(ending) && name.utf8.count > ending.utf8.count ? name : name + ending
    }

    /// Names that Holdfast registers itself, now or later.
    static func isReserved(_ name: String) -> Bool {
        ["holdfast_", "process_", "metrics_backend_"].contains { name.hasPrefix($0) }
    }

    /// The dimensions as labels, sorted by name. Where two get the same name, their values are joined with `;`, so that
    /// neither is lost; an empty value is no label.
    static func labels(_ dimensions: [(String, String)], maximumValueLength: Int) -> LabelSet {
        var values: [String: String] = [:]
        // Sorted, so that the order in which they are given means nothing.
        for (key, value) in dimensions.sorted(by: <) where !value.isEmpty {
            let name = label(key)
            values[name] = values[name].map { "\($0);\(value)" } ?? value
        }
        let labels = values.sorted { $0.key < $1.key }.map {
            Label($0.key, cut($0.value, to: maximumValueLength))
        }
        // The names are valid and differ, which is all that could be refused.
        return (try? LabelSet(labels)) ?? .empty
    }

    private static func label(_ key: String) -> String {
        let name = sanitized(key, colon: false)
        if name.isEmpty { return "_label" }
        // What Prometheus itself does with a label whose name it needs.
        return name == "le" || name == "quantile" || name.hasPrefix("__") ? "exported_\(name)" : name
    }

    private static func sanitized(_ text: String, colon: Bool) -> String {
        var name = ""
        for (index, scalar) in text.unicodeScalars.enumerated() {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case "0"..."9":
                if index == 0 { name.append("_") }
                name.unicodeScalars.append(scalar)
            case ":" where colon: name.append(":")
            default: name.append("_")
            }
        }
        return name
    }

    /// At most `limit` bytes of `text`, cut between characters as Unicode encodes them.
    private static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
        while end > text.utf8.startIndex, text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return String(decoding: text.utf8[..<end], as: UTF8.self)
    }
}
