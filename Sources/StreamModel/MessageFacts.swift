/// What the machine needs to know of a received message; a profile reads it out of the bytes.
public struct MessageFacts: Hashable, Sendable {
    /// What the message is for.
    public enum Role: UInt8, Sendable, BitwiseCopyable {
        /// Application data, or anything that is none of the others.
        case event
        /// The server's yes to the subscription or the resume.
        case acknowledgment
        /// The server's no to the subscription or the resume.
        case refusal
        /// The server's greeting, which precedes what the client sends on open.
        case hello
        /// A heartbeat of the server's own.
        case heartbeat
        /// The answer to a heartbeat that the client sent as a message.
        case heartbeatAnswer
        /// The server will close this connection soon.
        case closeNotice
        /// The server says that the credential is no longer good.
        case credentialNotice
    }

    /// What the message is for.
    public var role: Role
    /// Its sequence number; nil where it has none, or none that is a whole number from 0 to 2⁶³ − 1.
    public var sequence: UInt64?
    /// A hash of the channel whose numbering `sequence` belongs to; 0 where the stream has one numbering.
    public var channel: UInt64
    /// A hash of the message's own identifier, by which duplicates are known where there is no number.
    public var identifier: UInt64?

    /// The facts of one message.
    public init(role: Role, sequence: UInt64? = nil, channel: UInt64 = 0, identifier: UInt64? = nil) {
        self.role = role
        self.sequence = sequence
        self.channel = channel
        self.identifier = identifier
    }
}
