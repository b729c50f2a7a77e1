internal import StreamModel

/// Reads what a token endpoint says (RFC 6749, sections 5.1 and 5.2). Nothing that it says is trusted to be short,
/// well-formed or free of secrets.
enum TokenAnswer {
    /// A token longer than this fits in no header.
    private static let maximumTokenLength = 16 << 10
    /// Ten years: what is longer is no lifetime but a mistake.
    private static let maximumLifetime = 315_360_000.0

    /// A token and its lifetime, as the server tells it.
    struct Grant {
        var token: String
        var lifetime: Duration?
    }

    /// Why an answer grants nothing, in words.
    struct Unusable: Error {
        var reason: String
    }

    static func grant(in response: TokenResponse) throws(Unusable) -> Grant {
        if response.body.count > TokenResponse.maximumBodySize {
            throw Unusable(reason: "the answer is larger than \(TokenResponse.maximumBodySize) bytes")
        }
        let answer: JSONScalars
        do throws(JSONScalars.Malformed) {
            answer = try JSONScalars(response.body)
        } catch {
            throw Unusable(reason: "the answer is no JSON object")
        }
        guard let token = answer.string("access_token") else {
            throw Unusable(reason: "the answer has no access_token")
        }
        if let type = answer.string("token_type"), type.lowercased() != "bearer" {
            throw Unusable(reason: "the answer's token_type is not bearer")
        }
        if let problem = problem(with: token) { throw Unusable(reason: "the answer's access_token \(problem)") }
        let seconds = answer.number("expires_in").flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
        return Grant(token: token, lifetime: seconds.map { .fromSeconds(min($0, maximumLifetime)) })
    }

    /// What makes `token` unfit for a header or a query; nil where nothing does.
    static func problem(with token: String) -> String? {
        if token.isEmpty { return "is empty" }
        if token.utf8.count > maximumTokenLength { return "is longer than \(maximumTokenLength) bytes" }
        if !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { return "has characters that no token may have" }
        return nil
    }

    /// The server's own words of why it refused: `error: error_description`, bounded, without `secrets`.
    static func refusal(in response: TokenResponse, hiding secrets: [Secret]) -> String {
        guard response.body.count <= TokenResponse.maximumBodySize, let answer = try? JSONScalars(response.body) else {
            return "status \(response.status)"
        }
        let words = [answer.string("error"), answer.string("error_description")].compactMap { $0 }
        if words.isEmpty { return "status \(response.status)" }
        var text = words.joined(separator: ": ")
        for secret in secrets where !secret.isEmpty {
            text = replace(secret.reveal(), in: text)
        }
        // Characters would be no bound: one may be made of any number of scalars.
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(300)))
    }

    private static func replace(_ secret: String, in text: String) -> String {
        let pattern = Array(secret.utf8)
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: pattern) {
                result.append(contentsOf: "***".utf8)
                index += pattern.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The claim `exp` of a JSON Web Token (RFC 7519, section 4.1.4), decoded and not verified: only its server can
    /// verify it, and only its end is of interest. nil where the token is none, or says nothing.
    static func expiry(ofJWT token: String) -> WallTime? {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64.decodeURLSafe(parts[1]), let claims = try? JSONScalars(payload),
            let seconds = claims.number("exp"), seconds.isFinite, seconds > 0, seconds < 253_402_300_800
        else { return nil }
        return WallTime(milliseconds: Int64(seconds * 1_000))
    }
}
