// Unsafe pointers are to a part of a message, valid during the call; each index is compared with its length.

/// What is done with the bytes of JSON's texts and numbers where they lie, without making a String of them.
enum JSONBytes {
    @inline(__always)
    static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let count = left.count
        guard count == right.count else { return false }
        // Compared in place, because the library's comparison costs a call for a few bytes.
        guard let left = left.baseAddress, let right = right.baseAddress else { return left.isEmpty }
        var index = 0
        while index < count {
            if left.load(fromByteOffset: index, as: UInt8.self) != right.load(fromByteOffset: index, as: UInt8.self) {
                return false
            }
            index &+= 1
        }
        return true
    }

    /// A whole number from 0 to 2⁶³ − 1 as JSON writes it; nil for anything else.
    @inline(__always)
    static func wholeNumber(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard (1...19).contains(bytes.count) else { return nil }
        if bytes.count > 1, bytes[0] == 0x30 { return nil }
        guard let start = bytes.baseAddress else { return nil }
        var number: UInt64 = 0
        var place = start
        var left = bytes.count
        while left >= 8 {
            guard digits(word(place)) == 8 else { return nil }
            number = number &* 100_000_000 &+ value(ofDigits: word(place))
            place += 8
            left &-= 8
        }
        // 19 digits stay below 2⁶⁴.
        while left > 0 {
            let digit = place.load(as: UInt8.self) &- 0x30
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ UInt64(digit)
            place += 1
            left &-= 1
        }
        return number <= UInt64(Int64.max) ? number : nil
    }

    /// How many of the eight bytes of `word`, from its lowest on, are digits.
    @inline(__always)
    static func digits(_ word: UInt64) -> Int {
        let value = word ^ 0x3030_3030_3030_3030
        // A digit has nothing in its upper half, nor has 6 more. What a byte that is none carries over concerns only those
        // above it.
        let other = (value | (value &+ 0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0
        return other.trailingZeroBitCount >> 3
    }

    /// The number that eight digits are, the first of them in the lowest byte: pairs at once, then pairs of pairs.
    @inline(__always)
    private static func value(ofDigits word: UInt64) -> UInt64 {
        let digits = word & 0x0F0F_0F0F_0F0F_0F0F
        let pairs = (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
        return (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF
    }

    /// A hash that is the same for the same text, however it is escaped, and differs between a text and a number.
    ///
    /// Sixteen bytes at a time go into one product of 64 by 64 bits, both halves of which are kept.
    static func hash(_ bytes: UnsafeRawBufferPointer, isText: Bool, hasEscapes: Bool) -> UInt64 {
        let state: UInt64 = isText ? 0x9E37_79B9_7F4A_7C15 : 0xC2B2_AE3D_27D4_EB4F
        return hasEscapes ? hash(escaped: bytes, state) : hash(plain: bytes, state)
    }

    @inline(__always)
    private static func hash(plain bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        guard let start = bytes.baseAddress else { return finish(seed, 0, 0, count: 0) }
        var state = seed
        var place = start
        var left = bytes.count
        while left >= 16 {
            state = fold(state, word(place), word(place + 8))
            place += 16
            left &-= 16
        }
        if left >= 8 { return finish(state, word(place), word(place + 8, left &- 8), count: bytes.count) }
        return finish(state, word(place, left), 0, count: bytes.count)
    }

    private static func hash(escaped bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        var state = seed
        var words: (UInt64, UInt64) = (0, 0)
        var count = 0
        decode(bytes) { byte in
            let shift = UInt64(8 * (count & 7))
            if count & 8 == 0 { words.0 |= UInt64(byte) << shift } else { words.1 |= UInt64(byte) << shift }
            count += 1
            if count & 15 == 0 {
                state = fold(state, words.0, words.1)
                words = (0, 0)
            }
            return true
        }
        return finish(state, words.0, words.1, count: count)
    }

    @inline(__always)
    private static func finish(_ state: UInt64, _ first: UInt64, _ second: UInt64, count: Int) -> UInt64 {
        mix(fold(state, first, second) ^ UInt64(count))
    }

    @inline(__always)
    private static func fold(_ state: UInt64, _ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ state)
        return product.high ^ product.low
    }

    /// The eight bytes at `place`, the first of them the lowest of a word.
    @inline(__always)
    static func word(_ place: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
    }

    /// The `count` bytes at `place`, fewer than eight of them, as the lowest of a word.
    @inline(__always)
    private static func word(_ place: UnsafeRawPointer, _ count: Int) -> UInt64 {
        if count >= 4 {
            // The two overlap where there are fewer than eight, with the same bits.
            let last = UInt32(littleEndian: (place + count - 4).loadUnaligned(as: UInt32.self))
            let first = UInt32(littleEndian: place.loadUnaligned(as: UInt32.self))
            return UInt64(first) | UInt64(last) << UInt64(8 &* (count &- 4))
        }
        var word: UInt64 = 0
        var index = 0
        while index < count {
            word |= UInt64((place + index).load(as: UInt8.self)) << UInt64(8 &* index)
            index &+= 1
        }
        return word
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ (value >> 32)) &* 0xD6E8_FEB8_6659_FD93
        mixed = (mixed ^ (mixed >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ (mixed >> 32)
    }

    /// Whether the text that `escaped` stands for is `plain`, or begins with it.
    static func isEqual(
        escaped: UnsafeRawBufferPointer, to plain: UnsafeRawBufferPointer, asPrefix: Bool
    ) -> Bool {
        var index = 0
        let isSound = decode(escaped) { byte in
            if index == plain.count { return asPrefix }
            guard plain[index] == byte else { return false }
            index += 1
            return true
        }
        return isSound && index == plain.count
    }

    /// Hands over the bytes of the text that `escaped` stands for (RFC 8259, section 7), until `take` says no.
    /// False where it said so or where an escape is none.
    @discardableResult
    static func decode(_ escaped: UnsafeRawBufferPointer, _ take: (UInt8) -> Bool) -> Bool {
        var index = 0
        while index < escaped.count {
            let byte = escaped[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                guard take(byte) else { return false }
                continue
            }
            guard index < escaped.count else { return false }
            let kind = escaped[index]
            index += 1
            if kind == UInt8(ascii: "u") {
                guard let scalar = unicodeEscape(escaped, &index) else { return false }
                for byte in String(Character(scalar)).utf8 { guard take(byte) else { return false } }
            } else {
                guard let plain = simpleEscape(kind), take(plain) else { return false }
            }
        }
        return true
    }

    private static func simpleEscape(_ kind: UInt8) -> UInt8? {
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): kind
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// The character of `\uXXXX`, or of two of them where they are a surrogate pair; U+FFFD for half a pair.
    private static func unicodeEscape(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Unicode.Scalar? {
        guard let first = hexadecimal(bytes, at: index) else { return nil }
        index += 4
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u"), let second = hexadecimal(bytes, at: index + 2),
            (0xDC00...0xDFFF).contains(second)
        else { return "\u{FFFD}" }
        index += 6
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private static func hexadecimal(_ bytes: UnsafeRawBufferPointer, at index: Int) -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[index..<(index + 4)] {
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
            default: return nil
            }
        }
        return value
    }
}
