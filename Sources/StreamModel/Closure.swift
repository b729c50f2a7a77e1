/// How a connection ended.
public struct Closure: Hashable, Sendable {
    /// Who or what ended it.
    public enum Origin: Hashable, Sendable {
        /// The peer sent a close frame.
        case peer
        /// The connection ended without a close frame (RFC 6455, section 7.1.5: code 1006).
        case endOfStream
        /// The peer broke the protocol and we failed the connection (section 7.1.7).
        case protocolError
        /// A message was larger than allowed.
        case tooLarge
        /// The socket or TLS failed.
        case transport
        /// We closed it, and the closing handshake is over.
        case local
    }

    /// What the profile makes of the close code and reason.
    public enum Meaning: Hashable, Sendable {
        /// Reconnect in the ordinary way.
        case plain
        /// A normal termination: no reconnect.
        case final
        /// The token was stale: refresh it, then retry.
        case staleCredential
        /// Come back later.
        case throttled
    }

    /// Who or what ended it.
    public var origin: Origin
    /// The close code of the peer's frame, 1005 where the frame had none, 1006 where there was no frame.
    public var code: UInt16
    /// The reason of the peer's close frame, or what went wrong. Text from outside; at most 123 bytes of it.
    public var reason: String
    /// What the profile makes of it.
    public var meaning: Meaning

    /// How a connection ended.
    public init(origin: Origin, code: UInt16, reason: String = "", meaning: Meaning = .plain) {
        self.origin = origin
        self.code = code
        self.reason = reason
        self.meaning = meaning
    }
}
