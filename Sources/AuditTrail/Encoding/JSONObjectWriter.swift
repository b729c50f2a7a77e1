// Unsafe access to the bytes of values in place, within one call each: the hot path of the trail copies nothing twice.

internal import StreamModel

/// Writes one JSON object into bytes, key after key in the order of the calls.
///
/// Keys are literals of this module and need no escaping; values come from anywhere and are escaped and bounded here.
struct JSONObjectWriter {
    /// The most UTF-8 bytes of a name (stream, client, credential) that go into a line.
    static let maximumNameLength = 1_024
    /// The most UTF-8 bytes of a text from outside that go into a line.
    static let maximumDetailLength = 512

    private(set) var bytes: [UInt8] = []
    private var isFirst = true

    init() {
        bytes.reserveCapacity(512)
        bytes.append(UInt8(ascii: "{"))
    }

    /// Ends the object, and the line.
    mutating func finish() {
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func write(_ key: StaticString, _ value: some FixedWidthInteger) {
        open(key)
        appendInteger(value)
    }

    mutating func write(_ key: StaticString, _ value: Bool) {
        open(key)
        appendLiteral(value ? "true" : "false")
    }

    mutating func write(_ key: StaticString, time: WallTime) {
        open(key)
        bytes.append(UInt8(ascii: "\""))
        CivilTime.append(time, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// The shortest decimal that reads back as `ratio`; null where there is none, or none that JSON could say.
    mutating func write(_ key: StaticString, ratio: Double?) {
        open(key)
        if let ratio, ratio.isFinite {
            bytes.append(contentsOf: ratio.description.utf8)
        } else {
            appendLiteral("null")
        }
    }

    /// Whole milliseconds, rounded to the nearest.
    mutating func write(_ key: StaticString, milliseconds duration: Duration) {
        open(key)
        let nanoseconds = max(0, duration.nanoseconds)
        appendInteger(nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 >= 500_000 ? 1 : 0))
    }

    /// The phases that were measured, in milliseconds with up to three decimals; nothing where there are none.
    mutating func write(_ key: StaticString, phases: PhaseTimings) {
        let measured = phases.measured
        if measured.isEmpty { return }
        open(key)
        var separator = UInt8(ascii: "{")
        for (phase, duration) in measured {
            bytes.append(separator)
            separator = UInt8(ascii: ",")
            appendString(phase.rawValue, limit: Self.maximumNameLength)
            bytes.append(UInt8(ascii: ":"))
            appendMicroseconds(max(0, duration.nanoseconds) / 1_000 + (duration.nanoseconds % 1_000 >= 500 ? 1 : 0))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Sixteen hexadecimal digits, as text.
    mutating func write(_ key: StaticString, hexadecimal value: UInt64) {
        let digits = String(value, radix: 16)
        open(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 16 - digits.utf8.count))
        bytes.append(contentsOf: digits.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func write(_ key: StaticString, _ attempt: AttemptID) {
        write(key, hexadecimal: attempt.rawValue)
    }

    /// `value`, escaped, cut at a character so that at most `limit` bytes of it remain.
    mutating func write(_ key: StaticString, _ value: String, limit: Int = maximumNameLength) {
        open(key)
        appendString(value, limit: limit)
    }

    /// The texts, each bounded like a name.
    mutating func write(_ key: StaticString, _ values: [String]) {
        open(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendString(value, limit: Self.maximumNameLength)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func open(_ key: StaticString) {
        appendLiteral(isFirst ? "\"" : ",\"")
        isFirst = false
        appendLiteral(key)
        appendLiteral("\":")
    }

    private mutating func appendLiteral(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func appendInteger(_ value: some FixedWidthInteger) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = UInt64(value.magnitude)
        if rest < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest))
            return
        }
        // Digits come last to first: gathered in a register, eight at a time, rather than written and turned around.
        var groups: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var count = 0
        repeat {
            groups.2 = groups.2 << 8 | groups.1 >> 56
            groups.1 = groups.1 << 8 | groups.0 >> 56
            groups.0 = groups.0 << 8 | (0x30 + rest % 10)
            rest /= 10
            count += 1
        } while rest > 0
        withUnsafeBytes(of: (groups.0.littleEndian, groups.1.littleEndian, groups.2.littleEndian)) { digits in
            bytes.append(contentsOf: digits[..<count])
        }
    }

    private mutating func appendMicroseconds(_ microseconds: Int64) {
        appendInteger(microseconds / 1_000)
        var fraction = microseconds % 1_000
        if fraction == 0 { return }
        bytes.append(UInt8(ascii: "."))
        while fraction > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(fraction / 100))
            fraction = fraction % 100 * 10
        }
    }

    /// A Swift string is valid Unicode, so lone surrogates cannot occur; quotes, backslashes and controls are escaped
    /// (RFC 8259, section 7).
    private mutating func appendString(_ value: String, limit: Int) {
        bytes.append(UInt8(ascii: "\""))
        if value.utf8.count <= limit {
            appendEscaped(value.utf8)
        } else {
            appendEscaped(value[..<Self.cut(value, at: limit)].utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The last boundary of a Unicode scalar at or before `limit` bytes; of a character, where that leaves enough.
    private static func cut(_ value: String, at limit: Int) -> String.Index {
        let text = value.utf8
        var index = text.index(text.startIndex, offsetBy: limit)
        while index > text.startIndex, text[index] & 0b1100_0000 == 0b1000_0000 { index = text.index(before: index) }
        // A character may be many scalars (a family of emoji); rounding down to it keeps what is shown whole. One
        // character longer than the limit, which only an attacker sends, is cut between its scalars.
        var character = index
        while character > value.startIndex, String.Index(character, within: value) == nil {
            character = value.unicodeScalars.index(before: character)
        }
        return character > value.startIndex ? character : index
    }

    private mutating func appendEscaped(_ text: some Sequence<UInt8>) {
        // Hardly any text has something to escape, and copying it whole is ten times as fast.
        let isCopied: Void? = text.withContiguousStorageIfAvailable { buffer in
            if buffer.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
                bytes.append(contentsOf: buffer)
            } else {
                for byte in buffer { appendEscaped(byte) }
            }
        }
        if isCopied == nil { for byte in text { appendEscaped(byte) } }
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x0A: appendLiteral("\\n")
        case 0x0D: appendLiteral("\\r")
        case 0x09: appendLiteral("\\t")
        case 0..<0x20:
            appendLiteral("\\u00")
            bytes.append(Self.hexadecimal(byte >> 4))
            bytes.append(Self.hexadecimal(byte & 15))
        default: bytes.append(byte)
        }
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
