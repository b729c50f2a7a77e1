/// How a server's certificate is judged.
public struct TLSOptions: Hashable, Sendable {
    /// A PEM file of the authorities to trust instead of the system's; nil for the system's.
    public var caFile: String?
    /// Takes any certificate. For test set-ups only: whoever is on the way can then read and change everything.
    public var insecureSkipVerify: Bool

    /// The system's authorities, or those in `caFile`.
    public init(caFile: String? = nil, insecureSkipVerify: Bool = false) {
        self.caFile = caFile
        self.insecureSkipVerify = insecureSkipVerify
    }
}

/// How a connection is made: its time limit, TLS, proxy and name resolution.
public struct DialOptions: Sendable {
    /// The time for everything up to the server's answer: resolving, connecting, proxy, TLS and the answer itself.
    public var connectTimeout: Duration
    /// How the server's certificate is judged; used for `wss` and `https`.
    public var tls: TLSOptions
    /// The proxy to go through; nil to connect directly. Both secure and plain targets are tunnelled with CONNECT.
    public var proxy: ProxyOptions?
    /// What turns names into addresses.
    public var resolver: any HostResolver

    /// The defaults: 30 s, the system's authorities, no proxy, the system's resolver.
    public init(
        connectTimeout: Duration = .seconds(30), tls: TLSOptions = TLSOptions(), proxy: ProxyOptions? = nil,
        resolver: any HostResolver = SystemResolver.shared
    ) {
        self.connectTimeout = connectTimeout
        self.tls = tls
        self.proxy = proxy
        self.resolver = resolver
    }
}

/// A header of an HTTP request or answer.
public struct HTTPHeaderField: Hashable, Sendable {
    /// The name as it was sent; compare it without regard to case.
    public var name: String
    /// The value, without surrounding white space.
    public var value: String

    /// The field `name: value`.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [HTTPHeaderField] {
    /// The value of the first field called `name`, whatever its case.
    public func first(named name: String) -> String? {
        first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
