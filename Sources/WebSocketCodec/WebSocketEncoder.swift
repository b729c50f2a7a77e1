/// Messages in, bytes for the peer out (RFC 6455, section 5; RFC 7692, section 7).
///
/// Not copyable: the deflater's window belongs to one connection. A client passes a fresh, unpredictable masking key
/// with each frame (RFC 6455, section 5.3), a server's is not used.
public struct WebSocketEncoder: ~Copyable {
    /// An encoder for one connection, with what the handshake agreed on, nil for no compression.
    public init(role: WebSocketRole, deflate: DeflateAgreement?) {
    }

    /// Appends a message as one frame. Text has to be UTF-8: that is not checked again here.
    /// - Parameter compressed: false leaves this message uncompressed even where compression was agreed.
    public mutating func encode(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, maskingKey: UInt32, compressed: Bool = true,
        into output: inout [UInt8]
    ) {
    }

    /// Appends a ping; of the payload, at most 125 bytes are sent (RFC 6455, section 5.5).
    public mutating func ping(_ payload: UnsafeRawBufferPointer, maskingKey: UInt32, into output: inout [UInt8]) {
    }

    /// Appends a pong; of the payload, at most 125 bytes are sent (RFC 6455, section 5.5).
    public mutating func pong(_ payload: UnsafeRawBufferPointer, maskingKey: UInt32, into output: inout [UInt8]) {
    }

    /// Appends a close frame. A code that must not be sent (1005 among them) gives a frame without payload; the reason
    /// is cut to 123 bytes at a character's boundary (RFC 6455, section 5.5.1).
    public mutating func close(code: UInt16, reason: String = "", maskingKey: UInt32, into output: inout [UInt8]) {
    }
}
