// The unsafe pointers are to payloads of the caller, valid during the call, in which they are copied.

/// Messages in, bytes for the peer out (RFC 6455, section 5; RFC 7692, section 7).
///
/// Not copyable: the deflater's window belongs to one connection. A client passes a fresh, unpredictable masking key
/// with each frame (RFC 6455, section 5.3); a server's is not used.
public struct WebSocketEncoder: ~Copyable, Sendable {
    private let role: WebSocketRole
    private var deflates: Bool
    private var deflater: Deflater
    private var deflated = MessageBuffer()

    /// An encoder for one connection, with what the handshake agreed on, nil for no compression.
    public init(role: WebSocketRole, deflate: DeflateAgreement?) {
        self.role = role
        deflates = deflate != nil
        let agreed = deflate ?? DeflateAgreement()
        deflater =
            switch role {
            case .client:
                Deflater(windowBits: agreed.clientMaxWindowBits, keepsContext: !agreed.clientNoContextTakeover)
            case .server:
                Deflater(windowBits: agreed.serverMaxWindowBits, keepsContext: !agreed.serverNoContextTakeover)
            }
    }

    /// Appends a message as one frame. Text has to be UTF-8: that is not checked here.
    /// - Parameter compressed: false leaves this message uncompressed even where compression was agreed.
    public mutating func encode(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, maskingKey: UInt32, compressed: Bool = true,
        into output: inout [UInt8]
    ) {
        encode(
            kind, payload, fragmentSize: .max, maskingKeys: { maskingKey }, compressed: compressed, into: &output)
    }

    /// Appends a message in fragments (RFC 6455, section 5.4).
    /// - Parameters:
    ///   - fragmentSize: most bytes of one frame's payload, after compression; at least one.
    ///   - maskingKeys: gives a key for each frame.
    ///   - compressed: false leaves this message uncompressed even where compression was agreed.
    public mutating func encode(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, fragmentSize: Int, maskingKeys: () -> UInt32,
        compressed: Bool = true, into output: inout [UInt8]
    ) {
        var opcode = kind == .text ? Opcode.text : .binary
        var rest = payload
        var flags: UInt8 = 0
        if deflates, compressed {
            if deflater.deflate(payload, into: &deflated) {
                rest = deflated.bytes
                flags = 0x40
            } else {
                // What the deflater's window holds is not known any more: from here on nothing is compressed.
                deflates = false
            }
        }
        repeat {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(max(fragmentSize, 1)))
            rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
            append(flags | (rest.isEmpty ? 0x80 : 0) | opcode.rawValue, part, maskingKeys(), to: &output)
            opcode = .continuation
            flags = 0
        } while !rest.isEmpty
        deflated.clear()
    }

    /// Appends a ping; of the payload, at most 125 bytes are sent (RFC 6455, section 5.5).
    public mutating func ping(_ payload: UnsafeRawBufferPointer, maskingKey: UInt32, into output: inout [UInt8]) {
        appendControl(.ping, payload, maskingKey, to: &output)
    }

    /// Appends a pong; of the payload, at most 125 bytes are sent (RFC 6455, section 5.5).
    public mutating func pong(_ payload: UnsafeRawBufferPointer, maskingKey: UInt32, into output: inout [UInt8]) {
        appendControl(.pong, payload, maskingKey, to: &output)
    }

    /// Appends a close frame. A code that must not be sent (1005 among them) gives a frame without payload; the reason
    /// is cut to 123 bytes at a character's boundary (RFC 6455, section 5.5.1).
    public mutating func close(code: UInt16, reason: String = "", maskingKey: UInt32, into output: inout [UInt8]) {
        var payload: [UInt8] = []
        if CloseCode.isSendable(code, by: role) {
            payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
            for scalar in reason.unicodeScalars {
                let bytes = Array(String(scalar).utf8)
                guard payload.count + bytes.count <= 125 else { break }
                payload += bytes
            }
        }
        payload.withUnsafeBytes { appendControl(.close, $0, maskingKey, to: &output) }
    }

    private func appendControl(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, _ maskingKey: UInt32, to output: inout [UInt8]
    ) {
        append(0x80 | opcode.rawValue, UnsafeRawBufferPointer(rebasing: payload.prefix(125)), maskingKey, to: &output)
    }

    /// Appends a frame whose first byte is given.
    private func append(
        _ first: UInt8, _ payload: UnsafeRawBufferPointer, _ maskingKey: UInt32, to output: inout [UInt8]
    ) {
        let masked: UInt8 = role == .client ? 0x80 : 0
        output.append(first)
        switch payload.count {
        case ...125:
            output.append(masked | UInt8(payload.count))
        case ...65535:
            output.append(masked | 126)
            withUnsafeBytes(of: UInt16(payload.count).bigEndian) { output.append(contentsOf: $0) }
        default:
            output.append(masked | 127)
            withUnsafeBytes(of: UInt64(payload.count).bigEndian) { output.append(contentsOf: $0) }
        }
        guard role == .client else {
            output.append(contentsOf: payload)
            return
        }
        withUnsafeBytes(of: maskingKey.bigEndian) { output.append(contentsOf: $0) }
        let start = output.count
        output.append(contentsOf: payload)
        output.withUnsafeMutableBytes { bytes in
            FrameMask(key: maskingKey).apply(to: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
        }
    }
}
