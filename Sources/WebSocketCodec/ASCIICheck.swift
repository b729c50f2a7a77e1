// Unsafe pointers, because this is the path of nearly every message. Into a message, valid during the call; as many bytes
// are only read where so many are left.

/// Whether a text is ASCII, which most are, and which makes it UTF-8 without a further look.
@usableFromInline
enum ASCIICheck {
    /// Whether all of `bytes` are. Reads all of them, up to 64 at a time: where one is not, the whole check of UTF-8
    /// follows, which costs more.
    @inlinable
    static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        var found = SIMD2<UInt64>()
        var place = start
        let end = start + bytes.count
        while end - place >= 64 {
            let block = place.loadUnaligned(as: SIMD8<UInt64>.self)
            let half = block.lowHalf | block.highHalf
            found |= half.lowHalf | half.highHalf
            place += 64
        }
        while end - place >= 16 {
            found |= place.loadUnaligned(as: SIMD2<UInt64>.self)
            place += 16
        }
        var seen = found[0] | found[1]
        if end - place >= 8 {
            seen |= place.loadUnaligned(as: UInt64.self)
            place += 8
        }
        while place < end {
            seen |= UInt64(place.load(as: UInt8.self))
            place += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }
}
