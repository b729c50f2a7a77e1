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
        return String(text.prefix(300))
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

/// The header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// No server means longer than this; a wait is held to it.
    static let maximum = Duration.seconds(3_600)

    /// How long to wait; nil where the header says nothing that can be understood.
    static func duration(_ header: String?, at wall: WallTime) -> Duration? {
        guard let header else { return nil }
        let text = header.filter { !$0.isWhitespace || $0 == " " }.drop { $0 == " " }
        let trimmed = String(text.reversed().drop { $0 == " " }.reversed())
        if !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let seconds = Int64(trimmed) else { return maximum }
            return min(maximum, .seconds(min(seconds, 1_000_000)))
        }
        guard let date = HTTPDate.parse(trimmed) else { return nil }
        let milliseconds = max(0, date.milliseconds - wall.milliseconds)
        return min(maximum, .milliseconds(milliseconds))
    }
}

/// The preferred form of a date in HTTP (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func parse(_ text: String) -> WallTime? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", let day = number(parts[1], 1...31),
            let month = months.firstIndex(of: String(parts[2])), let year = number(parts[3], 1970...9999)
        else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = number(clock[0], 0...23), let minute = number(clock[1], 0...59),
            let second = number(clock[2], 0...60)
        else { return nil }
        // Days since the epoch, counted in years that begin on 1 March.
        let shifted = month < 2 ? year - 1 : year
        let dayOfYear = (153 * (month < 2 ? month + 10 : month - 2) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return WallTime(milliseconds: Int64(((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000)
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text), range.contains(value) else {
            return nil
        }
        return value
    }
}
