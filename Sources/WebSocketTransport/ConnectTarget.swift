import NIOCore

/// Where to connect and what to ask for there: a parsed `ws`, `wss`, `http` or `https` URL
/// (RFC 3986, RFC 6455 section 3).
public struct ConnectTarget: Hashable, Sendable {
    /// The schemes that can be dialed.
    public enum Scheme: String, Sendable, CaseIterable {
        /// WebSocket over TCP.
        case ws
        /// WebSocket over TLS.
        case wss
        /// HTTP over TCP.
        case http
        /// HTTP over TLS.
        case https
    }

    /// The longest URL taken, in bytes.
    public static let maxLength = 16 * 1024

    /// The scheme, which decides about TLS and the default port.
    public let scheme: Scheme
    /// The host in lower case: a name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// The port, 1 to 65535.
    public let port: Int
    /// The path; begins with a slash.
    public let path: String
    /// The query without its question mark; nil where the URL has none. It may hold a token, so no text shows it.
    public let query: String?

    /// Whether TLS is used.
    public var isSecure: Bool { scheme == .wss || scheme == .https }

    /// Whether `host` is an address rather than a name.
    public var isAddress: Bool { address != nil }

    /// The address that `host` spells out; nil for a name.
    var address: SocketAddress? { try? SocketAddress(ipAddress: host, port: port) }

    /// What stands in the request line: path and query.
    public var requestTarget: String { query.map { "\(path)?\($0)" } ?? path }

    /// Host and port, an IPv6 address in brackets.
    public var authority: String { "\(bracketedHost):\(port)" }

    /// The value of the `Host` header: the authority, the scheme's default port left out (RFC 6455 section 4.1).
    public var hostHeader: String { port == (isSecure ? 443 : 80) ? bracketedHost : authority }

    private var bracketedHost: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }

    /// Parses `url`.
    ///
    /// - Throws: ``ConnectTargetError`` where the URL is not one that can be dialed; its text names the part at fault.
    public init(_ url: String) throws(ConnectTargetError) {
        guard url.utf8.count <= Self.maxLength else { throw .init("is longer than \(Self.maxLength) bytes") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .init("has a space, a control character or a character outside ASCII; percent-encode it")
        }
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else {
            throw .init("has no scheme; write ws://, wss://, http:// or https:// in front")
        }
        guard let scheme = Scheme(rawValue: url[..<colon].lowercased()) else {
            throw .init("has the scheme '\(url[..<colon].prefix(32))'; only ws, wss, http and https can be dialed")
        }
        guard !url.utf8.contains(UInt8(ascii: "#")) else {
            throw .init("has a fragment ('#…'), which has no meaning here; percent-encode the '#' or leave it out")
        }
        let rest = url[colon...].dropFirst(3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest[authority.endIndex...]
        guard !authority.contains("@") else {
            throw .init("has a user name or password before the host; send credentials in a header instead")
        }
        let (host, port) = try Self.split(authority)
        self.scheme = scheme
        self.host = host
        self.port = port ?? (scheme == .wss || scheme == .https ? 443 : 80)
        let path = tail.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        self.query = path.endIndex == tail.endIndex ? nil : String(tail[path.endIndex...].dropFirst())
    }

    /// Host (lower case, unbracketed) and port of an authority without userinfo.
    static func split(_ authority: Substring) throws(ConnectTargetError) -> (host: String, port: Int?) {
        var host = authority
        var portText: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .init("has a '[' without its ']'") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            guard host.contains(":"), (try? SocketAddress(ipAddress: String(host), port: 0)) != nil else {
                throw .init("has '\(host.prefix(64))' in brackets, which is no IPv6 address")
            }
            let after = authority[end...].dropFirst()
            guard after.isEmpty || after.hasPrefix(":") else { throw .init("has text between ']' and the port") }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else {
            if let colon = authority.firstIndex(of: ":") {
                host = authority[..<colon]
                portText = authority[colon...].dropFirst()
            }
            guard !host.isEmpty else { throw .init("has no host") }
            guard host.utf8.count <= 253, host.utf8.allSatisfy(Self.isHostCharacter) else {
                throw .init("has the host '\(host.prefix(64))', which is neither a name nor an address")
            }
        }
        guard let portText, !portText.isEmpty else { return (host.lowercased(), nil) }
        guard portText.utf8.count <= 5, portText.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let port = Int(portText),
            (1...65535).contains(port)
        else { throw .init("has the port '\(portText.prefix(16))'; it must be 1 to 65535") }
        return (host.lowercased(), port)
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension ConnectTarget: CustomStringConvertible {
    /// The URL without its query, which may hold a token.
    public var description: String { "\(scheme.rawValue)://\(hostHeader)\(path)" }
}

/// Why a URL can't be dialed.
public struct ConnectTargetError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, as a sentence that begins with "the URL". It never repeats a query or a password.
    public let description: String

    init(_ complaint: String) { description = "the URL \(complaint)" }
}
