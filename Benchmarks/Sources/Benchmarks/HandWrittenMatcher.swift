import StreamModel

/// What a careful person would write by hand for one protocol, genesys-architect: one pass over the object, byte by
/// byte; `type` compared with the two acknowledgments, `sequence` read; space, strings with escapes and nesting passed
/// over; ends as soon as both are known.
struct HandWrittenMatcher {
    // An unsafe pointer, as the measured one has: both read the caller's bytes, and neither keeps them.
    let bytes: UnsafeRawBufferPointer
    private var place = 0

    @inline(never)
    static func facts(of bytes: UnsafeRawBufferPointer) -> MessageFacts {
        var matcher = HandWrittenMatcher(bytes)
        return matcher.facts() ?? MessageFacts(role: .event)
    }

    @inline(__always)
    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Nil where the message is broken.
    @inline(__always)
    private mutating func facts() -> MessageFacts? {
        var facts = MessageFacts(role: .event)
        var missing = 2
        guard take(UInt8(ascii: "{")) else { return nil }
        repeat {
            skipSpace()
            let keyStart = place &+ 1
            guard place < bytes.count, bytes[place] == UInt8(ascii: "\""), skipString() else { return nil }
            let keyEnd = place &- 1
            guard take(UInt8(ascii: ":")) else { return nil }
            skipSpace()
            guard place < bytes.count else { return nil }
            let start = place
            switch bytes[place] {
            case UInt8(ascii: "\""):
                guard skipString() else { return nil }
                if isEqual(keyStart, keyEnd, "type") {
                    let isAcknowledgment =
                        isEqual(start &+ 1, place &- 1, "reconnectAck")
                        || isEqual(start &+ 1, place &- 1, "subscriptionAck")
                    if isAcknowledgment { facts.role = .acknowledgment }
                    missing &-= 1
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard skipContainer() else { return nil }
            default:
                skipToken()
                if isEqual(keyStart, keyEnd, "sequence") {
                    facts.sequence = number(start)
                    missing &-= 1
                }
            }
            if missing == 0 { return facts }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}")) ? facts : nil
    }

    @inline(__always)
    private mutating func skipSpace() {
        while place < bytes.count,
            bytes[place] == 0x20 || bytes[place] == 0x0A || bytes[place] == 0x0D || bytes[place] == 0x09
        { place &+= 1 }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == byte else { return false }
        place &+= 1
        return true
    }

    /// From the opening quote to behind the closing one.
    @inline(__always)
    private mutating func skipString() -> Bool {
        var next = place &+ 1
        while next < bytes.count {
            let byte = bytes[next]
            next &+= byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") {
                place = next
                return true
            }
        }
        return false
    }

    @inline(__always)
    private mutating func skipContainer() -> Bool {
        var depth = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                guard skipString() else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth &-= 1
            default: break
            }
            place &+= 1
            if depth == 0 { return true }
        }
        return false
    }

    @inline(__always)
    private mutating func skipToken() {
        while place < bytes.count, bytes[place] != UInt8(ascii: ","), bytes[place] != UInt8(ascii: "}"),
            bytes[place] > 0x20
        { place &+= 1 }
    }

    @inline(__always)
    private func isEqual(_ start: Int, _ end: Int, _ text: StaticString) -> Bool {
        guard end &- start == text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[start &+ index] != text.utf8Start[index] { return false }
        return true
    }

    /// The whole number from `start` to here.
    @inline(__always)
    private func number(_ start: Int) -> UInt64? {
        guard place > start, place &- start <= 19 else { return nil }
        if place &- start > 1, bytes[start] == UInt8(ascii: "0") { return nil }
        var number: UInt64 = 0
        for index in start..<place {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ UInt64(digit)
        }
        return number <= UInt64(Int64.max) ? number : nil
    }
}
