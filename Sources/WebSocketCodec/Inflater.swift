internal import CZlib

/// Inflates the peer's messages (RFC 7692, section 7.2.2).
///
/// zlib's state is made with the first compressed message: many connections never see one.
struct Inflater: ~Copyable, @unchecked Sendable {
    // Unchecked: zlib's state has this one owner, which can't be copied. It lives behind a pointer because zlib keeps
    // one back to it and refuses to work once it has moved.
    private var stream: UnsafeMutablePointer<z_stream>?
    private let windowBits: Int32
    private let keepsContext: Bool
    private var finalBlocks = 0

    /// A final block ends zlib's stream, and its window has to be carried over by hand: 64 KiB of copying for two bytes
    /// of input. No sender has a use for more than a few in one message (section 7.2.3.4 shows one).
    private static let mostFinalBlocks = 32

    /// What one step came to.
    enum Outcome: Equatable {
        /// The room was filled or a block ended: there may be more.
        case more
        /// All input is used up.
        case needsInput
        /// The input is no deflate data, or reaches back further than the window.
        case invalid(String)
    }

    init(windowBits: Int, keepsContext: Bool) {
        self.windowBits = Int32(windowBits)
        self.keepsContext = keepsContext
    }

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Inflates from the front of `input` into `output`, by no more than `most` bytes, which is at least one.
    mutating func step(
        _ input: inout UnsafeRawBufferPointer, into output: inout MessageBuffer, most: Int
    ) -> Outcome {
        guard let stream = started() else { return .invalid("zlib has no memory for a window") }
        if output.count == output.capacity { output.reserve(min(most, max(1024, output.capacity))) }
        let room = output.free
        let offered = min(input.count, Int(UInt32.max))
        let space = min(room.count, most, Int(UInt32.max))
        // zlib does not write to its input, but its declaration says so.
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(offered)
        stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(space)
        let status = inflate(stream, Z_SYNC_FLUSH)
        let used = offered - Int(stream.pointee.avail_in)
        let written = space - Int(stream.pointee.avail_out)
        input = UnsafeRawBufferPointer(rebasing: input[used...])
        output.commit(written)
        switch status {
        case Z_OK, Z_BUF_ERROR:
            // A full room can hide output that zlib still holds; an empty one means that it holds none.
            if written == space { return .more }
            return input.isEmpty ? .needsInput : .more
        case Z_STREAM_END:
            return beginAfterFinalBlock(stream) ? .more : .invalid("too many final blocks in one message")
        default:
            return .invalid(stream.pointee.msg.map { String(cString: $0) } ?? "zlib's status is \(status)")
        }
    }

    /// Whether the message that was read, with its tail, ends where a block ends; gets ready for the next one.
    mutating func endMessage() -> Bool {
        guard let stream else { return false }
        // zlib: 128 for "between two blocks", the low bits count what is left over of the last byte.
        let endsWithBlock = stream.pointee.data_type & 0x9F == 128
        finalBlocks = 0
        if !keepsContext { inflateReset(stream) }
        return endsWithBlock
    }

    /// Between two messages: gives the memory back where no context is to be kept.
    mutating func rest() {
        guard !keepsContext, let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
        self.stream = nil
    }

    private mutating func started() -> UnsafeMutablePointer<z_stream>? {
        if let stream { return stream }
        let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        fresh.initialize(to: z_stream())
        // Negative: raw deflate data, without zlib's header.
        guard holdfast_inflateInit2(fresh, -windowBits) == Z_OK else {
            fresh.deallocate()
            return nil
        }
        stream = fresh
        return fresh
    }

    /// After a final block a message may go on with further blocks, which may refer to what came before.
    private mutating func beginAfterFinalBlock(_ stream: UnsafeMutablePointer<z_stream>) -> Bool {
        finalBlocks += 1
        guard finalBlocks <= Self.mostFinalBlocks else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 1 << 15, alignment: 16) { window in
            let bytes = window.assumingMemoryBound(to: UInt8.self).baseAddress
            var count: UInt32 = 0
            return inflateGetDictionary(stream, bytes, &count) == Z_OK && inflateReset(stream) == Z_OK
                && inflateSetDictionary(stream, bytes, count) == Z_OK
        }
    }
}
