// Unsafe pointers are to the input or to the decoder's own buffers, valid until the next call: a message is handed on
// where it lies. Every part that is taken is at most what is left of the input.

/// Bytes of the peer in, messages and errors out (RFC 6455, section 5; RFC 7692, section 7).
///
/// A message that lies whole, unfragmented and uncompressed in the input is handed on where it lies: nothing is copied
/// or allocated. Everything else is put together in buffers that are used again. They hold what has arrived and never
/// more than twice `maxMessageSize`, whatever lengths are announced.
///
/// Not copyable: the inflater's window belongs to one connection.
public struct WebSocketDecoder: ~Copyable, Sendable {
    @usableFromInline let limit: Int
    /// Whether the next byte starts a frame of the server that no fragment came before: the case worth a short cut.
    @usableFromInline var isAtPlainFrame: Bool
    /// Whether an error or a close frame ended the conversation: further bytes are ignored.
    public private(set) var isFinished = false

    private let role: WebSocketRole
    private let inflates: Bool
    private var inflater: Inflater
    private var header = FrameHeader()
    /// Payload of the frame under way that is still missing.
    private var remaining = 0
    /// Whether a fragmented message waits for its continuation.
    private var isFragmented = false
    private var kind = MessageKind.binary
    private var isCompressed = false
    /// Compressed bytes of the message under way, as far as they were announced.
    private var compressedCount = 0
    private var text = TextCheck()
    private var message = MessageBuffer()
    private var control = MessageBuffer()

    /// A decoder for one connection.
    /// - Parameters:
    ///   - role: which end we are.
    ///   - maxMessageSize: bytes of one message, after inflation. Above it: `messageTooBig`.
    ///   - deflate: what the handshake agreed on, nil for no compression.
    public init(role: WebSocketRole, maxMessageSize: Int, deflate: DeflateAgreement?) {
        self.role = role
        // Up to 2^60, so that sums of sizes can't overflow.
        limit = min(max(maxMessageSize, 0), 1 << 60)
        inflates = deflate != nil
        let agreed = deflate ?? DeflateAgreement()
        inflater =
            switch role {
            case .client:
                Inflater(windowBits: agreed.serverMaxWindowBits, keepsContext: !agreed.serverNoContextTakeover)
            case .server:
                Inflater(windowBits: agreed.clientMaxWindowBits, keepsContext: !agreed.clientNoContextTakeover)
            }
        isAtPlainFrame = role == .client
    }

    /// Memory that is held for parts of messages, in bytes; without zlib's window.
    var heldCapacity: Int { message.capacity + control.capacity }

    /// Gives back what is of no use until more arrives: to be called when a batch of reads is over. Where the peer takes
    /// no context over from one message to the next, that is the inflater with its window, 40 KiB.
    public mutating func rest() {
        guard inflates, remaining == 0, !isFragmented else { return }
        inflater.rest()
        message.release()
    }

    /// Decodes what has arrived; any division of the stream gives the same result. Messages that came before an error
    /// are handed on before it is thrown. After an error or a close frame, further bytes are ignored.
    @inlinable
    public mutating func decode<R: WebSocketReceiver>(
        _ bytes: UnsafeRawBufferPointer, into receiver: inout R
    ) throws(WebSocketError) {
        var offset = 0
        while offset < bytes.count {
            if isAtPlainFrame, let frame = PlainFrame(in: bytes, at: offset, limit: limit) {
                if frame.kind == .text, !ASCIICheck.isASCII(frame.payload),
                    let invalid = firstInvalidText(frame.payload)
                {
                    throw fail(invalid)
                }
                receiver.received(frame.kind, frame.payload)
                offset = frame.end
                continue
            }
            switch try next(in: bytes, from: &offset) {
            case .needsMore: return
            case .message(let kind, let payload): receiver.received(kind, payload)
            case .ping(let payload): receiver.receivedPing(payload)
            case .pong(let payload): receiver.receivedPong(payload)
            case .close(let code, let reason): receiver.receivedClose(code: code, reason: reason)
            }
            delivered()
        }
    }
}

// Between `decode`, which is compiled into its caller, and the parts that need not be.
extension WebSocketDecoder {
    /// What to hand on. A pointer is valid until the next call.
    @usableFromInline
    enum Event {
        case needsMore
        case message(MessageKind, UnsafeRawBufferPointer)
        case ping(UnsafeRawBufferPointer)
        case pong(UnsafeRawBufferPointer)
        case close(code: UInt16, reason: String)
    }

    /// Checks a text that lies whole in the input.
    @usableFromInline
    func firstInvalidText(_ payload: UnsafeRawBufferPointer) -> WebSocketError? {
        var check = TextCheck()
        do throws(WebSocketError) {
            try check.take(payload)
            try check.end()
            return nil
        } catch {
            return error
        }
    }

    /// Ends the conversation.
    @usableFromInline
    mutating func fail(_ error: WebSocketError) -> WebSocketError {
        finish()
        return error
    }

    /// Reads on to the next thing to hand on.
    @usableFromInline
    mutating func next(in bytes: UnsafeRawBufferPointer, from offset: inout Int) throws(WebSocketError) -> Event {
        guard !isFinished else { return .needsMore }
        isAtPlainFrame = false
        do throws(WebSocketError) {
            return try advance(in: bytes, from: &offset)
        } catch {
            throw fail(error)
        }
    }

    /// What was handed on is done with.
    @usableFromInline
    mutating func delivered() {
        control.clear()
        if !isFragmented { message.clear() }
        isAtPlainFrame = role == .client && !isFragmented && !isFinished
    }
}

