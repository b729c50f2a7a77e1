public import StreamModel

/// A bearer token and what is known of it.
public struct Token: Hashable, Sendable {
    /// The token itself; empty where the credential is none.
    public var value: Secret
    /// 1, 2, 3 … for each token of this credential; 0 where the credential is none.
    public var generation: UInt64
    /// When it was had.
    public var fetchedAt: Instant
    /// When it ends: the earlier of what the server said and what the token itself says; nil where neither does.
    public var expiry: WallTime?

    /// A token.
    public init(value: Secret, generation: UInt64, fetchedAt: Instant, expiry: WallTime?) {
        self.value = value
        self.generation = generation
        self.fetchedAt = fetchedAt
        self.expiry = expiry
    }
}

/// What a credential is told. Facts, in the past tense.
///
/// A requester is a stream, by a number that stays the same for its life: refusals are judged by requester.
public enum CredentialInput: Hashable, Sendable {
    /// A stream wants a token; one that was fetched before `notBefore` is not good enough, where one better can be had.
    case tokenWanted(requester: UInt64, notBefore: Instant?)
    /// A stream no longer waits.
    case tokenUnwanted(requester: UInt64)
    /// The token endpoint answered.
    case responseReceived(flight: UInt64, TokenResponse)
    /// The token endpoint did not answer.
    case requestFailed(flight: UInt64, TokenRequestFailure)
    /// ``Credential/nextDeadline`` has passed.
    case deadlineReached
    /// A server refused a token; `status` is the HTTP status or the close code, `detail` the server's words.
    case tokenRefused(requester: UInt64, generation: UInt64, status: Int?, detail: String)
    /// A stream became live with its token.
    case tokenAccepted(requester: UInt64)
    /// A stream is gone for good.
    case requesterGone(requester: UInt64)
}

/// What a credential orders.
public enum CredentialOutput: Hashable, Sendable {
    /// Send this request, and say what came of it with its flight's number.
    case sendRequest(TokenRequest)
    /// Give up the request of this flight; whatever still comes of it is ignored.
    case cancelRequest(flight: UInt64)
    /// Here is the token that they wanted.
    case deliver(Token, to: [UInt64])
    /// There is none; their attempts have failed.
    case fail([UInt64], AttemptFailure)
    /// The endpoint asked to wait: their deadlines must not fall before `until` plus the time of one request.
    case throttled([UInt64], until: Instant)
    /// The judgment of a refusal: what follows for the attempt of that stream.
    case refusalJudged(requester: UInt64, AttemptFailure.Consequence)
    /// Something to tell, on behalf of the stream `requester`.
    case event(CredentialEvent, requester: UInt64)
}

/// A request to the token endpoint (RFC 6749, section 4.4.2): a POST.
public struct TokenRequest: Hashable, Sendable {
    /// By which the answer is told from that of an earlier request.
    public var flight: UInt64
    /// Where to.
    public var url: String
    /// The value of the header `Authorization`.
    public var authorization: Secret
    /// The body, of the type `application/x-www-form-urlencoded`.
    public var body: String
    /// How long the whole exchange may take.
    public var timeout: Duration

    /// The value of the header `Content-Type`.
    public static let contentType = "application/x-www-form-urlencoded"
}

/// What the token endpoint answered.
public struct TokenResponse: Hashable, Sendable {
    /// The largest body that is looked at, in bytes: reading on beyond it is a waste.
    public static let maximumBodySize = 64 << 10

    /// The HTTP status.
    public var status: Int
    /// The value of the header `Retry-After`, where there was one.
    public var retryAfter: String?
    /// The body, or its first ``maximumBodySize`` + 1 bytes.
    public var body: [UInt8]

    /// An answer.
    public init(status: Int, retryAfter: String? = nil, body: [UInt8]) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// Why the token endpoint did not answer.
public enum TokenRequestFailure: Hashable, Sendable {
    /// The name did not resolve.
    case nameNotResolved
    /// The connection was refused.
    case connectionRefused
    /// It took too long.
    case timedOut
    /// TLS could not be established.
    case tls(String)
    /// Anything else, in words.
    case other(String)
}
