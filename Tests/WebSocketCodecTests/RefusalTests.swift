import Testing

@testable import WebSocketCodec

/// Answers other than 101 (RFC 6455, section 4.1; RFC 9112, sections 6 and 7.1).
@Suite struct RefusalTests {
    /// The result, which must be the same whole and byte by byte.
    static func refusal(_ answer: String, ends: Bool = false) throws -> HandshakeTests.Answer {
        let handshake = try HandshakeTests.handshake()
        let whole = HandshakeTests.feed(answer, to: handshake, ends: ends)
        #expect(HandshakeTests.feed(answer, to: handshake, pieces: 1, ends: ends) == whole)
        return whole
    }

    static func refused(_ status: Int, _ reason: String, _ body: String) -> HandshakeTests.Answer {
        .refused(status, reason, Array(body.utf8))
    }

    @Test func `the body of a refusal is kept, by its length`() throws {
        let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\n"
        #expect(try Self.refusal(head + "token") == Self.refused(401, "Unauthorized", "token"))
        #expect(try Self.refusal(head + "token and more") == Self.refused(401, "Unauthorized", "token"))
        #expect(try Self.refusal(head + "tok") == .needsMore)
        #expect(try Self.refusal(head + "tok", ends: true) == Self.refused(401, "Unauthorized", "tok"))
    }

    @Test func `by its chunks`() throws {
        let head = "HTTP/1.1 429 \r\nRetry-After: 7\r\nTransfer-Encoding: Chunked\r\n\r\n"
        #expect(
            try Self.refusal(head + "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n")
                == Self.refused(429, "", "abc0123456789"))
        #expect(try Self.refusal(head + "3\r\nabc\r\n") == .needsMore)
        #expect(try Self.refusal(head + "3\r\nabc\r\nzz") == Self.refused(429, "", "abc"))
        #expect(try Self.refusal(head + "123456789\r\n") == Self.refused(429, "", ""))
        #expect(try Self.refusal(head + "3\r\nabcX") == Self.refused(429, "", "abc"))
    }

    @Test func `until the end`() throws {
        let head = "HTTP/1.0 502 Bad Gateway\r\n\r\n"
        #expect(try Self.refusal(head + "down") == .needsMore)
        #expect(try Self.refusal(head + "down", ends: true) == Self.refused(502, "Bad Gateway", "down"))
        #expect(try Self.refusal(head, ends: true) == Self.refused(502, "Bad Gateway", ""))
    }

    @Test func `no more than four kilobytes is kept or waited for`() throws {
        let kept = String(repeating: "x", count: 4096)
        for (framing, start) in [
            ("Content-Length: 99999999999999999999", ""), ("Content-Length: 10000", ""), ("X: y", ""),
            ("Transfer-Encoding: chunked", "ffffff\r\n"), ("Transfer-Encoding: gzip, chunked", ""),
        ] {
            let head = "HTTP/1.1 503 Busy\r\n\(framing)\r\n\r\n" + start
            #expect(try Self.refusal(head + kept.dropLast()) == .needsMore)
            #expect(try Self.refusal(head + kept) == Self.refused(503, "Busy", kept))
            #expect(try Self.refusal(head + kept + kept) == Self.refused(503, "Busy", kept))
        }
        let lines = "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n1;"
        #expect(try Self.refusal(lines + kept) == Self.refused(503, "Busy", ""))
    }

    @Test(arguments: [
        "Content-Length: 0", "Content-Length: -1", "Content-Length: 1, 2", "Content-Length: x",
        "Content-Length: 3\r\nContent-Length: 4",
    ])
    func `a body that is none, or framed badly, is not waited for`(_ framing: String) throws {
        #expect(try Self.refusal("HTTP/1.1 403 No\r\n\(framing)\r\n\r\n") == Self.refused(403, "No", ""))
    }

    @Test func `204 and 304 have no body, a status alone is enough`() throws {
        #expect(try Self.refusal("HTTP/1.1 204 No Content\r\n\r\n") == Self.refused(204, "No Content", ""))
        #expect(try Self.refusal("HTTP/1.1 304\r\n\r\n") == Self.refused(304, "", ""))
        #expect(try Self.refusal("HTTP/1.1 200\r\nContent-Length: 1,1\r\n\r\nx") == Self.refused(200, "", "x"))
    }

    @Test func `fields are found by name in any case`() throws {
        var handshake = try HandshakeTests.handshake()
        let answer = Array("HTTP/1.1 429 Slow\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n".utf8)
        guard case .refused(let refusal) = try answer.withUnsafeBytes({ try handshake.receive($0) }) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.header("Retry-After") == "7")
        #expect(refusal.header("Location") == nil)
    }

    @Test func `hostile answers never crash and are judged alike in every division`() throws {
        let handshake = try HandshakeTests.handshake()
        let answers = [
            HandshakeTests.response(
                more: "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"9\"\r\n"),
            "HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\ntoken",
            "HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ]
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            var bytes = Array((answers.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
                }
            }
            let whole = HandshakeTests.feed(bytes, to: handshake, ends: true)
            #expect(HandshakeTests.feed(bytes, to: handshake, pieces: 1, ends: true) == whole, "seed \(seed)")
        }
    }
}
