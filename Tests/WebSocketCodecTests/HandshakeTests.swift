import Testing

@testable import WebSocketCodec

/// The client's opening handshake (RFC 6455, section 4.1).
@Suite struct HandshakeTests {
    static let key = "AAAAAAAAAAEAAAAAAAAAAg=="

    static func handshake(
        subprotocols: [String] = [], offersDeflate: Bool = true
    ) throws(HandshakeError) -> ClientHandshake {
        try ClientHandshake(
            host: "gateway.example:8443", target: "/chat?token=a%20b", headers: [("Authorization", "Bearer é t")],
            subprotocols: subprotocols, offersDeflate: offersDeflate, nonce: (1, 2))
    }

    static func response(
        status: String = "HTTP/1.1 101 Switching Protocols", upgrade: String = "Upgrade: websocket\r\n",
        connection: String = "Connection: Upgrade\r\n", accept: String? = nil, more: String = ""
    ) -> String {
        status + "\r\n" + upgrade + connection
            + (accept ?? "Sec-WebSocket-Accept: \(acceptKey(for: key))\r\n") + more + "\r\n"
    }

    enum Answer: Equatable {
        case needsMore
        case accepted(DeflateAgreement?, subprotocol: String?, rest: [UInt8])
        case refused(Int, String, [UInt8])
        case failed(HandshakeError)
    }

    /// Feeds an answer in pieces; `ends` says that the peer then closes.
    static func feed(
        _ bytes: [UInt8], to handshake: ClientHandshake, pieces: Int = .max, ends: Bool = false
    ) -> Answer {
        var handshake = handshake
        var index = 0
        do throws(HandshakeError) {
            while index < bytes.count {
                let part = Array(bytes[index..<(index + min(pieces, bytes.count - index))])
                let step = part.withUnsafeBytes { all in
                    Result { () throws(HandshakeError) in try handshake.receive(all) }
                }
                switch try step.get() {
                case .needsMore: break
                case .accepted(let accepted):
                    let rest = Array(bytes[(index + accepted.consumed)...])
                    return .accepted(accepted.deflate, subprotocol: accepted.subprotocol, rest: rest)
                case .refused(let refusal): return .refused(refusal.status, refusal.reason, refusal.body)
                }
                index += part.count
            }
            guard ends, let refusal = try handshake.receiveEnd() else { return .needsMore }
            return .refused(refusal.status, refusal.reason, refusal.body)
        } catch {
            return .failed(error)
        }
    }

    static func feed(
        _ text: String, to handshake: ClientHandshake, pieces: Int = .max, ends: Bool = false
    ) -> Answer {
        feed(Array(text.utf8), to: handshake, pieces: pieces, ends: ends)
    }

    @Test func `the request has what section 4_1 asks for`() throws {
        let request = String(decoding: try Self.handshake(subprotocols: ["v2", "v1"]).request, as: UTF8.self)
        #expect(
            request == """
                GET /chat?token=a%20b HTTP/1.1\r
                Host: gateway.example:8443\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Key: \(Self.key)\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Protocol: v2, v1\r
                Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
                Authorization: Bearer é t\r
                \r

                """)
        let contextFree = try ClientHandshake(
            host: "a", target: "/", offersDeflate: true, takesContextOver: false, nonce: (1, 2))
        #expect(
            String(decoding: contextFree.request, as: UTF8.self).contains(
                "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                    + "client_no_context_takeover; client_max_window_bits\r\n"))
        let bare = try ClientHandshake(host: "[::1]:80", target: "/", offersDeflate: false, nonce: (1, 2))
        #expect(!String(decoding: bare.request, as: UTF8.self).contains("Extensions"))
    }

