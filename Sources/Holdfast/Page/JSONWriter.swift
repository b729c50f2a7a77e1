import AuditTrail
import StreamModel

/// Writes JSON into bytes, in the order of the calls. A list of five thousand streams is asked for every few seconds,
/// and a general encoder takes a second for it.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    mutating func object(_ key: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
        container(key, open: UInt8(ascii: "{"), close: UInt8(ascii: "}"), body)
    }

    mutating func array(_ key: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
        container(key, open: UInt8(ascii: "["), close: UInt8(ascii: "]"), body)
    }

    private mutating func container(
        _ key: StaticString?, open: UInt8, close: UInt8, _ body: (inout JSONWriter) -> Void
    ) {
        begin(key)
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    /// Nothing where there is no text.
    mutating func write(_ key: StaticString, _ text: String?) {
        guard let text else { return }
        begin(key)
        append(string: text)
    }

    /// A key that comes from outside.
    mutating func write(key: String, _ text: String) {
        separate()
        append(string: key)
        bytes.append(UInt8(ascii: ":"))
        append(string: text)
    }

    mutating func write(_ key: StaticString, _ number: (some BinaryInteger)?) {
        guard let number else { return }
        begin(key)
        append(integer: number)
    }

    /// Nothing where there is no number, or none that JSON can say.
    mutating func write(_ key: StaticString, _ number: Double?) {
        guard let number, number.isFinite else { return }
        begin(key)
        bytes.append(contentsOf: number.description.utf8)
    }

    /// RFC 3339 in UTC, to the millisecond.
    mutating func write(_ key: StaticString, _ time: WallTime?) {
        guard let time else { return }
        begin(key)
        bytes.append(UInt8(ascii: "\""))
        CivilTime.append(time, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// An element of an array.
    mutating func element(_ number: some BinaryInteger) {
        separate()
        append(integer: number)
    }

    /// An element of an array: a share in ten-thousandths as a number from 0 to 1, or null.
    mutating func element(share: Int?) {
        separate()
        guard let share else {
            append("null")
            return
        }
        guard share < StreamHistory.Point.scale else {
            bytes.append(UInt8(ascii: "1"))
            return
        }
        bytes.append(UInt8(ascii: "0"))
        var rest = share
        if rest > 0 { bytes.append(UInt8(ascii: ".")) }
        while rest > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / 1_000))
            rest = rest % 1_000 * 10
        }
    }

    private mutating func begin(_ key: StaticString?) {
        separate()
        guard let key else { return }
        bytes.append(UInt8(ascii: "\""))
        append(key)
        append("\":")
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func append(integer: some BinaryInteger) {
        if integer < 10, integer >= 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(integer))
        } else {
            bytes.append(contentsOf: String(integer).utf8)
        }
    }

    /// RFC 8259, section 7.
    private mutating func append(string: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: append("\\n")
            case 0..<0x20:
                append("\\u00")
                bytes.append(UInt8(ascii: "0") + byte >> 4)
                bytes.append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
