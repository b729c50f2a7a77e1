/// How long each phase of opening a connection took, as far as it came; nil where a phase did not happen.
public struct DialPhases: Hashable, Sendable {
    /// Turning the name into addresses; nil where the URL has an address.
    public var dns: Duration?
    /// The TCP connection, all addresses tried included.
    public var tcp: Duration?
    /// The proxy's answer to CONNECT.
    public var proxy: Duration?
    /// The TLS handshake.
    public var tls: Duration?
    /// From the request to the server's complete answer: the WebSocket upgrade, or the HTTP response.
    public var answer: Duration?

    /// No phase measured yet.
    public init() {}

    subscript(phase: DialPhase) -> Duration? {
        get {
            switch phase {
            case .dns: dns
            case .tcp: tcp
            case .proxy: proxy
            case .tls: tls
            case .answer: answer
            }
        }
        set {
            switch phase {
            case .dns: dns = newValue
            case .tcp: tcp = newValue
            case .proxy: proxy = newValue
            case .tls: tls = newValue
            case .answer: answer = newValue
            }
        }
    }
}

/// A phase of opening a connection.
public enum DialPhase: String, Sendable, CaseIterable {
    /// Turning the name into addresses.
    case dns
    /// The TCP connection.
    case tcp
    /// The proxy's answer to CONNECT.
    case proxy
    /// The TLS handshake.
    case tls
    /// Waiting for the server's answer to the request.
    case answer

    var words: String {
        switch self {
        case .dns: "resolving the name"
        case .tcp: "connecting"
        case .proxy: "waiting for the proxy"
        case .tls: "securing the connection with TLS"
        case .answer: "waiting for the server's answer"
        }
    }
}

/// Why a connection did not open, or an HTTP exchange brought no answer.
public struct DialFailure: Error, Sendable {
    /// The kinds of failure, for decisions and for metrics.
    public enum Kind: Sendable, Hashable {
        /// The name did not resolve.
        case dns
        /// Every address refused the connection.
        case refused
        /// The time was over in this phase.
        case timeout(DialPhase)
        /// TLS could not be established: no TLS there, or a certificate that is not good.
        case tls
        /// The server answered the WebSocket handshake with something other than 101. Redirects are refusals too.
        case refusedByServer(HTTPRefusal)
        /// The peer broke HTTP or the WebSocket handshake.
        case `protocol`
        /// The connection ended before there was a whole answer.
        case closed
        /// The proxy refused or broke the protocol; its status where it gave one.
        case proxy(status: Int?)
        /// The answer's body is larger than allowed, in bytes.
        case tooLarge(limit: Int)
        /// This side gave up.
        case aborted
        /// Anything else: no route, no descriptors left, …
        case other
    }

    /// What kind of failure it was.
    public let kind: Kind
    /// The phases that were completed.
    public let phases: DialPhases
    /// What happened and where, for people. Holds no query of the URL, no header and no password.
    public let text: String

    package init(_ kind: Kind, phases: DialPhases, text: String) {
        self.kind = kind
        self.phases = phases
        self.text = text
    }
}

extension DialFailure: CustomStringConvertible {
    /// What happened and where, for people.
    public var description: String { text }
}

/// A server's answer to the WebSocket handshake that was not 101.
public struct HTTPRefusal: Sendable, Hashable {
    /// The most of the body that is kept, in bytes.
    public static let maxBodySize = 1024

    /// The HTTP status.
    public let status: Int
    /// The headers in their order.
    public let headers: [HTTPHeaderField]
    /// The first ``maxBodySize`` bytes of the body, as far as they had come.
    public let body: [UInt8]

    package init(status: Int, headers: [HTTPHeaderField], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The header `Retry-After` as it came (RFC 9110, section 10.2.3): seconds, or a date.
    public var retryAfter: String? { headers.first(named: "retry-after") }
}
