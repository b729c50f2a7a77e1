public import Credentials

/// What is to be held: the streams, and the credentials that they name.
public struct RuntimePlan: Equatable, Sendable {
    /// The streams; their names differ.
    public var streams: [StreamSpecification]
    /// The credentials by name.
    public var credentials: [String: CredentialSpecification]

    /// A plan.
    public init(streams: [StreamSpecification], credentials: [String: CredentialSpecification] = [:]) {
        self.streams = streams
        self.credentials = credentials
    }
}

/// How tokens are had. Two equal specifications are the same credential, which a reload leaves as it is.
public enum CredentialSpecification: Hashable, Sendable {
    /// No token.
    case none
    /// A token that somebody else renews.
    case bearer(BearerCredential.Source)
    /// OAuth 2.0 client credentials.
    case oauth(OAuthConfiguration)

    /// The same tokens, none of which is handed out with less than `validity` left where a new one can be had.
    func good(for validity: Duration) -> CredentialSpecification {
        guard case .oauth(var configuration) = self else { return self }
        configuration.refreshBeforeExpiry = max(configuration.refreshBeforeExpiry, validity)
        return .oauth(configuration)
    }

    func credential(environment: [String: String]) -> Credential {
        switch self {
        case .none: .none
        case .bearer(let source): .bearer(BearerCredential(source, environment: { environment[$0] }))
        case .oauth(let configuration): .oauth(OAuthCredential(configuration))
        }
    }
}

/// What a reload did.
public struct PlanChanges: Hashable, Sendable {
    /// Streams that were not there before.
    public var added: [String] = []
    /// Streams that are no longer wanted.
    public var removed: [String] = []
    /// Streams whose specification or credential changed: stopped, and started anew.
    public var restarted: [String] = []
    /// Streams that were left connected.
    public var untouched: [String] = []
}
