public import StreamModel

/// A credential of any type, as a pure state machine: facts in, orders out, one next deadline.
public enum Credential: Sendable {
    /// No credential: every stream gets an empty token.
    case none
    /// A token that somebody else renews.
    case bearer(BearerCredential)
    /// OAuth 2.0 client credentials.
    case oauth(OAuthCredential)

    /// When ``CredentialInput/deadlineReached`` is due; nil where nothing is waited for.
    public var nextDeadline: Instant? {
        if case .oauth(let credential) = self { credential.nextDeadline } else { nil }
    }

    /// Takes a fact in, and gives the orders that follow from it, in order.
    public mutating func handle(_ input: CredentialInput, at now: Instant, wall: WallTime) -> [CredentialOutput] {
        switch self {
        case .none:
            return Self.handleWithoutCredential(input, at: now)
        case .bearer(var credential):
            // Given up first, so that the copy is the only one and stays in place.
            self = .none
            defer { self = .bearer(credential) }
            return credential.handle(input, at: now, wall: wall)
        case .oauth(var credential):
            self = .none
            defer { self = .oauth(credential) }
            return credential.handle(input, at: now, wall: wall)
        }
    }

    private static func handleWithoutCredential(_ input: CredentialInput, at now: Instant) -> [CredentialOutput] {
        switch input {
        case .tokenWanted(let requester, _):
            return [.deliver(Token(value: Secret(""), generation: 0, fetchedAt: now, expiry: nil), to: [requester])]
        case .tokenRefused(let requester, _, _, _):
            // There is nothing to renew: the server wants a credential where none is configured.
            return [.refusalJudged(requester: requester, .retryAtCap)]
        case .tokenUnwanted, .tokenAccepted, .requesterGone, .responseReceived, .requestFailed, .deadlineReached:
            return []
        }
    }
}
