/// One way for the gateway to misbehave.
///
/// Some faults happen at once to what is connected (``drop(_:)``), some shape what is sent next (``gap(count:)``), and
/// some lie in wait for the next requests (``refuseToken(_:)``); the latter carry an ``Extent``.
public enum Fault: Hashable, Sendable {
    /// For how long a fault that lies in wait stays in force.
    public enum Extent: Hashable, Sendable {
        /// For the next so many requests, connections or acknowledgments that it applies to; at least 1.
        case count(Int)
        /// For so long.
        case duration(Duration)
    }

    /// How a connection that is dropped ends, in terms of TCP.
    public enum Ending: String, Hashable, Sendable, CaseIterable {
        /// With a reset.
        case reset = "rst"
        /// With an orderly end of stream, though without a close frame.
        case finish = "fin"
    }

    /// How a close tells that the token is stale.
    public enum StaleTokenSign: String, Hashable, Sendable, CaseIterable {
        /// By close code 4401.
        case code
        /// By close code 1008 and a reason that begins with `401`.
        case reason
    }

    // At once, to every connection that is open.

    /// The connection ends without a close frame.
    case drop(Ending)
    /// The connection is closed with this code (1000…4999) and reason (at most 123 bytes).
    case close(code: UInt16, reason: String)
    /// The connection is closed in a way that means that its token is stale.
    case staleTokenClose(StaleTokenSign)
    /// Nothing is sent and nothing answered for so long, though the connection stays open.
    case halfOpen(for: Duration)
    /// So many frames that break RFC 6455.
    case garbage(count: Int)
    /// `v2.system.socket_closing` (where the protocol has it), and so much later a close with 1001.
    case closingNotice(lead: Duration)

    // At once, to the numbering of every session, connected or not.

    /// So many sequence numbers are jumped over and never sent.
    case gap(count: Int)
    /// The next so many events are sent twice.
    case duplicate(count: Int)
    /// The next `count` events are each held back until `distance` later ones have been sent; 1 swaps a pair.
    case reorder(distance: Int, count: Int)
    /// Numbering starts anew at 1, and what could have been replayed is forgotten.
    case numberReset

    // In wait for handshakes, and for requests to the notification API.

    /// 401.
    case refuseToken(Extent)
    /// 403.
    case forbidden(Extent)
    /// 429 with `Retry-After`.
    case throttle(retryAfter: Duration, Extent)
    /// 502.
    case badGateway(Extent)
    /// The answer comes so much later.
    case slowHandshake(Duration, Extent)
    /// The handshake is accepted and the connection dropped right after it.
    case acceptThenDrop(Extent)

    // In wait for subscriptions and resumes.

    /// No acknowledgment is sent, and nothing else either.
    case noAcknowledgment(Extent)
    /// The acknowledgment is sent so much later.
    case lateAcknowledgment(after: Duration, Extent)
    /// So many messages of the old session are sent before the acknowledgment.
    case flush(count: Int, Extent)
    /// The resume is acknowledged, but nothing is replayed.
    case refuseReplay(Extent)
    /// The resume is acknowledged, but only the newest `keep` of the missed events are replayed.
    case partialReplay(keep: Int, Extent)

    // For tokens.

    /// 429 with `Retry-After` from the token endpoint.
    case tokenThrottle(retryAfter: Duration, Extent)
    /// A 5xx from the token endpoint.
    case tokenError(status: Int, Extent)
    /// 401 `invalid_client` from the token endpoint, though the credential is right.
    case tokenReject(Extent)
    /// The token endpoint answers so much later.
    case tokenDelay(Duration, Extent)
    /// Every token issued so far is no longer good; open connections stay open.
    case revokeTokens
}

extension Fault {
    /// The moment at which a fault takes effect.
    enum Hook: Hashable, Sendable {
        /// At once, on open connections.
        case connection
        /// At once, on the numbering of sessions.
        case numbering
        /// Instead of the answer to a handshake or an API request.
        case refusal
        /// Before the answer to a handshake.
        case handshakeDelay
        /// Right after an accepted handshake.
        case afterHandshake
        /// Instead of an acknowledgment, or before it.
        case acknowledgment
        /// Before an acknowledgment, in addition.
        case flush
        /// When events are to be replayed.
        case replay
        /// Instead of the answer of the token endpoint.
        case tokenRefusal
        /// Before the answer of the token endpoint.
        case tokenDelay
        /// At once, on the tokens.
        case tokens
    }

    /// The moment at which this fault takes effect.
    var hook: Hook {
        switch self {
        case .drop, .close, .staleTokenClose, .halfOpen, .garbage, .closingNotice: .connection
        case .gap, .duplicate, .reorder, .numberReset: .numbering
        case .refuseToken, .forbidden, .throttle, .badGateway: .refusal
        case .slowHandshake: .handshakeDelay
        case .acceptThenDrop: .afterHandshake
        case .noAcknowledgment, .lateAcknowledgment: .acknowledgment
        case .flush: .flush
        case .refuseReplay, .partialReplay: .replay
        case .tokenThrottle, .tokenError, .tokenReject: .tokenRefusal
        case .tokenDelay: .tokenDelay
        case .revokeTokens: .tokens
        }
    }

    /// For how long a fault that lies in wait stays in force; nil for one that happens at once.
    var extent: Extent? {
        switch self {
        case .drop, .close, .staleTokenClose, .halfOpen, .garbage, .closingNotice, .gap, .duplicate, .reorder,
            .numberReset, .revokeTokens:
            nil
        case .refuseToken(let extent), .forbidden(let extent), .throttle(_, let extent), .badGateway(let extent),
            .slowHandshake(_, let extent), .acceptThenDrop(let extent), .noAcknowledgment(let extent),
            .lateAcknowledgment(_, let extent), .flush(_, let extent), .refuseReplay(let extent),
            .partialReplay(_, let extent), .tokenThrottle(_, let extent), .tokenError(_, let extent),
            .tokenReject(let extent), .tokenDelay(_, let extent):
            extent
        }
    }

    /// The name that scripts, logs and the ground truth use.
    public var name: String {
        switch self {
        case .drop: "drop"
        case .close: "close"
        case .staleTokenClose: "stale_token_close"
        case .halfOpen: "half_open"
        case .garbage: "garbage"
        case .closingNotice: "closing_notice"
        case .gap: "gap"
        case .duplicate: "duplicate"
        case .reorder: "reorder"
        case .numberReset: "number_reset"
        case .refuseToken: "refuse_token"
        case .forbidden: "forbidden"
        case .throttle: "throttle"
        case .badGateway: "bad_gateway"
        case .slowHandshake: "slow_handshake"
        case .acceptThenDrop: "accept_then_drop"
        case .noAcknowledgment: "no_ack"
        case .lateAcknowledgment: "late_ack"
        case .flush: "flush"
        case .refuseReplay: "refuse_replay"
        case .partialReplay: "partial_replay"
        case .tokenThrottle: "token_throttle"
        case .tokenError: "token_error"
        case .tokenReject: "token_reject"
        case .tokenDelay: "token_delay"
        case .revokeTokens: "revoke_tokens"
        }
    }
}
