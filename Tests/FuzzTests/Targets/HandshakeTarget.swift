import StreamModel

@testable import WebSocketCodec

extension FuzzTarget {
    /// A server's answer to the opening handshake, whose key is always the same.
    static let handshake = FuzzTarget(
        name: "handshake", seeds: ["Fuzzing/Corpus/handshake"],
        words: [
            "HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.0 200\r\n", "\r\n",
            "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Connection: keep-alive, Upgrade\r\n",
            "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n", "Sec-WebSocket-Protocol: chat\r\n",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"9\"\r\n",
            "Content-Length: ", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "fffffff\r\n", "\u{0}", " ", "\t", ";",
            ",",
        ],
        mostBytes: 70_000, shortRun: 400
    ) { input in
        let whole = try HandshakeEnd.of(input) { .max }
        var random = SplitMix64(seed: UInt64(input.count))
        for (what, piece) in [("byte by byte", 1), ("in pieces", 50)] {
            let parts = try HandshakeEnd.of(input) { piece == 1 ? 1 : Int.random(in: 1...piece, using: &random) }
            try demand(parts == whole, "\(what): \(parts), at once: \(whole)")
        }
    }
}

/// What became of a handshake.
private struct HandshakeEnd: Equatable {
    var outcome = ""
    var headers: [String] = []
    var body: [UInt8] = []
    /// Where frames begin, counted from the beginning of the answer.
    var consumed: Int?

    static func of(_ input: [UInt8], piece: () -> Int) throws -> Self {
        var handshake = try ClientHandshake(
            host: "example.org", target: "/", subprotocols: ["chat", "v2"], offersDeflate: true, nonce: (0, 0))
        var rest = input[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(piece()))
            let start = rest.startIndex
            rest = rest.dropFirst(part.count)
            let result = part.withUnsafeBytes { raw in
                Result { () throws(HandshakeError) in try handshake.receive(raw) }
            }
            switch result {
            case .success(.needsMore): continue
            case .success(.accepted(let accepted)):
                var end = try Self(
                    "accepted \(accepted.subprotocol ?? "-") \(String(describing: accepted.deflate))", accepted.headers)
                end.consumed = start + accepted.consumed
                return end
            case .success(.refused(let refusal)): return try Self(refusal)
            case .failure(let error):
                // More than one head may hold, and no byte more, has been looked at.
                try demand(start <= 64 * 1024, "went on for \(start) bytes")
                return Self(outcome: "\(error.kind) \(error.description)")
            }
        }
        let refusal: ClientHandshake.Refusal?
        do throws(HandshakeError) {
            refusal = try handshake.receiveEnd()
        } catch {
            return Self(outcome: "\(error.kind) \(error.description)")
        }
        guard let refusal else { throw Finding(description: "over, and not told") }
        return try Self(refusal)
    }

    private init(outcome: String) { self.outcome = outcome }

    private init(_ refusal: ClientHandshake.Refusal) throws {
        try self.init("refused \(refusal.status) \(refusal.reason)", refusal.headers)
        try demand((200...999).contains(refusal.status) && refusal.status != 101, "refused with \(refusal.status)")
        try demand(refusal.body.count <= 4096, "kept \(refusal.body.count) bytes of a body")
        body = refusal.body
    }

    private init(_ outcome: String, _ fields: [ClientHandshake.Header]) throws {
        self.outcome = outcome
        try demand(fields.count <= 256, "\(fields.count) header fields")
        for (name, value) in fields {
            try demand(HeaderSyntax.isToken(Array(name.utf8)), "a header's name is no token")
            try demand(
                value.unicodeScalars.allSatisfy { $0 == "\t" || ($0.value >= 0x20 && $0.value != 0x7F) },
                "a header's value has a control character")
            headers.append("\(name): \(value)")
        }
    }
}
