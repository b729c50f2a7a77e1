internal import StreamModel

/// How tokens are had from an OAuth 2.0 endpoint with the grant `client_credentials` (RFC 6749, section 4.4).
public struct OAuthConfiguration: Hashable, Sendable {
    /// The token endpoint.
    public var tokenURL: String
    /// The client's identifier.
    public var clientID: String
    /// The client's secret.
    public var clientSecret: Secret
    /// The scope asked for; nil for the server's default.
    public var scope: String?
    /// How long before its end a token is no longer handed out where a new one can be had.
    public var refreshBeforeExpiry = Duration.seconds(60)
    /// How long one request may take.
    public var requestTimeout = Duration.seconds(10)

    /// Tokens from `tokenURL`.
    public init(tokenURL: String, clientID: String, clientSecret: Secret, scope: String? = nil) {
        self.tokenURL = tokenURL
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.scope = scope
    }

    /// Tokens from the Genesys Cloud domain `environment`, such as `usw2.pure.cloud`.
    public init(environment: String, clientID: String, clientSecret: Secret, scope: String? = nil) {
        self.init(
            tokenURL: "https://login.\(environment)/oauth/token", clientID: clientID, clientSecret: clientSecret,
            scope: scope)
    }

    /// The endpoint as it may be shown: without user, query and fragment.
    var shownURL: String {
        let plain = tokenURL.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = plain.firstRange(of: "://") else { return String(plain) }
        let authority = plain[scheme.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(plain) }
        return plain[..<scheme.upperBound] + String(plain[plain.index(after: at)...])
    }

    func request(flight: UInt64) -> TokenRequest {
        let basic = Base64.encode(Array("\(clientID):\(clientSecret.reveal())".utf8))
        var body = "grant_type=client_credentials"
        if let scope, !scope.isEmpty { body += "&scope=\(FormEncoding.encode(scope))" }
        return TokenRequest(
            flight: flight, url: tokenURL, authorization: Secret("Basic \(basic)"), body: body,
            timeout: requestTimeout)
    }
}
