/// The request of the opening handshake (RFC 6455, section 4.1).
struct UpgradeRequest {
    var host: String
    var target: String
    var headers: [(String, String)]
    var subprotocols: [String]
    /// The offer of permessage-deflate; nil for none.
    var deflateOffer: String?
    /// `Sec-WebSocket-Key`.
    var key: String

    /// The fields that the handshake itself sets or that would change how the request is read.
    private static let reserved: Set<String> = [
        "host", "upgrade", "connection", "content-length", "transfer-encoding", "sec-websocket-key",
        "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-accept",
    ]

    /// The request's bytes. Whatever could end a line or a field early is an error: it is never sent.
    func bytes() throws(HandshakeError) -> [UInt8] {
        try check()
        var lines = [
            "GET \(target) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
        ]
        if !subprotocols.isEmpty {
            lines.append("Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))")
        }
        if let deflateOffer { lines.append("Sec-WebSocket-Extensions: \(deflateOffer)") }
        lines += headers.map { "\($0.0): \($0.1)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private func check() throws(HandshakeError) {
        // Targets and values can hold tokens: the descriptions name the place, never the text.
        guard !host.isEmpty, host.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"/?#@\\,".utf8.contains($0) }) else {
            throw invalid("the host is empty or has a character that no host has")
        }
        guard target.utf8.first == UInt8(ascii: "/"),
            target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else {
            throw invalid("the path with its query must start with a slash and be percent-encoded ASCII, no fragment")
        }
        for (name, value) in headers {
            guard HeaderSyntax.isToken(Array(name.utf8)) else {
                throw invalid("a header's name is empty or has a character that no name has")
            }
            guard !Self.reserved.contains(name.lowercased()) else {
                throw invalid("the header \(name) belongs to the handshake and can't be set")
            }
            guard value.utf8.allSatisfy(HeaderSyntax.isValueCharacter) else {
                throw invalid("the value of the header \(name) has a control character")
            }
        }
        guard subprotocols.allSatisfy({ HeaderSyntax.isToken(Array($0.utf8)) }) else {
            throw invalid("a subprotocol is empty or has a character that no subprotocol has")
        }
        guard Set(subprotocols).count == subprotocols.count else {
            throw invalid("a subprotocol is asked for twice")
        }
    }

    private func invalid(_ what: String) -> HandshakeError {
        HandshakeError(kind: .invalidRequest, description: what)
    }
}
