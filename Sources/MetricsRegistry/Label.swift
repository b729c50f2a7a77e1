/// One label: a name and a value.
public struct Label: Hashable, Sendable {
    /// The name, `[a-zA-Z_][a-zA-Z0-9_]*`; names that begin with `__` are Prometheus' own.
    public var name: String
    /// The value; any text.
    public var value: String

    /// The label `name` with the value `value`.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The labels that every series of one group carries, in the order in which they are exposed.
///
/// They are validated and rendered once: a scrape copies bytes.
public struct LabelSet: Hashable, Sendable {
    /// The labels, in the order in which they are exposed.
    public let labels: [Label]

    /// No labels.
    public static let empty = LabelSet(unchecked: [])

    /// The labels `labels`.
    ///
    /// - Throws: ``RegistryError`` where a name is invalid, reserved (`le`, `quantile`, `__…`) or there twice.
    public init(_ labels: [Label]) throws(RegistryError) {
        var names = Set<String>()
        for label in labels {
            guard Names.isLabelName(label.name) else { throw .invalidLabelName(label.name) }
            guard !Names.isReservedLabel(label.name) else { throw .reservedLabel(label.name) }
            guard names.insert(label.name).inserted else { throw .duplicateLabel(label.name) }
        }
        self.labels = labels
    }

    private init(unchecked labels: [Label]) {
        self.labels = labels
    }

    /// The labels as they are exposed between the braces: `stream="a",profile="b"`.
    public var rendered: [UInt8] {
        var bytes: [UInt8] = []
        for (index, label) in labels.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            Rendering.append(label, to: &bytes)
        }
        return bytes
    }

    /// What makes two sets the same for Prometheus: order means nothing to it, and an empty value is no label.
    var identity: [Label] {
        labels.filter { !$0.value.isEmpty }.sorted { $0.name < $1.name }
    }
}

/// Which names are valid (Prometheus data model; OpenMetrics 1.0.0, section "ABNF").
enum Names {
    static func isMetricName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first) || first == UInt8(ascii: ":") else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: ":") }
    }

    static func isLabelName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) }
    }

    static func isReservedLabel(_ name: String) -> Bool {
        name == "le" || name == "quantile" || name.hasPrefix("__")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// Text that is rendered once and copied ever after.
enum Rendering {
    /// Appends `name="value"`, the value escaped: backslash, quote and line feed (the same in both formats).
    static func append(_ label: Label, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: label.name.utf8)
        bytes.append(contentsOf: "=\"".utf8)
        appendEscaped(label.value, quotes: true, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends `text` with backslash and line feed escaped, and the quote where `quotes` says so.
    ///
    /// Text 0.0.4 leaves the quote of a help text alone; OpenMetrics escapes it.
    static func appendEscaped(_ text: String, quotes: Bool, to bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quotes: bytes.append(contentsOf: "\\\"".utf8)
            default: bytes.append(byte)
            }
        }
    }
}
