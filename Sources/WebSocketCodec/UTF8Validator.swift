// Unsafe pointers, because a bounds check for each byte would cost more than the work. Into a part of a message, valid
// during the call; sixteen bytes are only read where there are sixteen left.

/// Checks UTF-8 as it arrives: the first byte that can't belong to any character is found at once, whatever the
/// division into chunks (RFC 3629, section 4; RFC 6455, section 8.1).
struct UTF8Validator {
    /// Continuation bytes that the character under way still wants.
    private var missing = 0
    /// What the next continuation byte may be: narrower after E0, ED, F0 and F4, which is what keeps out overlong
    /// forms, surrogates and everything above U+10FFFF.
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// Whether no character is left unfinished.
    var isComplete: Bool { missing == 0 }

    /// Takes the next bytes; gives the index of the first bad one, nil where there is none so far.
    mutating func firstInvalid(in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        while index < bytes.count {
            if missing == 0 {
                index = Self.skipASCII(bytes, from: index)
                guard index < bytes.count else { return nil }
                guard begin(with: bytes[index]) else { return index }
            } else {
                let byte = bytes[index]
                guard byte >= lowest, byte <= highest else { return index }
                lowest = 0x80
                highest = 0xBF
                missing -= 1
            }
            index += 1
        }
        return nil
    }

    /// The index of the first byte that is not ASCII. Sixteen bytes at a time, since nearly all text of the protocols
    /// at hand is ASCII and this is most of what a message costs.
    private static func skipASCII(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return start }
        var index = start
        while bytes.count - index >= 16 {
            let low = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let high = base.loadUnaligned(fromByteOffset: index &+ 8, as: UInt64.self)
            guard (low | high) & 0x8080_8080_8080_8080 == 0 else { break }
            index &+= 16
        }
        while index < bytes.count, bytes[index] < 0x80 {
            index &+= 1
        }
        return index
    }

    /// Starts a character that is not ASCII.
    private mutating func begin(with byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: missing = 1
        case 0xE0: (missing, lowest) = (2, 0xA0)
        case 0xED: (missing, highest) = (2, 0x9F)
        case 0xE1...0xEF: missing = 2
        case 0xF0: (missing, lowest) = (3, 0x90)
        case 0xF1...0xF3: missing = 3
        case 0xF4: (missing, highest) = (3, 0x8F)
        default: return false
        }
        return true
    }
}
