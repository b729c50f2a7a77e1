/// A value of a document, to be read as a type. Each reading that fails is reported once, with the value's position,
/// and gives nil.
public struct ConfigurationValue {
    /// The value as it was written.
    public let node: ConfigurationNode
    /// Where it stands in the document, such as `streams[1].backoff.cap`; empty for the root.
    public var path: String { place.text }
    let place: ConfigurationPath
    let context: ReadingContext

    init(node: ConfigurationNode, at place: ConfigurationPath, context: ReadingContext) {
        self.node = node
        self.place = place
        self.context = context
    }

    /// Where it begins.
    public var position: SourcePosition { node.position }
    /// The name of the document's file.
    public var file: String { context.file }
    /// Whether it is empty, `~` or `null`.
    public var isNull: Bool { node.isNull }
    /// Whether it is a list.
    public var isList: Bool { if case .list = node.content { true } else { false } }
    /// Whether it is a mapping.
    public var isMapping: Bool { if case .mapping = node.content { true } else { false } }
    /// Whether it is neither a list nor a mapping.
    public var isScalar: Bool { if case .scalar = node.content { true } else { false } }
    /// The errors found in the whole document so far; compare two readings of it to see whether a part was sound.
    public var errorCount: Int { context.errorCount }

    /// Reports a mistake in this value. Say what is wrong and what to do.
    public func error(_ message: String) {
        context.report(.error, at: position, path: path, message)
    }

    /// Reports something in this value that is likely not meant so.
    public func warning(_ message: String) {
        context.report(.warning, at: position, path: path, message)
    }

    /// The value as a mapping in which only `keys` are known; any other key is reported with the nearest known one.
    /// An empty value is an empty mapping.
    public func mapping(keys: [String]) -> ConfigurationMapping? {
        guard let mapping = mapping() else { return nil }
        mapping.reportUnknown(besides: keys)
        return mapping
    }

    /// The value as a mapping with keys that its writer chose. An empty value is an empty mapping.
    public func mapping() -> ConfigurationMapping? {
        if isNull { return ConfigurationMapping(value: self, entries: []) }
        guard case .mapping(let entries) = node.content else {
            wrongType(wanted: "a mapping of keys to values")
            return nil
        }
        return ConfigurationMapping(value: self, entries: entries)
    }

    /// The value as a list. An empty value is an empty list.
    public func list() -> [ConfigurationValue]? {
        if isNull { return [] }
        guard case .list(let items) = node.content else {
            wrongType(wanted: "a list", hint: isScalar ? "; write `[…]` around it, or `- ` before it" : "")
            return nil
        }
        return items.enumerated().map { index, node in
            ConfigurationValue(node: node, at: .item(index, in: place), context: context)
        }
    }

    /// The value as a list of strings; items that are none are reported and left out.
    public func strings() -> [String]? {
        list()?.compactMap { $0.string() }
    }

    /// Reports that this is not what was wanted.
    func wrongType(wanted: String, hint: String = "") {
        var hint = hint
        if hint.isEmpty, isMapping, !wanted.contains("mapping") {
            hint = "; a text with braces must be in quotes"
        }
        error("expected \(wanted), found \(node.summary)\(hint)")
    }
}

/// A mapping that is being read.
public struct ConfigurationMapping {
    /// The mapping itself.
    public let value: ConfigurationValue
    /// Its keys and nodes in the order of the file.
    public let entries: [ConfigurationNode.Entry]
    /// Nil for a mapping of few keys, as nearly every one is: looking through them costs less than hashing them.
    private let index: [String: Int]?

    init(value: ConfigurationValue, entries: [ConfigurationNode.Entry]) {
        self.value = value
        self.entries = entries
        index =
            entries.count > 16
            ? Dictionary(entries.enumerated().map { ($0.element.key, $0.offset) }) { first, _ in first } : nil
    }

    private func index(of key: String) -> Int? {
        guard let index else { return entries.firstIndex { $0.key == key } }
        return index[key]
    }

    /// The keys in the order of the file.
    public var keys: [String] { entries.map(\.key) }

    /// The value of `key`; nil where the key is not given.
    public subscript(key: String) -> ConfigurationValue? {
        index(of: key).map { child(entries[$0]) }
    }

    /// The value of `key`; its absence is reported.
    public func required(_ key: String) -> ConfigurationValue? {
        if let child = self[key] { return child }
        value.error("`\(key)` is missing\(value.path.isEmpty ? "" : " in `\(value.path)`"); add it")
        return nil
    }

    /// Every key with its value, in the order of the file.
    public var values: [(key: String, value: ConfigurationValue)] {
        entries.map { ($0.key, child($0)) }
    }

    /// Where `key` itself stands; the mapping's position where it is not given.
    public func position(ofKey key: String) -> SourcePosition {
        index(of: key).map { entries[$0].keyPosition } ?? value.position
    }

    /// Reports a mistake at `key` itself, rather than at its value.
    public func error(atKey key: String, _ message: String) {
        value.context.report(.error, at: position(ofKey: key), path: place(of: key).text, message)
    }

    /// Reports every key that is none of `keys`, with the nearest of them.
    public func reportUnknown(besides keys: [String]) {
        for entry in entries where !keys.contains(entry.key) {
            let hint = Spelling.suggestion(for: entry.key, among: keys)
            error(atKey: entry.key, "unknown key `\(Spelling.excerpt(entry.key))`\(hint)")
        }
    }

    /// Reports every pair of `keys` of which more than one is given.
    public func exclusive(_ keys: [String]) {
        let given = keys.filter { index(of: $0) != nil }
        guard given.count > 1 else { return }
        let names = given.map { "`\($0)`" }.joined(separator: " and ")
        error(atKey: given[1], "\(names) exclude each other; keep one of them")
    }

    private func child(_ entry: ConfigurationNode.Entry) -> ConfigurationValue {
        ConfigurationValue(node: entry.value, at: place(of: entry.key), context: value.context)
    }

    private func place(of key: String) -> ConfigurationPath {
        .key(key, in: value.place)
    }
}