    @Test(arguments: [
        ("", "/", "A", "b", "p"), ("a b", "/", "A", "b", "p"), ("a\r\nX: y", "/", "A", "b", "p"),
        ("a/b", "/", "A", "b", "p"), ("user@a", "/", "A", "b", "p"), ("é", "/", "A", "b", "p"),
        ("a", "", "A", "b", "p"), ("a", "x", "A", "b", "p"), ("a", "/ HTTP/1.1\r\nX: y", "A", "b", "p"),
        ("a", "/a b", "A", "b", "p"), ("a", "/é", "A", "b", "p"), ("a", "/#f", "A", "b", "p"),
        ("a", "/\0", "A", "b", "p"), ("a", "/", "", "b", "p"), ("a", "/", "A:", "b", "p"),
        ("a", "/", "A B", "b", "p"), ("a", "/", "A\r\nX", "b", "p"), ("a", "/", "A", "b\r\nX: y", "p"),
        ("a", "/", "A", "b\n", "p"), ("a", "/", "A", "b\0", "p"), ("a", "/", "host", "b", "p"),
        ("a", "/", "SEC-WebSocket-Key", "b", "p"), ("a", "/", "Content-Length", "1", "p"), ("a", "/", "A", "b", ""),
        ("a", "/", "A", "b", "p,q"), ("a", "/", "A", "b", "p\r\n"), ("a", "/", "A", "b", "twice"),
    ])
    func `nothing that could break the request is sent`(
        _ host: String, _ target: String, _ name: String, _ value: String, _ subprotocol: String
    ) {
        do throws(HandshakeError) {
            _ = try ClientHandshake(
                host: host, target: target, headers: [(name, value)], subprotocols: [subprotocol, "twice"],
                offersDeflate: false, nonce: (1, 2))
            Issue.record("it was accepted")
        } catch {
            #expect(error.kind == .invalidRequest)
            // A value may be a credential.
            #expect(value.count < 2 || !error.description.contains(value))
        }
    }

    @Test func `the frames after the 101 are left where they are, at every division`() throws {
        let frames = frame(0x81, "first") + frame(0x89)
        let handshake = try Self.handshake(subprotocols: ["v1"])
        let answer = Self.response(
            upgrade: "UPGRADE: WebSocket\r\n", connection: "connection: keep-alive,  upgrade\r\n",
            more: "Sec-WebSocket-Protocol:\tv1 \r\nSec-WebSocket-Extensions: permessage-deflate;"
                + " client_max_window_bits=9\r\n")
        let bytes = Array(answer.utf8) + frames
        for pieces in 1...bytes.count {
            let result = Self.feed(bytes, to: handshake, pieces: pieces)
            let expected = Answer.accepted(
                DeflateAgreement(clientMaxWindowBits: 9), subprotocol: "v1", rest: frames)
            #expect(result == expected, "pieces of \(pieces)")
        }
    }

    @Test func `headers are given as they came`() throws {
        var handshake = try Self.handshake()
        let answer = Array(Self.response(more: "X-Id:  a b\t\r\nx-id:\r\n").utf8)
        guard case .accepted(let accepted) = try answer.withUnsafeBytes({ try handshake.receive($0) }) else {
            Issue.record("not accepted")
            return
        }
        #expect(accepted.consumed == answer.count)
        #expect(accepted.headers.suffix(2).map(\.name) == ["X-Id", "x-id"])
        #expect(accepted.headers.suffix(2).map(\.value) == ["a b", ""])
        #expect(accepted.deflate == nil && accepted.subprotocol == nil)
        #expect(try handshake.receiveEnd() == nil)
    }

    @Test func `interim responses are skipped, but not without end`() throws {
        let handshake = try Self.handshake()
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        let eight = String(repeating: interim, count: 8)
        #expect(Self.feed(eight + Self.response(), to: handshake) == .accepted(nil, subprotocol: nil, rest: []))
        #expect(Self.kind(eight + interim) == .headTooLarge)
    }

    /// The error that an answer gives, whole and byte by byte; nil where there is none.
    static func kind(_ answer: String, subprotocols: [String] = [], offersDeflate: Bool = true) -> HandshakeError.Kind?
    {
        guard let handshake = try? handshake(subprotocols: subprotocols, offersDeflate: offersDeflate) else {
            return nil
        }
        let whole = feed(answer, to: handshake)
        #expect(feed(answer, to: handshake, pieces: 1) == whole)
        guard case .failed(let error) = whole else { return nil }
        return error.kind
    }

