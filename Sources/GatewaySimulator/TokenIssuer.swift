// The unsafe access is to the bytes of a number, for the call alone.

internal import Foundation

/// The tokens of the gateway: OAuth 2.0 client credentials (RFC 6749, section 4.4), their expiry and their revocation.
struct TokenIssuer: Sendable {
    /// The most tokens that are remembered; beyond it, the oldest are forgotten, and so refused.
    static let capacity = 100_000

    /// What the token endpoint answers.
    enum Answer: Hashable {
        case issued(token: String, expiresIn: Int64)
        case throttled(retryAfter: Duration)
        case invalidClient(description: String)
        case badRequest(error: String, description: String)
    }

    /// A request to the token endpoint, as far as it could be read.
    struct Request: Hashable {
        var clientID: String?
        var secret: String?
        var grantType: String?
    }

    private struct Token {
        var clientID: String
        /// Until when it is good; nil: always.
        var expiry: Duration?
    }

    private let clients: [String: String]
    private let acceptsAnyClient: Bool
    private let lifetime: Duration
    private let format: GatewaySimulator.Options.TokenFormat
    private let requestsPerMinute: Int
    private var tokens: [String: Token] = [:]
    /// The tokens issued, oldest first.
    private var order: [String] = []
    private var windows: [String: RateWindow] = [:]

    init(options: GatewaySimulator.Options) {
        clients = options.clients
        acceptsAnyClient = options.acceptsAnyClient
        lifetime = options.tokenLifetime
        format = options.tokenFormat
        requestsPerMinute = options.tokenRequestsPerMinute
        for token in options.staticTokens { tokens[token] = Token(clientID: "static") }
    }

    /// Answers a request at `now`; `wallMilliseconds` is the same moment in civil time, for the `exp` of a JWT.
    mutating func answer(
        _ request: Request, at now: Duration, wallMilliseconds: Int64,
        using random: inout some RandomNumberGenerator
    ) -> Answer {
        guard let clientID = request.clientID, let secret = request.secret, !clientID.isEmpty else {
            return .invalidClient(description: "client credentials are missing")
        }
        // Only clients that exist get a window of their own, so that made-up names can't fill the memory.
        let known = clients[clientID] != nil || (acceptsAnyClient && windows.count < 1_000)
        var window = windows[known ? clientID : ""] ?? RateWindow(limit: requestsPerMinute)
        let wait = window.admit(at: now)
        windows[known ? clientID : ""] = window
        if let wait { return .throttled(retryAfter: wait) }
        guard let grantType = request.grantType else {
            return .badRequest(error: "invalid_request", description: "grant_type is missing")
        }
        guard grantType == "client_credentials" else {
            return .badRequest(
                error: "unsupported_grant_type", description: "only client_credentials is supported here")
        }
        if !acceptsAnyClient {
            guard let expected = clients[clientID] else {
                return .invalidClient(description: "client not found or invalid client secret")
            }
            guard expected == secret else {
                return .invalidClient(description: "client not found or invalid client secret")
            }
        }
        let token = makeToken(clientID: clientID, wallMilliseconds: wallMilliseconds, using: &random)
        remember(token, Token(clientID: clientID, expiry: now + lifetime))
        return .issued(token: token, expiresIn: max(0, lifetime.wholeNanoseconds / 1_000_000_000))
    }

    /// Whose token it is; nil where it is unknown, revoked or over at `now`.
    func client(of token: String, at now: Duration) -> String? {
        guard let known = tokens[token] else { return nil }
        if let expiry = known.expiry, expiry <= now { return nil }
        return known.clientID
    }

    /// Makes every token so far worthless; static ones too. Gives how many there were.
    mutating func revokeAll() -> Int {
        defer {
            tokens.removeAll()
            order.removeAll()
        }
        return tokens.count
    }

    private mutating func remember(_ token: String, _ record: Token) {
        tokens[token] = record
        order.append(token)
        guard order.count > Self.capacity else { return }
        for forgotten in order.prefix(Self.capacity / 10) { tokens[forgotten] = nil }
        order.removeFirst(Self.capacity / 10)
    }

    private func makeToken(
        clientID: String, wallMilliseconds: Int64, using random: inout some RandomNumberGenerator
    ) -> String {
        let noise = Self.base64URL((0..<4).flatMap { _ in withUnsafeBytes(of: random.next()) { [UInt8]($0) } })
        switch format {
        case .opaque:
            return noise
        case .jwt:
            // The signature is noise: a client reads the expiry and leaves the judging to the server.
            let issued = wallMilliseconds / 1000
            let expiry = issued + lifetime.wholeNanoseconds / 1_000_000_000
            let header = #"{"alg":"HS256","typ":"JWT"}"#
            let claims = "{\"sub\":\(JSONText.string(clientID)),\"iat\":\(issued),\"exp\":\(expiry)}"
            return [Self.base64URL([UInt8](header.utf8)), Self.base64URL([UInt8](claims.utf8)), noise]
                .joined(separator: ".")
        }
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}

extension TokenIssuer.Request {
    /// Reads a token request: the credentials from the `Authorization` header or from the form (RFC 6749,
    /// section 2.3.1).
    init(authorization: String?, form: [UInt8]) {
        let fields = FormFields(String(decoding: form, as: UTF8.self))
        grantType = fields["grant_type"]
        clientID = fields["client_id"]
        secret = fields["client_secret"]
        guard let authorization else { return }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let data = Data(base64Encoded: parts[1].trimmingCharacters(in: .whitespaces))
        else { return }
        let pair = String(decoding: data, as: UTF8.self).split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2 else { return }
        // Both halves are form-encoded by the letter of the standard, and as they are by what everybody sends; for
        // the names and secrets of this vendor, letters, digits and `-` and `_`, there is no difference.
        clientID = FormFields.decoded(String(pair[0]), plusIsSpace: false)
        secret = FormFields.decoded(String(pair[1]), plusIsSpace: false)
    }
}

/// The fields of `application/x-www-form-urlencoded`, and of a query. The first of a name counts.
struct FormFields {
    private var values: [String: String] = [:]

    init(_ text: String) {
        for pair in text.split(separator: "&").prefix(1_000) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decoded(String(parts[0]), plusIsSpace: true)
            let value = parts.count > 1 ? Self.decoded(String(parts[1]), plusIsSpace: true) : ""
            if values[name] == nil { values[name] = value }
        }
    }

    subscript(name: String) -> String? {
        values[name]
    }

    /// `text` without its percent-encoding; unchanged where that is broken.
    static func decoded(_ text: String, plusIsSpace: Bool) -> String {
        let spaced = plusIsSpace ? text.replacingOccurrences(of: "+", with: " ") : text
        return spaced.removingPercentEncoding ?? spaced
    }
}
