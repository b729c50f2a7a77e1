// The unsafe pointer is to a part of the parser's own array, for the call alone.

/// A JSON text as a tree (RFC 8259), for what is not on the hot path: answers of prepared requests, and the few
/// messages that variables are taken from. Strict; at most 64 levels deep.
struct JSONDocument {
    /// How deep objects and lists may be nested.
    static let maximumDepth = 64

    let root: JSONValue

    struct Malformed: Error {}

    init(parsing bytes: [UInt8]) throws(Malformed) {
        var parser = JSONParser(bytes: bytes)
        root = try parser.document()
    }

    func value(at pointer: JSONPointer) -> JSONValue? {
        root.value(at: pointer)
    }
}

/// A JSON value.
indirect enum JSONValue: Equatable {
    case null
    case boolean(Bool)
    /// As it is written.
    case number(String)
    case string(String)
    case list([JSONValue])
    /// Members in order.
    case object([Member])

    struct Member: Equatable {
        var name: String
        var value: JSONValue
    }

    /// The first member called `name`.
    func member(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    func value(at pointer: JSONPointer) -> JSONValue? {
        var value = self
        for step in pointer.steps {
            switch value {
            case .object:
                guard let next = value.member(step) else { return nil }
                value = next
            case .list(let items):
                guard let index = Int(step), String(index) == step, items.indices.contains(index) else { return nil }
                value = items[index]
            default:
                return nil
            }
        }
        return value
    }

    /// The value as text; nil for what is none.
    var text: String? {
        switch self {
        case .string(let text): text
        case .number(let text): text
        case .boolean(let value): value ? "true" : "false"
        case .null, .list, .object: nil
        }
    }

    /// The value as what a variable may stand for; nil for anything else.
    var variableValue: VariableValue? {
        switch self {
        case .string(let text): .string(text)
        case .number(let text): Int64(text).map { .integer($0) } ?? .string(text)
        case .boolean(let value): .boolean(value)
        case .list(let items):
            items.allSatisfy { if case .string = $0 { true } else { false } }
                ? .strings(items.compactMap(\.text)) : nil
        case .null, .object: nil
        }
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONDocument.Malformed) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw JSONDocument.Malformed() }
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONDocument.Malformed) -> JSONValue {
        skipSpace()
        guard position < bytes.count, depth <= JSONDocument.maximumDepth else { throw JSONDocument.Malformed() }
        switch bytes[position] {
        case UInt8(ascii: "{"):
            position += 1
            return try object(depth: depth)
        case UInt8(ascii: "["):
            position += 1
            return try list(depth: depth)
        case UInt8(ascii: "\""):
            return .string(try string())
        default:
            return try token()
        }
    }

    private mutating func object(depth: Int) throws(JSONDocument.Malformed) -> JSONValue {
        var members: [JSONValue.Member] = []
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw JSONDocument.Malformed() }
            let name = try string()
            guard take(UInt8(ascii: ":")) else { throw JSONDocument.Malformed() }
            members.append(.init(name: name, value: try value(depth: depth + 1)))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw JSONDocument.Malformed() }
        return .object(members)
    }

    private mutating func list(depth: Int) throws(JSONDocument.Malformed) -> JSONValue {
        var items: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .list(items) }
        repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw JSONDocument.Malformed() }
        return .list(items)
    }

    private mutating func string() throws(JSONDocument.Malformed) -> String {
        let start = position + 1
        position = start
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            guard bytes[position] >= 0x20 else { throw JSONDocument.Malformed() }
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { throw JSONDocument.Malformed() }
        defer { position += 1 }
        var decoded: [UInt8] = []
        let isSound = bytes[start..<position].withUnsafeBytes { raw in
            JSONBytes.decode(raw) { byte in
                decoded.append(byte)
                return true
            }
        }
        guard isSound else { throw JSONDocument.Malformed() }
        return String(decoding: decoded, as: UTF8.self)
    }

    private mutating func token() throws(JSONDocument.Malformed) -> JSONValue {
        let start = position
        while position < bytes.count, isToken(bytes[position]) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        switch text {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case "null": return .null
        default:
            guard JSONNumber.isValid(text) else { throw JSONDocument.Malformed() }
            return .number(text)
        }
    }

    private func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."): true
        default: false
        }
    }
}

/// The form of numbers (RFC 8259, section 6).
enum JSONNumber {
    static func isValid(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        guard !whole.isEmpty, whole.count == 1 || whole.first != 0x30 else { return false }
        rest = rest.dropFirst(whole.count)
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard !fraction.isEmpty else { return false }
            rest = rest.dropFirst(fraction.count + 1)
        }
        guard let mark = rest.first else { return true }
        guard mark | 0x20 == UInt8(ascii: "e") else { return false }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte)
    }
}
