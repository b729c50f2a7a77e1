internal import Glibc

/// Where to listen: `:PORT`, `HOST:PORT` or `[IPv6]:PORT`.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address without brackets; nil is every address of the machine, IPv6 and IPv4.
    public var host: String?
    /// 0 lets the system choose.
    public var port: UInt16
    /// A listening socket that is open already, bound to this address: it is served, and closed in the end, instead of
    /// one of the server's own.
    public private(set) var descriptor: Int32?

    /// An address from its parts.
    public init(host: String? = nil, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses `:PORT`, `HOST:PORT` or `[IPv6]:PORT`; `ExpositionServerError.address` says what is wrong.
    public init(parsing text: String) throws(ExpositionServerError) {
        func mistake(_ what: String) -> ExpositionServerError {
            .address("“\(text)” is no listen address: \(what); expected :PORT, HOST:PORT or [IPv6]:PORT")
        }
        guard let colon = text.lastIndex(of: ":") else { throw mistake("there is no port") }
        var host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else { throw mistake("the port must be a number from 0 to 65535") }
        if host.hasPrefix("[") || host.hasSuffix("]") {
            guard host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 else { throw mistake("unmatched bracket") }
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { throw mistake("brackets are for IPv6 addresses") }
        } else if host.contains(":") {
            throw mistake("an IPv6 address needs brackets")
        }
        guard host.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }) else {
            throw mistake("the host has a character that no host name has")
        }
        self.init(host: host.isEmpty ? nil : host, port: port)
    }

    /// The address of a listening TCP socket that another process opened and handed over, such as systemd.
    ///
    /// - Throws: `ExpositionServerError.listen` where the descriptor is none.
    public init(inheriting descriptor: Int32) throws(ExpositionServerError) {
        self = try ListeningSocket.address(ofInherited: descriptor)
        self.descriptor = descriptor
    }

    /// As it is written on the command line.
    public var description: String {
        guard let host else { return ":\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
