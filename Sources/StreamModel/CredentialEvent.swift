/// Something that happened to a credential. `stream` is the stream on whose behalf the token was asked for.
public enum CredentialEvent: Hashable, Sendable {
    /// A request to the token endpoint ended.
    case requestEnded(TokenOutcome)
    /// A new token is in use; nil where its expiry is not known.
    case refreshed(expiry: WallTime?)
    /// The credential, or a token got with it, was rejected.
    case rejected(Rejection)

    /// A rejection.
    public struct Rejection: Hashable, Sendable {
        /// Who rejected what.
        public enum Cause: String, Hashable, Sendable {
            /// The token endpoint does not know the client, or its secret is wrong.
            case invalidClient = "invalid_client"
            /// The server refused a token that may simply have been stale.
            case refusedToken = "refused_token"
            /// The server refused a token that was fresh: a wrong credential or a missing permission.
            case authRejected = "auth_rejected"
        }

        /// Who rejected what.
        public var cause: Cause
        /// The HTTP status or close code that said so.
        public var status: Int?
        /// The server's own description.
        public var detail: String

        /// A rejection.
        public init(cause: Cause, status: Int?, detail: String) {
            self.cause = cause
            self.status = status
            self.detail = detail
        }
    }
}

/// A fact with who it is about and when it happened: what the runtime hands to every listener, in order.
public struct EventRecord: Hashable, Sendable {
    /// What a record is about.
    public enum Fact: Hashable, Sendable {
        /// A stream.
        case stream(StreamIdentity, StreamEvent)
        /// A credential, and the stream on whose behalf it acted.
        case credential(name: String, stream: StreamIdentity, CredentialEvent)
        /// The configuration was read again.
        case configurationReloaded(success: Bool, detail: String)
    }

    /// When it happened, for people.
    public var time: WallTime
    /// What happened.
    public var fact: Fact

    /// `fact` happened at `time`.
    public init(time: WallTime, fact: Fact) {
        self.time = time
        self.fact = fact
    }
}
