// Unsafe pointers are how libmicrohttpd takes bodies: copied at once, or held by a retained object that its own
// callback releases when the response is destroyed.

internal import CMicrohttpd
import MetricsRegistry

/// Makes libmicrohttpd's responses of ours.
enum ResponseBody {
    /// Text is written and sent in pieces of this size. Small enough that a piece is still in the cache when the kernel
    /// copies it, and that other connections of the same thread have their turn in between; large enough that the
    /// receiver is not woken for every few lines.
    private static let pieceBytes = 256 * 1024

    /// A response that owns what it needs of `body`; nil if memory is out. To be destroyed once it has been queued.
    static func make(_ body: Response.Body) -> OpaquePointer? {
        switch body {
        case .bytes(let bytes):
            return bytes.withUnsafeBytes { bytes in
                // Copied with MUST_COPY: the pointer is only read here.
                MHD_create_response_from_buffer(
                    bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .shared(let buffer, let ticket):
            let hold = Unmanaged.passRetained(SharedBytes(buffer: buffer, ticket: ticket))
            let response = MHD_create_response_from_buffer_with_free_callback_cls(
                buffer.count, UnsafeMutableRawPointer(mutating: buffer.bytes.baseAddress), releaseSharedBytes,
                hold.toOpaque())
            if response == nil { hold.release() }
            return response
        case .exposition(let exposition, let ticket):
            let hold = Unmanaged.passRetained(ReadText(exposition, ticket: ticket))
            let response = MHD_create_response_from_callback(
                UInt64(exposition.count), min(pieceBytes, max(1, exposition.count)), readText, hold.toOpaque(),
                releaseText)
            if response == nil { hold.release() }
            return response
        case .stream(let follower):
            let hold = Unmanaged.passRetained(follower)
            // UInt64.max is MHD_SIZE_UNKNOWN, a macro that Swift does not see.
            let response = MHD_create_response_from_callback(
                .max, 4096, readFollower, hold.toOpaque(), releaseFollower)
            if response == nil { hold.release() }
            return response
        }
    }

    /// Keeps a shared buffer where it is while it is being sent.
    private final class SharedBytes: Sendable {
        let buffer: ExpositionBuffer
        let ticket: (any AnyObject & Sendable)?

        init(buffer: ExpositionBuffer, ticket: (any AnyObject & Sendable)?) {
            self.buffer = buffer
            self.ticket = ticket
        }
    }

    private static let releaseSharedBytes: MHD_ContentReaderFreeCallback = { context in
        guard let context else { return }
        Unmanaged<SharedBytes>.fromOpaque(context).release()
    }

    /// A text and how far it has been sent.
    ///
    /// `@unchecked Sendable`: the connection's polling thread alone reads.
    private final class ReadText: @unchecked Sendable {
        let reader: ExpositionReader
        let ticket: (any AnyObject & Sendable)?

        init(_ exposition: Exposition, ticket: (any AnyObject & Sendable)?) {
            reader = ExpositionReader(exposition)
            self.ticket = ticket
        }
    }

    private static let readText: MHD_ContentReaderCallback = { context, _, bytes, count in
        guard let context, let bytes else { return -1 }
        let text = Unmanaged<ReadText>.fromOpaque(context).takeUnretainedValue()
        let read = text.reader.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count))
        // libmicrohttpd knows how long the text is and asks for no more. If there were less, the client must notice.
        return read > 0 ? read : -2  // MHD_CONTENT_READER_END_WITH_ERROR
    }

    private static let releaseText: MHD_ContentReaderFreeCallback = { context in
        guard let context else { return }
        Unmanaged<ReadText>.fromOpaque(context).release()
    }

    private static let readFollower: MHD_ContentReaderCallback = { context, _, bytes, count in
        guard let context, let bytes else { return -1 }
        let follower = Unmanaged<Follower>.fromOpaque(context).takeUnretainedValue()
        switch follower.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count)) {
        case .bytes(let count): return count
        case .suspended: return 0
        case .end: return -1  // MHD_CONTENT_READER_END_OF_STREAM
        }
    }

    private static let releaseFollower: MHD_ContentReaderFreeCallback = { context in
        guard let context else { return }
        let follower = Unmanaged<Follower>.fromOpaque(context).takeRetainedValue()
        follower.abandon()
    }
}
