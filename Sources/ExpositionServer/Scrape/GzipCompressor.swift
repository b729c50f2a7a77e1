internal import CZlib
internal import Glibc
internal import MetricsRegistry

/// gzip (RFC 1952) at zlib's level 1: a scrape must be quick before it is small.
enum GzipCompressor {
    /// Appends the compressed `input` to `output`; false if memory is out.
    static func compress(_ input: UnsafeRawBufferPointer, into output: ExpositionBuffer) -> Bool {
        var stream = z_stream()
        // `deflateInit2` is a macro. 15 bits of window, and 16 asks for gzip's header and trailer.
        let failure = deflateInit2_(
            &stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard failure == Z_OK else { return false }
        defer { deflateEnd(&stream) }
        // zlib only reads from `next_in`, whatever its type says.
        stream.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        var left = input.count
        while true {
            // `avail_in` has 32 bits.
            let part = min(left, 1 << 30)
            stream.avail_in = UInt32(part)
            left -= part
            var result = Z_OK
            repeat {
                output.append(reserving: 64 * 1024) { room in
                    stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.avail_out = UInt32(min(room.count, 1 << 30))
                    let offered = Int(stream.avail_out)
                    result = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH)
                    return offered - Int(stream.avail_out)
                }
                guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else { return false }
            } while stream.avail_out == 0
            if left == 0 { return result == Z_STREAM_END }
        }
    }
}
