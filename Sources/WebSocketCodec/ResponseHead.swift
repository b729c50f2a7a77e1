/// The head of a response: status line and fields (RFC 9112, sections 4 and 5).
struct ResponseHead: Sendable {
    var minorVersion = 1
    var status = 0
    var reason = ""
    var headers: [ClientHandshake.Header] = []

    /// All values of a field, in their order.
    func values(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }
}

/// Reads heads byte by byte, so that what is no HTTP fails with its first byte and no byte after a head is taken.
struct ResponseHeadReader: Sendable {
    /// Bytes of all heads together, interim ones included.
    static let mostBytes = 64 * 1024
    /// Fields of one head.
    static let mostFields = 256

    private(set) var count = 0
    private var line: [UInt8] = []
    private var endsLine = false
    private var head = ResponseHead()
    private var hasStatus = false

    /// Takes the next byte; gives the head with its last one.
    mutating func take(_ byte: UInt8) throws(HandshakeError) -> ResponseHead? {
        count += 1
        guard count <= Self.mostBytes else {
            throw HandshakeError(
                kind: .headTooLarge, description: "the response's head is larger than \(Self.mostBytes) bytes")
        }
        if endsLine {
            guard byte == UInt8(ascii: "\n") else { throw invalidLine("a carriage return without a line feed") }
            endsLine = false
            defer { line.removeAll(keepingCapacity: true) }
            return try takeLine()
        }
        if byte == UInt8(ascii: "\r") {
            endsLine = true
            return nil
        }
        guard HeaderSyntax.isValueCharacter(byte) else {
            throw invalidLine(byte == UInt8(ascii: "\n") ? "a bare line feed" : "the control character \(byte)")
        }
        line.append(byte)
        if !hasStatus { try checkBeginning() }
        return nil
    }

    /// Something that speaks another protocol is told apart by its first byte, not by a deadline.
    private func checkBeginning() throws(HandshakeError) {
        let beginning = "HTTP/1.".utf8
        guard line.count <= beginning.count, !beginning.starts(with: line) else { return }
        throw HandshakeError(
            kind: .invalidStatusLine, description: "the server's answer does not start with HTTP/1")
    }

    private func invalidLine(_ what: String) -> HandshakeError {
        hasStatus
            ? HandshakeError(
                kind: .invalidHeader, description: "\(what) in header field \(head.headers.count + 1) of the response")
            : HandshakeError(kind: .invalidStatusLine, description: "\(what) in the response's first line")
    }

    private mutating func takeLine() throws(HandshakeError) -> ResponseHead? {
        guard hasStatus else {
            try takeStatusLine()
            hasStatus = true
            return nil
        }
        guard line.isEmpty else {
            try takeField()
            return nil
        }
        defer {
            head = ResponseHead()
            hasStatus = false
        }
        return head
    }

    /// `HTTP/1.1 101 Switching Protocols`. The space before an empty reason may be missing, as many servers leave it
    /// out: a refusal's status is worth more than that.
    private mutating func takeStatusLine() throws(HandshakeError) {
        let digits = line.dropFirst(9).prefix(3)
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[7] == 0x30 || line[7] == 0x31, line[8] == 0x20,
            digits.allSatisfy({ (0x30...0x39).contains($0) }), line.count == 12 || line[12] == 0x20
        else { throw invalidLine("no HTTP/1.x status line") }
        head.status = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (100...999).contains(head.status) else { throw invalidLine("a status below 100") }
        head.minorVersion = Int(line[7] - 0x30)
        head.reason = String(decoding: line.dropFirst(13), as: UTF8.self)
    }

    private mutating func takeField() throws(HandshakeError) {
        guard head.headers.count < Self.mostFields else {
            throw HandshakeError(
                kind: .headTooLarge, description: "the response has more than \(Self.mostFields) header fields")
        }
        if HeaderSyntax.isSpace(line[0]) { throw invalidLine("a folded line") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw invalidLine("no colon") }
        guard HeaderSyntax.isToken(line[..<colon]) else { throw invalidLine("a name that is no token") }
        head.headers.append(
            (
                name: String(decoding: line[..<colon], as: UTF8.self),
                value: String(decoding: HeaderSyntax.trimmed(line[(colon + 1)...]), as: UTF8.self)
            ))
    }
}