    @Test(arguments: [
        (response(upgrade: ""), HandshakeError.Kind.notUpgraded), (response(upgrade: "Upgrade: h2c\r\n"), .notUpgraded),
        (response(upgrade: "Upgrade: websocket2\r\n"), .notUpgraded), (response(connection: ""), .notUpgraded),
        (response(connection: "Connection: close\r\n"), .notUpgraded),
        (response(connection: "Connection: not-upgrade\r\n"), .notUpgraded),
        (response(status: "HTTP/1.0 101 Switching Protocols"), .notUpgraded),
        (response(accept: ""), .invalidAcceptKey),
        (response(accept: "Sec-WebSocket-Accept: \(key)\r\n"), .invalidAcceptKey),
        (response(accept: "Sec-WebSocket-Accept: \(acceptKey(for: key).lowercased())\r\n"), .invalidAcceptKey),
        (response(more: "Sec-WebSocket-Accept: \(acceptKey(for: key))\r\n"), .invalidAcceptKey),
        (response(more: "Sec-WebSocket-Protocol: v1\r\n"), .invalidSubprotocol),
        (response(more: "Sec-WebSocket-Extensions: x-other\r\n"), .invalidExtension),
        (response(more: "Sec-WebSocket-Extensions: permessage-deflate; a\r\n"), .invalidExtension),
        (
            response(
                more: "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
            ), .invalidExtension
        ),
        (response(more: "X: a\r\n folded\r\n"), .invalidHeader), (response(more: " X: a\r\n"), .invalidHeader),
        (response(more: "X: a\0b\r\n"), .invalidHeader), (response(more: "X: a\nY: b\r\n"), .invalidHeader),
        (response(more: "X: a\rY: b\r\n"), .invalidHeader), (response(more: "X\r\n"), .invalidHeader),
        (response(more: "X : a\r\n"), .invalidHeader), (response(more: ": a\r\n"), .invalidHeader),
        (response(more: "X: \u{7F}\r\n"), .invalidHeader), (response(status: "HTTP/1.1  101 x"), .invalidStatusLine),
        (response(status: "HTTP/1.1 1010 x"), .invalidStatusLine),
        (response(status: "HTTP/1.1 10 x"), .invalidStatusLine),
        (response(status: "HTTP/2.0 101 x"), .invalidStatusLine),
        (response(status: "HTTP/1.2 101 x"), .invalidStatusLine),
        (response(status: "http/1.1 101 x"), .invalidStatusLine),
        (response(status: " HTTP/1.1 101 x"), .invalidStatusLine),
        (response(status: "HTTP/1.1 099 x"), .invalidStatusLine), (response(status: ""), .invalidStatusLine),
        (response(status: "HTTP/1.1 +10 x"), .invalidStatusLine), ("\u{16}\u{3}\u{1}", .invalidStatusLine),
        ("SSH-2.0-", .invalidStatusLine),
    ])
    func `what is not in order is refused`(_ answer: String, _ kind: HandshakeError.Kind) {
        #expect(Self.kind(answer) == kind)
    }

    @Test func `a subprotocol that was not asked for, or two, are refused`() {
        let one = "Sec-WebSocket-Protocol: v1\r\n"
        #expect(Self.kind(Self.response(more: one), subprotocols: ["v1"]) == nil)
        #expect(Self.kind(Self.response(more: one + one), subprotocols: ["v1"]) == .invalidSubprotocol)
        #expect(Self.kind(Self.response(more: one), subprotocols: ["V1", "v2"]) == .invalidSubprotocol)
    }

    @Test func `deflate that was not offered is refused`() {
        let more = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        #expect(Self.kind(Self.response(more: more), offersDeflate: false) == .invalidExtension)
    }

    @Test func `a head is bounded in bytes and fields`() {
        let long = "X: " + String(repeating: "a", count: 70_000)
        #expect(Self.kind("HTTP/1.1 101 x\r\n" + long) == .headTooLarge)
        #expect(Self.kind("HTTP/1.1 " + String(repeating: "1", count: 70_000)) == .headTooLarge)
        let fields = String(repeating: "X: a\r\n", count: 253)
        #expect(Self.kind(Self.response(more: fields)) == nil)
        #expect(Self.kind(Self.response(more: fields + "X: a\r\n")) == .headTooLarge)
    }

    @Test func `an early end says how far the answer came`() throws {
        let handshake = try Self.handshake()
        guard case .failed(let silent) = Self.feed("", to: handshake, ends: true),
            case .failed(let partial) = Self.feed("HTTP/1.1 101", to: handshake, ends: true)
        else {
            Issue.record("no error")
            return
        }
        #expect(silent.kind == .endOfStream && partial.kind == .endOfStream)
        #expect(silent.description.contains("without an answer"))
        #expect(partial.description.contains("12 bytes"))
    }

    @Test func `after an error, bytes are ignored`() throws {
        var handshake = try Self.handshake()
        #expect(throws: HandshakeError.self) { try [UInt8(1)].withUnsafeBytes { try handshake.receive($0) } }
        guard case .needsMore = try Array(Self.response().utf8).withUnsafeBytes({ try handshake.receive($0) }) else {
            Issue.record("it went on")
            return
        }
    }
}
