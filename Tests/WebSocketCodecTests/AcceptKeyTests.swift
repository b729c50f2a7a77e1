import Testing

@testable import WebSocketCodec

@Suite struct AcceptKeyTests {
    @Test func `the example of RFC 6455, section 1_3`() {
        #expect(acceptKey(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(acceptKey(for: Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    /// Lengths around the padding's edges; the digests are those of `sha1sum`.
    @Test(arguments: [
        (0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), (3, "7e240de74fb1ed08fa08d38063f6a6a91462a815"),
        (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"), (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
        (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"), (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
        (65, "11655326c708d70319be2610e8a57d9a5b959d3b"), (1000, "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
    ])
    func `SHA-1 of so many letters a`(_ count: Int, _ digest: String) {
        let hex = sha1([UInt8](repeating: 0x61, count: count)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        #expect(hex == digest)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the examples of RFC 4648, section 10`(_ text: String, _ encoded: String) {
        #expect(base64(Array(text.utf8)) == Array(encoded.utf8))
    }
}
