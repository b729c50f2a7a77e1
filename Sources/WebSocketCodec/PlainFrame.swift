// Unsafe pointers, because this is the path of nearly every frame. Into the input, valid during the call; each read is
// preceded by a look at what is available.

/// A final, uncompressed, unmasked text or binary frame that lies whole in the input: nearly every frame there is.
///
/// Only a short cut: where it does not apply, the frame is read byte by byte, with all rules and their errors.
@usableFromInline
struct PlainFrame {
    @usableFromInline let kind: MessageKind
    @usableFromInline let payload: UnsafeRawBufferPointer
    /// The index after the frame.
    @usableFromInline let end: Int

    @inlinable
    init?(in bytes: UnsafeRawBufferPointer, at offset: Int, limit: Int) {
        let available = bytes.count &- offset
        guard available >= 2, let base = bytes.baseAddress else { return nil }
        let first = base.load(fromByteOffset: offset, as: UInt8.self)
        guard first == 0x81 || first == 0x82 else { return nil }
        let second = base.load(fromByteOffset: offset &+ 1, as: UInt8.self)
        var length = Int(second)
        var headerLength = 2
        if second == 126 {
            guard available >= 4 else { return nil }
            length = Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset &+ 2, as: UInt16.self)))
            headerLength = 4
            guard length >= 126 else { return nil }
        } else if second > 126 {
            return nil
        }
        guard length <= limit, length <= available &- headerLength else { return nil }
        kind = first == 0x81 ? .text : .binary
        payload = UnsafeRawBufferPointer(start: base + (offset &+ headerLength), count: length)
        end = offset &+ headerLength &+ length
    }
}
