/// Which end of the connection we are: it decides who masks (RFC 6455, section 5.1).
public enum WebSocketRole: Sendable, Hashable {
    /// We opened the connection: we mask, the peer must not.
    case client
    /// We accepted the connection: the peer masks, we must not.
    case server
}

/// The two kinds of data messages (RFC 6455, section 5.6).
public enum MessageKind: Sendable, Hashable {
    /// UTF-8 text, already checked when it is handed on.
    case text
    /// Arbitrary bytes.
    case binary
}

/// Takes what a `WebSocketDecoder` finds, in the order of the wire.
///
/// Every pointer is valid only during the call: it may point into the input of `decode` or into a buffer that the
/// decoder uses again.
public protocol WebSocketReceiver {
    /// A whole data message, put together from its fragments and inflated. Text is valid UTF-8.
    mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer)
    /// A ping of at most 125 bytes; it wants a pong with the same payload (RFC 6455, section 5.5.2).
    mutating func receivedPing(_ payload: UnsafeRawBufferPointer)
    /// A pong of at most 125 bytes, asked for or not (RFC 6455, section 5.5.3).
    mutating func receivedPong(_ payload: UnsafeRawBufferPointer)
    /// The peer's close frame: the last thing a decoder hands on. `code` is 1005 where the frame had none
    /// (RFC 6455, section 7.1.5); `reason` has at most 123 bytes.
    mutating func receivedClose(code: UInt16, reason: String)
}
