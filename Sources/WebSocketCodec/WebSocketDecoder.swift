/// Bytes of the peer in, messages and errors out (RFC 6455, section 5; RFC 7692, section 7).
///
/// Not copyable: the inflater's window belongs to one connection.
public struct WebSocketDecoder: ~Copyable {
    /// A decoder for one connection.
    /// - Parameters:
    ///   - role: which end we are.
    ///   - maxMessageSize: bytes of one message, after inflation. Above it: `messageTooBig`.
    ///   - deflate: what the handshake agreed on, nil for no compression.
    public init(role: WebSocketRole, maxMessageSize: Int, deflate: DeflateAgreement?) {
    }

    /// Whether an error or a close frame ended the conversation: further bytes are ignored.
    public private(set) var isFinished: Bool = false

    /// Decodes what has arrived; any division of the stream gives the same result. Messages that came before an error
    /// are handed on before it is thrown. After an error or a close frame, further bytes are ignored.
    @inlinable
    public mutating func decode<R: WebSocketReceiver>(
        _ bytes: UnsafeRawBufferPointer, into receiver: inout R
    ) throws(WebSocketError) {
    }
}
