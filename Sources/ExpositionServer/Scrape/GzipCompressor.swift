// Unsafe pointers are what isa-l works with: its state and work space are allocated and freed in one call, and it is
// told how long input and output are.

internal import CIsal
internal import MetricsRegistry

/// gzip (RFC 1952) at igzip's level 1: a scrape must be quick before it is small. A tenth of zlib's time at its level 1,
/// for a text that is a little larger.
enum GzipCompressor {
    /// Text is written and compressed in pieces of this size, which the cache holds.
    private static let pieceBytes = 128 * 1024

    /// Appends the compressed `input` to `output`; false if the library refuses, which only its misuse can make it do.
    static func compress(_ input: UnsafeRawBufferPointer, into output: ExpositionBuffer) -> Bool {
        var position = 0
        return compress(count: input.count, into: output) {
            // The library's counters have 32 bits.
            let part = UnsafeRawBufferPointer(rebasing: input[position..<min(input.count, position + 1 << 30)])
            position += part.count
            return part
        }
    }

    /// Likewise, for a text that is written piece by piece.
    static func compress(_ input: Exposition, into output: ExpositionBuffer) -> Bool {
        let reader = ExpositionReader(input)
        return withUnsafeTemporaryAllocation(byteCount: pieceBytes, alignment: 64) { piece in
            compress(count: input.count, into: output) {
                UnsafeRawBufferPointer(rebasing: piece[..<reader.read(into: piece)])
            }
        }
    }

    /// Compresses the `count` bytes that `next` gives in parts.
    private static func compress(
        count: Int, into output: ExpositionBuffer, _ next: () -> UnsafeRawBufferPointer
    ) -> Bool {
        // The state has 200 KiB: on the heap, and without a Swift value that would be copied about.
        let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
        let work = UnsafeMutableRawPointer.allocate(byteCount: Int(holdfast_isal_level1_default), alignment: 16)
        defer {
            work.deallocate()
            stream.deallocate()
        }
        isal_deflate_init(stream)
        stream.pointee.level = 1
        stream.pointee.level_buf = work.assumingMemoryBound(to: UInt8.self)
        stream.pointee.level_buf_size = UInt32(holdfast_isal_level1_default)
        stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
        stream.pointee.flush = UInt16(NO_FLUSH)
        var left = count
        repeat {
            let part = next()
            guard !part.isEmpty || left == 0 else { return false }
            left -= part.count
            // igzip only reads from `next_in`, whatever its type says.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(part.count)
            stream.pointee.end_of_stream = left == 0 ? 1 : 0
            guard deflatePart(stream, into: output) else { return false }
        } while left > 0
        return stream.pointee.internal_state.state.rawValue == holdfast_isal_stream_end
    }

    private static func deflatePart(_ stream: UnsafeMutablePointer<isal_zstream>, into output: ExpositionBuffer) -> Bool
    {
        var result = COMP_OK
        repeat {
            output.append(reserving: 64 * 1024) { room in
                stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(room.count)
                result = isal_deflate(stream)
                return room.count - Int(stream.pointee.avail_out)
            }
            guard result == COMP_OK else { return false }
        } while stream.pointee.avail_out == 0
        return true
    }
}
