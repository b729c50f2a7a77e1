/// The handshake failed for another reason than a proper refusal.
public struct HandshakeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// Ours: host, target, a header or a subprotocol has characters that would break the request.
        case invalidRequest
        /// The peer's first line is no HTTP/1.x status line (RFC 9112, section 4).
        case invalidStatusLine
        /// A header field is malformed: folded, with control characters, without a colon (RFC 9112, section 5).
        case invalidHeader
        /// The head is larger than 64 KiB or has more than 256 fields, or there were too many 1xx responses.
        case headTooLarge
        /// A 101 without a proper `Upgrade` or `Connection` (RFC 6455, section 4.1).
        case notUpgraded
        /// `Sec-WebSocket-Accept` is missing or not the one for our key (RFC 6455, section 4.1).
        case invalidAcceptKey
        /// An extension that was not asked for, or parameters that don't fit (RFC 6455, section 4.1; RFC 7692).
        case invalidExtension
        /// A subprotocol that was not asked for (RFC 6455, section 4.1).
        case invalidSubprotocol
        /// The peer closed before its answer was complete.
        case endOfStream
    }

    /// What was wrong.
    public let kind: Kind
    /// What happened, for people; never a credential.
    public let description: String

    /// What was wrong, and what happened.
    public init(kind: Kind, description: String) {
        self.kind = kind
        self.description = description
    }
}
