import Glibc

/// Which proxy is for which target, in the manner of the environment variables that most tools read.
public struct ProxySettings: Hashable, Sendable {
    /// The proxy for `wss` and `https`.
    public var secure: ProxyOptions?
    /// The proxy for `ws` and `http`.
    public var plain: ProxyOptions?
    /// What is reached without a proxy.
    public var exceptions: [Exception]

    /// One entry of `NO_PROXY`.
    public enum Exception: Hashable, Sendable {
        /// `*`: everything.
        case everything
        /// A name and all names below it (`example.com`, `.example.com` and `*.example.com` mean the same), or an
        /// address; with a port only there.
        case host(String, port: Int?)
        /// A block of addresses such as `10.0.0.0/8`; matches targets that are addresses.
        case block(address: [UInt8], prefixLength: Int)
    }

    /// Settings put together by hand; by default no proxy for anything.
    public init(secure: ProxyOptions? = nil, plain: ProxyOptions? = nil, exceptions: [Exception] = []) {
        self.secure = secure
        self.plain = plain
        self.exceptions = exceptions
    }

    /// Reads `HTTPS_PROXY` (for `wss` and `https`), `HTTP_PROXY` (for `ws` and `http`), `ALL_PROXY` (for what the two
    /// leave open) and `NO_PROXY`. The lower-case names are read too and win. An empty value means no proxy.
    ///
    /// - Throws: ``ProxyError`` for a proxy's URL that is none.
    public static func fromEnvironment(_ environment: [String: String]) throws(ProxyError) -> ProxySettings {
        func value(_ name: String) -> String? { environment[name.lowercased()] ?? environment[name] }
        func proxy(_ name: String) throws(ProxyError) -> ProxyOptions? {
            guard let url = value(name) ?? value("ALL_PROXY"), !url.isEmpty else { return nil }
            return try ProxyOptions(url: url)
        }
        return ProxySettings(
            secure: try proxy("HTTPS_PROXY"), plain: try proxy("HTTP_PROXY"),
            exceptions: exceptions(value("NO_PROXY") ?? ""))
    }

    /// The proxy for `target`; nil to connect directly.
    public func proxy(for target: ConnectTarget) -> ProxyOptions? {
        guard let proxy = target.isSecure ? secure : plain else { return nil }
        return exceptions.contains { $0.matches(target) } ? nil : proxy
    }

    /// The entries of a `NO_PROXY` list, separated by commas or spaces. An entry that is no rule matches nothing.
    public static func exceptions(_ list: String) -> [Exception] {
        list.split { $0 == "," || $0 == " " || $0 == "\t" }.prefix(1024).compactMap { Exception(String($0)) }
    }
}

extension ProxySettings.Exception {
    /// Reads one entry; nil where it is no rule.
    init?(_ entry: String) {
        guard entry != "*" else {
            self = .everything
            return
        }
        if let slash = entry.firstIndex(of: "/") {
            guard let address = Self.bytes(of: String(entry[..<slash])),
                let length = Int(entry[entry.index(after: slash)...]), (0...address.count * 8).contains(length)
            else { return nil }
            self = .block(address: address, prefixLength: length)
            return
        }
        // An IPv6 address without brackets has colons that are no port's.
        if Self.bytes(of: entry) != nil {
            self = .host(entry.lowercased(), port: nil)
            return
        }
        let name = entry.hasPrefix("*.") ? entry.dropFirst(2) : entry.hasPrefix(".") ? entry.dropFirst() : entry[...]
        guard let (host, port) = try? ConnectTarget.split(name) else { return nil }
        self = .host(host, port: port)
    }

    func matches(_ target: ConnectTarget) -> Bool {
        switch self {
        case .everything:
            return true
        case .host(let host, let port):
            guard port == nil || port == target.port else { return false }
            if let wanted = Self.bytes(of: host) { return Self.bytes(of: target.host) == wanted }
            return target.host == host || target.host.hasSuffix(".\(host)")
        case .block(let address, let prefixLength):
            guard let bytes = Self.bytes(of: target.host), bytes.count == address.count else { return false }
            let whole = prefixLength / 8
            guard bytes[..<whole] == address[..<whole] else { return false }
            guard prefixLength % 8 > 0 else { return true }
            let shift = 8 - prefixLength % 8
            return bytes[whole] >> shift == address[whole] >> shift
        }
    }

    /// The bytes of an address in network order; nil for a name.
    private static func bytes(of host: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, host, &bytes) == 1 ? bytes : nil
    }
}
