// The unsafe pointer to what is compressed is valid for the call alone.

import MetricsRegistry

/// What a route answers.
struct Response: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// Bytes that several responses may share. `ticket` lives until this response has been sent or given up.
        case shared(ExpositionBuffer, ticket: (any AnyObject & Sendable)?)
        /// Text that is written as it is sent; likewise.
        case exposition(Exposition, ticket: (any AnyObject & Sendable)?)
        /// A response that stays open.
        case stream(Follower)
    }

    var status: UInt32
    var headers: [(name: String, value: String)]
    var body: Body

    init(status: UInt32, contentType: String, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.headers = [("Content-Type", contentType)] + headers
        self.body = body
    }

    /// A sentence, as plain text.
    static func text(_ status: UInt32, _ text: String, headers: [(name: String, value: String)] = []) -> Self {
        Self(
            status: status, contentType: "text/plain; charset=utf-8", headers: headers,
            body: .bytes(Array(text.utf8) + [UInt8(ascii: "\n")]))
    }

    /// 200 with `bytes`, compressed where the client takes that and it is worth it. Takes its time.
    static func compressible(
        _ request: Request, contentType: String, headers: [(name: String, value: String)], bytes: [UInt8]
    ) -> Self {
        let headers = headers + [("Vary", "Accept-Encoding")]
        let plain = Self(status: 200, contentType: contentType, headers: headers, body: .bytes(bytes))
        // Below this it fits into one packet either way.
        guard bytes.count > 1_200, AcceptEncoding.acceptsGzip(request.acceptEncoding) else { return plain }
        let buffer = ExpositionBuffer()
        guard bytes.withUnsafeBytes({ GzipCompressor.compress($0, into: buffer) }) else { return plain }
        return Self(
            status: 200, contentType: contentType, headers: headers + [("Content-Encoding", "gzip")],
            body: .shared(buffer, ticket: nil))
    }

    static var shuttingDown: Self { .text(503, "The server is shutting down.") }
}
