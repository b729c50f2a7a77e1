/// A piece of a YAML document as it was written, with its position: what a reader of typed values is built on, and
/// what a template is made of, which must know `"42"` from `42` and keep the order of keys.
public struct ConfigurationNode: Sendable {
    /// Where it begins.
    public var position: SourcePosition
    /// What it is.
    public var content: Content

    /// What a node can be.
    public enum Content: Sendable {
        /// A text, a number, a boolean or nothing.
        case scalar(ConfigurationScalar)
        /// A list of nodes.
        case list([ConfigurationNode])
        /// Keys with their nodes, in the order in which they were written; no key twice.
        case mapping([Entry])
    }

    /// A key with its node.
    public struct Entry: Sendable {
        /// The key.
        public var key: String
        /// Where the key begins.
        public var keyPosition: SourcePosition
        /// What it stands for.
        public var value: ConfigurationNode

        /// `key`, found at `keyPosition`, stands for `value`.
        public init(key: String, keyPosition: SourcePosition, value: ConfigurationNode) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }
    }

    /// A node found at `position`.
    public init(position: SourcePosition, content: Content) {
        self.position = position
        self.content = content
    }

    /// Whether there is nothing: an empty value, `~` or `null`.
    public var isNull: Bool {
        if case .scalar(let scalar) = content { return scalar.kind == .null }
        return false
    }

    /// What this is, for a message: `a mapping`, `the integer 42`, `nothing`.
    public var summary: String {
        switch content {
        case .mapping: "a mapping"
        case .list: "a list"
        case .scalar(let scalar): scalar.summary
        }
    }
}

/// A single value as it was written.
public struct ConfigurationScalar: Hashable, Sendable {
    /// How it was written.
    public enum Style: Hashable, Sendable {
        /// Without quotes: its form decides what it is.
        case plain
        /// In single or double quotes, or as a block of lines (`|`, `>`): a string, whatever its form.
        case quoted
    }

    /// What its form says it is (YAML 1.2.2, section 10.3, the core schema).
    public enum Kind: Hashable, Sendable {
        /// Nothing: empty, `~` or `null`.
        case null
        /// `true` or `false`.
        case boolean(Bool)
        /// A whole number; nil where it exceeds 64 bits.
        case integer(Int?)
        /// Any other number.
        case number(Double)
        /// A text.
        case string
    }

    /// The text, after YAML's own escapes.
    public var text: String
    /// How it was written.
    public var style: Style
    /// The explicit type, such as `tag:yaml.org,2002:str` for `!!str`; nil where there is none.
    public var tag: String?

    /// A scalar with this text.
    public init(text: String, style: Style = .plain, tag: String? = nil) {
        self.text = text
        self.style = style
        self.tag = tag
    }

    /// What it is.
    public var kind: Kind {
        if tag == "tag:yaml.org,2002:str" || tag == "!" { return .string }
        return style == .plain || tag != nil ? Self.resolve(text) : .string
    }

    /// What this is, for a message. The text itself is left out: it may be a secret.
    public var summary: String {
        switch kind {
        case .null: "nothing"
        case .boolean(let value): "the boolean \(value)"
        case .integer: "an integer"
        case .number: "a number"
        case .string: text.isEmpty ? "an empty string" : "a string"
        }
    }

    static func resolve(_ text: String) -> Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .number(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        default: return resolveNumber(text)
        }
    }

    private static func resolveNumber(_ text: String) -> Kind {
        guard let first = text.utf8.first, first < 0x3A, first != 0x2F, text.utf8.count <= 400 else { return .string }
        let bytes = Array(text.utf8)
        if bytes.count > 2, first == 0x30, bytes[1] == 0x78 || bytes[1] == 0x6F {
            let digits = String(text.dropFirst(2))
            let radix = bytes[1] == 0x78 ? 16 : 8
            guard digits.utf8.allSatisfy({ isDigit($0, radix: radix) }) else { return .string }
            return .integer(Int(digits, radix: radix))
        }
        let unsigned = first == 0x2B || first == 0x2D ? bytes.dropFirst() : bytes[...]
        guard !unsigned.isEmpty else { return .string }
        if unsigned.allSatisfy({ isDigit($0, radix: 10) }) { return .integer(Int(text)) }
        return isDecimal(unsigned) ? Double(text).map(Kind.number) ?? .string : .string
    }

    /// `[0-9]* (\. [0-9]*)? ([eE] [-+]? [0-9]+)?` with at least one digit before the exponent.
    private static func isDecimal(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        let whole = rest.prefix { isDigit($0, radix: 10) }
        rest = rest.dropFirst(whole.count)
        var fraction = 0
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            fraction = rest.prefix { isDigit($0, radix: 10) }.count
            rest = rest.dropFirst(fraction)
        }
        guard !whole.isEmpty || fraction > 0 else { return false }
        guard let mark = rest.first else { return true }
        guard mark == 0x65 || mark == 0x45 else { return false }
        rest = rest.dropFirst()
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy { isDigit($0, radix: 10) }
    }

    private static func isDigit(_ byte: UInt8, radix: Int) -> Bool {
        switch byte {
        case 0x30...0x37: true
        case 0x38...0x39: radix > 8
        case 0x41...0x46, 0x61...0x66: radix == 16
        default: false
        }
    }
}
