/// The strings and numbers at the top of a JSON object (RFC 8259); what lies deeper is checked and passed over.
///
/// Small and bounded, because it reads what any server sends: input size, depth and number of keys are limited.
struct JSONScalars {
    /// A value that is of use here.
    enum Value: Hashable {
        case string(String)
        case number(Double)
    }

    /// The object was no object, no JSON, or too deep.
    struct Malformed: Error {}

    private(set) var values: [String: Value] = [:]

    private let bytes: [UInt8]
    private var index = 0
    private static let maximumDepth = 32
    private static let maximumKeys = 256

    /// Reads `bytes`, which must hold one object and nothing else.
    init(_ bytes: [UInt8]) throws(Malformed) {
        self.bytes = bytes
        skipSpace()
        guard peek == UInt8(ascii: "{") else { throw Malformed() }
        try readObject(depth: 0)
        skipSpace()
        if index != bytes.count { throw Malformed() }
    }

    func string(_ key: String) -> String? {
        if case .string(let value) = values[key] { value } else { nil }
    }

    /// A number; also one that the server wrote as a string.
    func number(_ key: String) -> Double? {
        switch values[key] {
        case .number(let value): value
        case .string(let text): Double(text)
        case nil: nil
        }
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func expect(_ byte: UInt8) throws(Malformed) {
        if peek != byte { throw Malformed() }
        index += 1
    }

    private mutating func readObject(depth: Int) throws(Malformed) {
        try expect(UInt8(ascii: "{"))
        skipSpace()
        if peek == UInt8(ascii: "}") {
            index += 1
            return
        }
        while true {
            skipSpace()
            let key = try readString()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            let value = try readValue(depth: depth)
            if depth == 0, let value {
                if values.count >= Self.maximumKeys { throw Malformed() }
                values[key] = value
            }
            if try isEnd(UInt8(ascii: "}")) { return }
        }
    }

    private mutating func readArray(depth: Int) throws(Malformed) {
        try expect(UInt8(ascii: "["))
        skipSpace()
        if peek == UInt8(ascii: "]") {
            index += 1
            return
        }
        while true {
            _ = try readValue(depth: depth)
            if try isEnd(UInt8(ascii: "]")) { return }
        }
    }

    private mutating func isEnd(_ end: UInt8) throws(Malformed) -> Bool {
        skipSpace()
        let byte = peek
        index += 1
        if byte == end { return true }
        if byte == UInt8(ascii: ",") { return false }
        throw Malformed()
    }

    private mutating func readValue(depth: Int) throws(Malformed) -> Value? {
        skipSpace()
        switch peek {
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if depth >= Self.maximumDepth { throw Malformed() }
            if peek == UInt8(ascii: "{") {
                try readObject(depth: depth + 1)
            } else {
                try readArray(depth: depth + 1)
            }
            return nil
        case UInt8(ascii: "t"): return try skip("true")
        case UInt8(ascii: "f"): return try skip("false")
        case UInt8(ascii: "n"): return try skip("null")
        default: return .number(try readNumber())
        }
    }

    private mutating func skip(_ word: String) throws(Malformed) -> Value? {
        for byte in word.utf8 { try expect(byte) }
        return nil
    }

    private mutating func readNumber() throws(Malformed) -> Double {
        let start = index
        while let byte = peek, (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte) { index += 1 }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        guard index > start, let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let value = Double(text)
        else { throw Malformed() }
        return value
    }

    private mutating func readString() throws(Malformed) -> String {
        try expect(UInt8(ascii: "\""))
        var units: [UInt8] = []
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"): try readEscape(into: &units)
            case 0..<0x20: throw Malformed()
            default: units.append(byte)
            }
        }
        throw Malformed()
    }

    private mutating func readEscape(into units: inout [UInt8]) throws(Malformed) {
        guard let byte = peek else { throw Malformed() }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try readHexadecimal())
            if (0xD800..<0xDC00).contains(code), peek == UInt8(ascii: "\\"), index + 1 < bytes.count,
                bytes[index + 1] == UInt8(ascii: "u")
            {
                index += 2
                let low = UInt32(try readHexadecimal())
                code = (0xDC00..<0xE000).contains(low) ? 0x1_0000 + (code - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
            }
            units.append(contentsOf: String(Character(Unicode.Scalar(code) ?? "\u{FFFD}")).utf8)
        default: throw Malformed()
        }
    }

    private mutating func readHexadecimal() throws(Malformed) -> UInt16 {
        guard index + 4 <= bytes.count,
            bytes[index..<(index + 4)].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt16(String(decoding: bytes[index..<(index + 4)], as: UTF8.self), radix: 16)
        else { throw Malformed() }
        index += 4
        return code
    }
}
