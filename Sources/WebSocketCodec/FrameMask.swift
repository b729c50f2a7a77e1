// The unsafe pointer is to bytes that the caller owns, for the call alone.

/// The masking of client frames (RFC 6455, section 5.3).
struct FrameMask {
    /// The key as it stands on the wire, most significant byte first.
    var key: UInt32

    /// Masks or unmasks in place; both are the same.
    /// - Parameter position: where in the frame's payload these bytes start.
    func apply(to bytes: UnsafeMutableRawBufferPointer, at position: Int = 0) {
        guard let base = bytes.baseAddress else { return }
        let turn = UInt32(truncatingIfNeeded: position & 3) * 8
        let turned = key << turn | key >> (32 - turn)
        let word = (UInt64(turned) << 32 | UInt64(turned)).bigEndian
        var index = 0
        while bytes.count - index >= 8 {
            let masked = base.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
            base.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < bytes.count {
            bytes[index] ^= UInt8(truncatingIfNeeded: turned >> (24 - 8 * UInt32(truncatingIfNeeded: index & 3)))
            index += 1
        }
    }
}
