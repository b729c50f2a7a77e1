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

    /// Prepares a request.
    /// - Parameters:
    ///   - host: value of `Host`, with the port where it is not the scheme's own.
    ///   - target: path and query, starting with a slash.
    ///   - headers: further fields; those that the handshake itself needs are refused.
    ///   - subprotocols: in the order of preference.
    ///   - offersDeflate: whether permessage-deflate is offered.
    ///   - nonce: sixteen random bytes.
    /// - Throws: `invalidRequest` where a value would break the request: control characters, spaces, no token.
    public init(
        host: String, target: String, headers: [(String, String)] = [], subprotocols: [String] = [],
        offersDeflate: Bool, nonce: Nonce
    ) throws(HandshakeError) {
        request = []
    }

    /// Takes what has arrived. Once accepted, refused or failed, it must not be called again.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) throws(HandshakeError) -> Progress {
        .needsMore
    }

    /// The peer closed its side: a refusal whose body ends here, otherwise `endOfStream`.
    public mutating func receiveEnd() throws(HandshakeError) -> Refusal? {
        nil
    }
}
