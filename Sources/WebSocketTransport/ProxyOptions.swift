/// An HTTP proxy to tunnel through with CONNECT (RFC 9110 section 9.3.6).
public struct ProxyOptions: Hashable, Sendable {
    /// The proxy's host: a name or an address without brackets.
    public var host: String
    /// The proxy's port.
    public var port: Int
    /// The user name for Basic authentication; nil for none.
    public var username: String?
    /// The password for Basic authentication.
    public var password: String?

    /// A proxy at `host` and `port`.
    public init(host: String, port: Int, username: String? = nil, password: String? = nil) {
        self.host = host
        self.port = port
        self.username = username
        self.password = password
    }

    /// Parses `http://[user[:password]@]host[:port]`; without a scheme, `http` is meant, and without a port, 80.
    /// User name and password may be percent-encoded.
    ///
    /// - Throws: ``ProxyError`` where it is none; its text never holds the password.
    public init(url: String) throws(ProxyError) {
        guard url.utf8.count <= 4096 else { throw ProxyError("is longer than 4096 bytes") }
        var rest = Substring(url)
        if let separator = url.range(of: "://") {
            let scheme = url[..<separator.lowerBound].lowercased()
            guard scheme == "http" else {
                throw ProxyError("has the scheme '\(scheme.prefix(16))'; only http:// proxies are supported")
            }
            rest = url[separator.upperBound...]
        }
        rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = rest.lastIndex(of: "@") {
            let userinfo = rest[..<at]
            let name = userinfo.prefix { $0 != ":" }
            guard let username = name.percentDecoded,
                let password = userinfo[name.endIndex...].dropFirst().percentDecoded
            else { throw ProxyError("has a user name or password with a broken percent-encoding") }
            self.username = username
            self.password = password
            rest = rest[at...].dropFirst()
        }
        do {
            let (host, port) = try ConnectTarget.split(rest)
            self.host = host
            self.port = port ?? 80
        } catch {
            throw ProxyError(String(error.description.dropFirst("the URL ".count)))
        }
    }

    /// The value of `Proxy-Authorization`; nil without a user name.
    var authorization: String? {
        guard let username else { return nil }
        return "Basic " + base64(Array("\(username):\(password ?? "")".utf8))
    }
}

extension ProxyOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The proxy's URL without user name and password.
    public var description: String {
        "http://\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port)"
    }

    /// The proxy's URL without user name and password.
    public var debugDescription: String { description }

    /// Nothing inside: the password must not reach a log through a dump.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why a proxy's URL or a proxy rule was not understood.
public struct ProxyError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, as a sentence that begins with "the proxy's URL". It never holds a password.
    public let description: String

    init(_ complaint: String) { description = "the proxy's URL \(complaint)" }
}

extension StringProtocol {
    /// The first occurrence of `separator`, found without Foundation.
    fileprivate func range(of separator: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(separator) {
                return start..<index(start, offsetBy: separator.count)
            }
            start = index(after: start)
        }
        return nil
    }

    /// The text with its percent-encoding undone; nil where that is broken or gives no UTF-8.
    fileprivate var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexDigit, let low = rest.popFirst()?.hexDigit else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// RFC 4648 section 4, with padding.
func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
        for place in 0..<4 {
            let index = Int(bits >> (18 - 6 * UInt32(place)) & 63)
            output.append(place <= group.count ? alphabet[index] : UInt8(ascii: "="))
        }
    }
    return String(decoding: output, as: UTF8.self)
}
