/// The bytes of a message that is scanned as JSON: how far a string, a word, a number or a container reaches.
struct JSONSpan {
    // Unsafe pointers, because a bounds check for each byte would cost more than the work. They point into the message
    // that a matcher was given, do not leave it, and each read is preceded by a look at `end`.
    typealias Place = UnsafePointer<UInt8>

    let start: Place
    let end: Place

    /// The byte at `place`; 0, which begins nothing in JSON, at the end.
    @inline(__always)
    func byte(_ place: Place) -> UInt8 {
        place < end ? place.pointee : 0
    }

    /// The bytes from `begin` to before `end`.
    @inline(__always)
    func part(_ begin: Place, _ end: Place) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: begin, count: end - begin)
    }

    /// Moves `place` behind space; the byte that stands there.
    @inline(__always)
    func byte(afterSpace place: inout Place) -> UInt8 {
        let first = byte(place)
        // Most messages hold no space at all.
        if first > 0x20 { return first }
        if first == 0x20 {
            place += 1
            let second = byte(place)
            if second > 0x20 { return second }
        }
        place = afterSpace(place)
        return byte(place)
    }

    @inline(never)
    func afterSpace(_ begin: Place) -> Place {
        var place = begin
        while place < end, place.pointee <= 0x20 {
            switch place.pointee {
            case 0x20, 0x09, 0x0A, 0x0D: place += 1
            default: return place
            }
        }
        return place
    }

    /// Where a string that begins at `begin` ends, behind its closing quote; nil where it does not.
    ///
    /// The first bytes are looked at one by one: most keys end among them, and in messages of one shape always at the
    /// same one, which a processor foresees. Of longer strings sixteen bytes are passed over at once as long as none
    /// of them is a quote or a backslash.
    @inline(__always)
    func endOfString(_ begin: Place, _ hasEscapes: inout Bool) -> Place? {
        var place = begin
        let near = end - begin > 12 ? begin + 12 : end
        while place < near {
            let byte = place.pointee
            if byte == UInt8(ascii: "\"") { return place + 1 }
            if byte == UInt8(ascii: "\\") { break }
            place += 1
        }
        return endOfLongString(place, &hasEscapes)
    }

    /// The same for strings that are mostly longer than keys are.
    @inline(never)
    func endOfLongString(_ begin: Place, _ hasEscapes: inout Bool) -> Place? {
        let end = self.end
        var place = begin
        while place < end {
            place = Self.quoteOrBackslash(place, end)
            guard place < end else { return nil }
            let byte = place.pointee
            place += 1
            if byte == UInt8(ascii: "\"") { return place }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                // A backslash as the last byte escapes nothing.
                guard place < end else { return nil }
                place += 1
            }
        }
        return nil
    }

    /// The first quote or backslash from `begin` on, or one of the last bytes before `end`, which are not looked at.
    @inline(__always)
    private static func quoteOrBackslash(_ begin: Place, _ end: Place) -> Place {
        var place = begin
        // Twice as many as long as there are none: a string's end is foreseen by nobody, but that there is one in each half.
        while end - place >= 32 {
            let first = marks(place)
            let second = marks(place + 16)
            let both = first | second
            if both[0] | both[1] != 0 {
                if let index = Self.first(first) { return place + index }
                if let index = Self.first(second) { return place + 16 + index }
            }
            place += 32
        }
        while end - place >= 16 {
            if let first = first(marks(place)) { return place + first }
            place += 16
        }
        while end - place >= 8 {
            let word = UInt64(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
            let found = zeroBytes(word ^ 0x2222_2222_2222_2222) | zeroBytes(word ^ 0x5C5C_5C5C_5C5C_5C5C)
            // The lowest bit that is set marks the first such byte; higher ones may be set in error.
            if found != 0 { return place + (found.trailingZeroBitCount >> 3) }
            place += 8
        }
        return place
    }

    /// The sixteen bytes at `place`: all bits of a quote or a backslash are set, and none of other bytes.
    @inline(__always)
    private static func marks(_ place: Place) -> SIMD2<UInt64> {
        let quote = SIMD16<UInt8>(repeating: UInt8(ascii: "\""))
        let backslash = SIMD16<UInt8>(repeating: UInt8(ascii: "\\"))
        let bytes = UnsafeRawPointer(place).loadUnaligned(as: SIMD16<UInt8>.self)
        return unsafeBitCast((bytes .== quote) .| (bytes .== backslash), to: SIMD2<UInt64>.self)
    }

    /// The index of the first byte that is not 0.
    @inline(__always)
    private static func first(_ marks: SIMD2<UInt64>) -> Int? {
        let first = UInt64(littleEndian: marks[0])
        if first != 0 { return first.trailingZeroBitCount >> 3 }
        let second = UInt64(littleEndian: marks[1])
        return second != 0 ? 8 + second.trailingZeroBitCount >> 3 : nil
    }

    /// The highest bit of each byte of `word` that is zero.
    @inline(__always)
    private static func zeroBytes(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }

    /// Where the list or object that begins at `begin` ends; nil where it does not.
    @inline(never)
    func endOfContainer(_ begin: Place) -> Place? {
        let end = self.end
        var nesting = 0
        var place = begin
        while place < end {
            let byte = place.pointee
            place += 1
            if byte == UInt8(ascii: "\"") {
                var hasEscapes = false
                guard let next = endOfString(place, &hasEscapes) else { return nil }
                place = next
                continue
            }
            // `[` and `{`, and `]` and `}`, differ in this bit alone, and no other byte becomes one of them by it.
            switch byte | 0x20 {
            case UInt8(ascii: "{"):
                nesting &+= 1
            case UInt8(ascii: "}"):
                nesting &-= 1
                if nesting == 0 { return place }
            default:
                break
            }
        }
        return nil
    }

    /// Where the number or word that begins at `begin` ends: before whatever may follow a value; nil where none begins.
    @inline(__always)
    func endOfToken(_ begin: Place) -> Place? {
        var place = begin
        while end - place >= 8 {
            let digits = JSONBytes.digits(JSONBytes.word(place))
            place += digits
            if digits < 8 { break }
        }
        while place < end, place.pointee &- 0x30 < 10 { place += 1 }
        // Mostly a whole number, which ends here.
        if place > begin, place == end || place.pointee < UInt8(ascii: "-") && place.pointee != UInt8(ascii: "+") {
            return place
        }
        return endOfLongToken(begin)
    }

    @inline(never)
    private func endOfLongToken(_ begin: Place) -> Place? {
        let end = self.end
        switch byte(begin) {
        case UInt8(ascii: "-"), 0x30...0x39, UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): break
        default: return nil
        }
        var place = begin + 1
        while place < end {
            switch place.pointee {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
                place += 1
            default:
                return place
            }
        }
        return place
    }
}