extension WebSocketDecoder {
    private mutating func finish() {
        isFinished = true
        isAtPlainFrame = false
        message.release()
        control.release()
    }

    private mutating func advance(
        in bytes: UnsafeRawBufferPointer, from offset: inout Int
    ) throws(WebSocketError) -> Event {
        while true {
            while !header.isComplete {
                guard offset < bytes.count else { return .needsMore }
                let context = FrameHeader.Context(role: role, inflates: inflates, isFragmented: isFragmented)
                if try header.take(bytes[offset], in: context) { try begin() }
                offset += 1
            }
            guard remaining == 0 || offset < bytes.count else { return .needsMore }
            let count = min(remaining, bytes.count - offset)
            let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
            offset += count
            let event = header.opcode.isControl ? try takeControl(part) : try takeData(part)
            if let event { return event }
        }
    }

    /// The frame's length is known: this is where a message that is too big ends, before its payload arrives.
    private mutating func begin() throws(WebSocketError) {
        remaining = header.length
        guard !header.opcode.isControl else { return }
        if header.opcode != .continuation {
            kind = header.opcode == .text ? .text : .binary
            isCompressed = header.isCompressed
            compressedCount = 0
            text = TextCheck()
        }
        if isCompressed {
            // Deflate can make data larger, but only by so much. Without this bound a message of empty blocks would
            // never end.
            guard header.length <= limit + limit / 8 + 1024 - compressedCount else {
                throw tooBig("a compressed frame of \(header.length) bytes after \(compressedCount)")
            }
            compressedCount += header.length
        } else if header.length > limit - message.count {
            throw tooBig("a frame of \(header.length) bytes after \(message.count)")
        }
    }

    private func tooBig(_ what: String) -> WebSocketError {
        WebSocketError(kind: .messageTooBig, description: "\(what) makes a message larger than \(limit) bytes")
    }

    private mutating func takeControl(_ part: UnsafeRawBufferPointer) throws(WebSocketError) -> Event? {
        let payload: UnsafeRawBufferPointer
        if part.count == header.length, !header.isMasked {
            payload = part
        } else {
            control.append(part, unmaskedWith: header.mask, at: header.length - remaining)
            payload = control.bytes
        }
        remaining -= part.count
        guard remaining == 0 else { return nil }
        let opcode = header.opcode
        header = FrameHeader()
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close, .continuation, .text, .binary:
            let close = try ClosePayload(payload)
            finish()
            return .close(code: close.code, reason: close.reason)
        }
    }

    private mutating func takeData(_ part: UnsafeRawBufferPointer) throws(WebSocketError) -> Event? {
        let position = header.length - remaining
        remaining -= part.count
        if isCompressed {
            try inflate(part, at: position)
        } else if part.count == header.length, header.isFinal, !isFragmented, !header.isMasked {
            header = FrameHeader()
            if kind == .text {
                try text.take(part)
                try text.end()
            }
            return .message(kind, part)
        } else {
            let start = message.count
            message.append(part, unmaskedWith: header.mask, at: position)
            if kind == .text { try text.take(UnsafeRawBufferPointer(rebasing: message.bytes[start...])) }
        }
        guard remaining == 0 else { return nil }
        isFragmented = !header.isFinal
        header = FrameHeader()
        guard !isFragmented else { return nil }
        if isCompressed { try endInflation() }
        if kind == .text { try text.end() }
        return .message(kind, message.bytes)
    }

    private mutating func inflate(_ part: UnsafeRawBufferPointer, at position: Int) throws(WebSocketError) {
        guard header.isMasked else { return try inflate(part) }
        // The input is not ours to write to: it is unmasked in pieces elsewhere. The buffer of control frames is free,
        // since none can come inside of a frame.
        var offset = 0
        while offset < part.count {
            let piece = UnsafeRawBufferPointer(rebasing: part[offset..<min(offset + 4096, part.count)])
            control.clear()
            control.append(piece, unmaskedWith: header.mask, at: position + offset)
            try inflate(control.bytes)
            offset += piece.count
        }
        control.clear()
    }

    /// Inflates until the input is used up. Each step's output is checked before the next one, so that the first fault
    /// in the order of the message is the one that is told, however the input was divided.
    private mutating func inflate(_ input: UnsafeRawBufferPointer) throws(WebSocketError) {
        var rest = input
        while true {
            let start = message.count
            let outcome = inflater.step(&rest, into: &message, most: limit + 1 - start)
            if kind == .text {
                let fresh = message.bytes[min(start, limit)..<min(message.count, limit)]
                try text.take(UnsafeRawBufferPointer(rebasing: fresh))
            }
            guard message.count <= limit else { throw tooBig("inflation") }
            switch outcome {
            case .more: continue
            case .needsInput: return
            case .invalid(let reason):
                throw WebSocketError(
                    kind: .invalidCompressedData, description: "a message can't be inflated: \(reason)")
            }
        }
    }

    /// The sender left out the last four bytes of its last, empty block (RFC 7692, section 7.2.2).
    private mutating func endInflation() throws(WebSocketError) {
        let tail: (UInt8, UInt8, UInt8, UInt8) = (0x00, 0x00, 0xFF, 0xFF)
        let end = message.count
        try withUnsafeBytes(of: tail) { (bytes) throws(WebSocketError) in try inflate(bytes) }
        guard inflater.endMessage(), message.count == end else {
            throw WebSocketError(
                kind: .invalidCompressedData, description: "a compressed message ends inside of a block")
        }
    }
}
