internal import CZlib

/// Deflates our messages (RFC 7692, section 7.2.1).
///
/// zlib's state, 256 KiB with a full window, is made with the first compressed message.
struct Deflater: ~Copyable, @unchecked Sendable {
    // Unchecked: zlib's state has this one owner, which can't be copied. It lives behind a pointer because zlib keeps
    // one back to it and refuses to work once it has moved.
    private var stream: UnsafeMutablePointer<z_stream>?
    private let windowBits: Int32
    private let keepsContext: Bool

    /// - Parameter windowBits: 8 to 15. zlib can't deflate raw data with 8; with 9, it never reaches back further than
    ///   250 bytes (the window without room for one more match), so that a window of 256 inflates it.
    init(windowBits: Int, keepsContext: Bool) {
        self.windowBits = Int32(max(windowBits, 9))
        self.keepsContext = keepsContext
    }

    deinit {
        guard let stream else { return }
        deflateEnd(stream)
        stream.deallocate()
    }

    private mutating func end() {
        guard let stream else { return }
        deflateEnd(stream)
        stream.deallocate()
        self.stream = nil
    }

    /// Deflates a whole message into `output`, without the tail 00 00 FF FF that the receiver puts back.
    /// False where zlib can't: the message is then to be sent as it is, and nothing later may be compressed.
    mutating func deflate(_ message: UnsafeRawBufferPointer, into output: inout MessageBuffer) -> Bool {
        output.clear()
        // Without input zlib would write nothing at all. One byte, an empty block's start, does it (section 7.2.3.6).
        guard !message.isEmpty else {
            withUnsafeBytes(of: UInt8(0)) { output.append($0) }
            return true
        }
        guard let stream = started() else { return false }
        defer { if !keepsContext { end() } }
        var rest = message
        repeat {
            let offered = min(rest.count, Int(UInt32.max))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(offered)
            rest = UnsafeRawBufferPointer(rebasing: rest[offered...])
            guard flush(stream, rest.isEmpty ? Z_SYNC_FLUSH : Z_NO_FLUSH, into: &output) else { return false }
        } while !rest.isEmpty
        output.removeLast(4)
        return true
    }

    private func flush(
        _ stream: UnsafeMutablePointer<z_stream>, _ mode: Int32, into output: inout MessageBuffer
    ) -> Bool {
        repeat {
            // Once a flush has less than six bytes of room, zlib would write its marker twice.
            output.reserve(Int(deflateBound(stream, UInt(stream.pointee.avail_in))) + 16)
            let room = output.free
            let space = min(room.count, Int(UInt32.max))
            stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(space)
            let status = CZlib.deflate(stream, mode)
            guard status == Z_OK || status == Z_BUF_ERROR else { return false }
            output.commit(space - Int(stream.pointee.avail_out))
        } while stream.pointee.avail_out == 0
        return true
    }

    private mutating func started() -> UnsafeMutablePointer<z_stream>? {
        if let stream { return stream }
        let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        fresh.initialize(to: z_stream())
        guard holdfast_deflateInit2(fresh, Z_DEFAULT_COMPRESSION, -windowBits, 8) == Z_OK else {
            fresh.deallocate()
            return nil
        }
        stream = fresh
        return fresh
    }
}
