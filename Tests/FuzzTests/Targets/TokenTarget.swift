import StreamModel

@testable import Credentials

extension FuzzTarget {
    /// A token endpoint's answer: a line for `Retry-After`, then the body.
    static let token = FuzzTarget(
        name: "token", seeds: ["Fuzzing/Corpus/token"],
        words: [
            "{\"access_token\":\"", "\"token_type\":\"bearer\"", "\"expires_in\":", "\"error\":\"",
            "\"error_description\":\"",
            "hush-hush", "1e308", "-1", "\\u0000", "\\ud800", "eyJhbGciOiJub25lIn0.", ".eyJleHAiOjF9.", "\u{301}",
            "null", "[", "{",
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        ], mostBytes: 70_000, shortRun: 1500
    ) { input in
        let split = input.firstIndex(of: 0x0A) ?? input.endIndex
        let first = String(decoding: input[..<split], as: UTF8.self)
        for now in [-62_135_596_800_000, 0, 1_795_000_000_000, 253_402_300_799_000] as [Int64] {
            let wait = RetryAfter.parse(first, now: WallTime(milliseconds: now))
            try demand(
                wait.map { $0 >= .zero && $0 <= RetryAfter.longest } ?? true, "a wait of \(String(describing: wait))")
        }
        let response = TokenResponse(status: 400, retryAfter: first, body: Array(input[split...].dropFirst()))
        if let grant = try? TokenAnswer.grant(in: response) {
            let isFit = grant.token.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            try demand(isFit && (1...16384).contains(grant.token.utf8.count), "a token that fits into no header")
            let lifetime = grant.lifetime ?? .zero
            try demand(lifetime >= .zero && lifetime <= .seconds(315_360_000), "a lifetime of \(lifetime)")
            _ = TokenAnswer.expiry(ofJWT: grant.token)
        }
        let words = TokenAnswer.refusal(in: response, hiding: [Secret("hush-hush")])
        try demand(words.utf8.count <= 1200, "a refusal's text of \(words.utf8.count) bytes")
        try demand(!words.contains("hush-hush"), "a secret in \(words)")
        if let expiry = TokenAnswer.expiry(ofJWT: first) {
            try demand((1...253_402_300_800_000).contains(expiry.milliseconds + 1), "an end at \(expiry)")
        }
    }
}
