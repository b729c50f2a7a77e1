import StreamModel
import Testing

@testable import Credentials

@Suite struct EncodingsTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\u{FF}>>?", "w78+Pj8="),
    ])
    func base64(_ text: String, _ encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        let safe = encoded.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        #expect(Base64.decodeURLSafe(String(safe.filter { $0 != "=" }).utf8) == Array(text.utf8))
    }

    @Test func formEncoding() {
        #expect(FormEncoding.encode("architect:read a-b._*~ü") == "architect%3Aread+a-b._*%7E%C3%BC")
    }

    @Test func jwt() {
        #expect(TokenAnswer.expiry(ofJWT: "a.eyJleHAiOjE3MDAwMDAwMDB9.c") == WallTime(milliseconds: 1_700_000_000_000))
        for other in ["", "a", "a.b", "a.!.c", "a.e30.c", "a.eyJleHAiOi0xfQ.c", "a.eyJleHAiOjFlOTl9.c", "a.b.c.d"] {
            #expect(TokenAnswer.expiry(ofJWT: other) == nil)
        }
    }

    @Test func jsonScalars() throws {
        let text =
            #" {"a":"x\n\u00fc\ud83d\ude00\ud800","b":-1.5e2,"c":{"a":[1,{"d":null}]},"e":true,"f":"12","g":[]} "#
        let scalars = try JSONScalars(Array(text.utf8))
        #expect(scalars.string("a") == "x\nü😀\u{FFFD}")
        #expect(scalars.number("b") == -150)
        #expect(scalars.number("f") == 12)
        #expect(scalars.string("b") == nil && scalars.values.count == 3)
        for bad in [
            "", "{", "{}{}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":"\x"}"#, #"{"a":"\u12"}"#, #"{"a":tru}"#,
        ] {
            #expect(throws: JSONScalars.Malformed.self) { _ = try JSONScalars(Array(bad.utf8)) }
        }
    }

    @Test func everyPrefixOfAnAnswerIsHandled() {
        let text = Array(#"{"access_token":"a\u00fcb","expires_in":12.5,"x":[{"y":false}]}"#.utf8)
        for end in text.indices {
            #expect(throws: JSONScalars.Malformed.self) { _ = try JSONScalars(Array(text[..<end])) }
        }
    }

    @Test func bucket() {
        var bucket = TokenBucket(burst: 2, perSecond: 4)
        let at = { Instant(nanoseconds: 0) + .milliseconds($0) }
        #expect(bucket.take(at: at(0)) && bucket.take(at: at(0)) && !bucket.take(at: at(0)))
        #expect(bucket.available(at: at(0)) == at(250))
        #expect(!bucket.take(at: at(249)) && bucket.take(at: at(250)) && !bucket.take(at: at(250)))
        #expect(bucket.take(at: at(10_000)) && bucket.take(at: at(10_000)) && !bucket.take(at: at(10_000)))
    }
}
