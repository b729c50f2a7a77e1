// The unsafe pointer is to the input, valid during the call; buffer pointers check their bounds when indexed in debug
// builds, and every index here is compared with the length.

/// The client's opening handshake (RFC 6455, section 4.1): bytes to send, then bytes to feed until it is decided.
///
/// Our own instead of an HTTP client's upgrade, so that no byte after the 101 is ever lost.
public struct ClientHandshake: Sendable {
    /// The sixteen bytes that become `Sec-WebSocket-Key`: fresh and random for each connection.
    public typealias Nonce = (UInt64, UInt64)
    /// A header field of a response, as it came, without the whitespace around the value.
    public typealias Header = (name: String, value: String)

    /// The server agreed.
    public struct Accepted: Sendable {
        /// What was agreed for permessage-deflate, nil for no compression.
        public var deflate: DeflateAgreement?
        /// The subprotocol that the server chose, nil for none.
        public var subprotocol: String?
        /// The fields of the 101, in their order.
        public var headers: [Header]
        /// Index into the input of this very call where frames start.
        public var consumed: Int
    }

    /// The server answered with another status than 101.
    public struct Refusal: Sendable {
        /// 200 to 999.
        public var status: Int
        /// The reason phrase, often empty.
        public var reason: String
        /// The fields of the response, in their order.
        public var headers: [Header]
        /// At most the first 4096 bytes of the body.
        public var body: [UInt8]

        /// The first value of a field, by its name in any case.
        public func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// Where the handshake is.
    public enum Progress: Sendable {
        /// Not decided yet.
        case needsMore
        /// The connection is open; what follows are frames.
        case accepted(Accepted)
        /// There will be no connection.
        case refused(Refusal)
    }

    /// The request, to be sent as it is.
    public let request: [UInt8]

    /// Interim responses that are skipped; more of them are an attack or a loop.
    private static let mostInterimResponses = 8

    private let key: String
    private let subprotocols: [String]
    private let offersDeflate: Bool
    private var reader = ResponseHeadReader()
    private var interimResponses = 0
    private var phase = Phase.head

    private enum Phase: Sendable {
        case head
        case body(ResponseHead, RefusalBody)
        case over
    }

    /// Prepares a request.
    /// - Parameters:
    ///   - host: value of `Host`, with the port where it is not the scheme's own.
    ///   - target: path and query, starting with a slash.
    ///   - headers: further fields; those that the handshake itself needs are refused.
    ///   - subprotocols: in the order of preference.
    ///   - offersDeflate: whether permessage-deflate is offered.
    ///   - takesContextOver: whether a message may be compressed with what earlier ones held; see
    ///     ``DeflateAgreement/contextFreeClientOffer``.
    ///   - nonce: sixteen random bytes.
    /// - Throws: `invalidRequest` where a value would break the request: control characters, spaces, no token.
    public init(
        host: String, target: String, headers: [(String, String)] = [], subprotocols: [String] = [],
        offersDeflate: Bool, takesContextOver: Bool = true, nonce: Nonce
    ) throws(HandshakeError) {
        let random = [nonce.0, nonce.1].flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
        key = String(decoding: base64(random), as: UTF8.self)
        self.subprotocols = subprotocols
        self.offersDeflate = offersDeflate
        request = try UpgradeRequest(
            host: host, target: target, headers: headers, subprotocols: subprotocols,
            deflateOffer: offersDeflate
                ? takesContextOver ? DeflateAgreement.clientOffer : DeflateAgreement.contextFreeClientOffer : nil,
            key: key
        ).bytes()
    }

    /// Takes what has arrived. Once it is accepted, refused or failed, further bytes are ignored.
    /// - Throws: everything but `invalidRequest` and `endOfStream`.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) throws(HandshakeError) -> Progress {
        do throws(HandshakeError) {
            return try progress(with: bytes)
        } catch {
            phase = .over
            throw error
        }
    }

    /// The peer closed its side, or a deadline passed: a refusal with what there is of its body, nil where the
    /// handshake was over before.
    /// - Throws: `endOfStream` where no whole head has arrived.
    public mutating func receiveEnd() throws(HandshakeError) -> Refusal? {
        defer { phase = .over }
        switch phase {
        case .head:
            throw HandshakeError(
                kind: .endOfStream,
                description: reader.count == 0
                    ? "the server closed the connection without an answer"
                    : "the server closed the connection after \(reader.count) bytes of its answer's head")
        case .body(let head, let body):
            return Refusal(head, body)
        case .over:
            return nil
        }
    }

    private mutating func progress(with bytes: UnsafeRawBufferPointer) throws(HandshakeError) -> Progress {
        var index = 0
        if case .head = phase {
            while index < bytes.count {
                let head = try reader.take(bytes[index])
                index += 1
                guard let head else { continue }
                if head.status == 101 {
                    var accepted = try accept(head)
                    accepted.consumed = index
                    phase = .over
                    return .accepted(accepted)
                }
                if head.status >= 200 {
                    phase = .body(head, RefusalBody(head))
                    break
                }
                interimResponses += 1
                guard interimResponses <= Self.mostInterimResponses else {
                    throw HandshakeError(
                        kind: .headTooLarge,
                        description: "more than \(Self.mostInterimResponses) interim responses before an answer")
                }
            }
        }
        guard case .body(let head, var body) = phase else { return .needsMore }
        body.take(UnsafeRawBufferPointer(rebasing: bytes[index...]))
        guard body.isComplete else {
            phase = .body(head, body)
            return .needsMore
        }
        phase = .over
        return .refused(Refusal(head, body))
    }

    /// The checks of RFC 6455, section 4.1, in its order.
    private func accept(_ head: ResponseHead) throws(HandshakeError) -> Accepted {
        let upgrade = head.values("upgrade").flatMap(HeaderSyntax.list)
        guard head.minorVersion == 1, upgrade == ["websocket"] else {
            throw HandshakeError(
                kind: .notUpgraded, description: "the server's 101 does not upgrade HTTP/1.1 to websocket")
        }
        guard head.values("connection").flatMap(HeaderSyntax.list).contains("upgrade") else {
            throw HandshakeError(kind: .notUpgraded, description: "the server's 101 lacks Connection: Upgrade")
        }
        guard head.values("sec-websocket-accept") == [acceptKey(for: key)] else {
            throw HandshakeError(
                kind: .invalidAcceptKey,
                description: "the server's Sec-WebSocket-Accept is missing, doubled or not the one for our key")
        }
        let extensions = head.values("sec-websocket-extensions").joined(separator: ",")
        let deflate = try DeflateAgreement.agreed(response: extensions, offered: offersDeflate)
        let chosen = head.values("sec-websocket-protocol")
        guard chosen.count <= 1, chosen.allSatisfy(subprotocols.contains) else {
            throw HandshakeError(
                kind: .invalidSubprotocol, description: "the server chose a subprotocol that was not asked for")
        }
        return Accepted(deflate: deflate, subprotocol: chosen.first, headers: head.headers, consumed: 0)
    }
}

extension ClientHandshake.Refusal {
    fileprivate init(_ head: ResponseHead, _ body: RefusalBody) {
        self.init(status: head.status, reason: head.reason, headers: head.headers, body: body.bytes)
    }
}
