/// TLS, users and headers: the contents of the file that Prometheus' exporters take as `--web.config.file`.
public struct WebConfiguration: Sendable {
    /// Nil: plain HTTP.
    public var tls: TLSConfiguration?
    /// Headers added to every response.
    public var headers: [String: String]
    /// Names and bcrypt hashes; empty: no authentication.
    public var users: [String: String]
    /// How many requests are answered, from all clients together; nil: no limit.
    public var rateLimit: RequestRateLimit?
    /// Where this was read from, so that it can be read again when that changes; nil: it stays as it is.
    public var origin: WebConfigurationOrigin?

    /// Validates everything but the files of `tls`, which are read when the server starts.
    public init(
        tls: TLSConfiguration? = nil, headers: [String: String] = [:], users: [String: String] = [:],
        rateLimit: RequestRateLimit? = nil
    ) throws(ExpositionServerError) {
        try Self.validate(headers: headers)
        for (name, hash) in users.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.contains(":") else {
                throw .webConfiguration(
                    "basic_auth_users: “\(name)” is no user name; it must not be empty or have a colon")
            }
            guard BcryptHash(hash) != nil else {
                throw .webConfiguration(
                    "basic_auth_users: the password of “\(name)” is no bcrypt hash; make one with `htpasswd -nBC 10 \"\"`"
                )
            }
        }
        self.tls = tls
        // Blank is unset; libmicrohttpd takes no header without a value.
        self.headers = headers.filter { !$0.value.isEmpty }
        self.users = users
        self.rateLimit = rateLimit
    }

    /// Header names that may be set, each with its values; an empty list takes every value.
    private static let knownHeaders: [String: [String]] = [
        "Content-Security-Policy": [],
        "Strict-Transport-Security": [],
        "X-Content-Type-Options": ["nosniff"],
        "X-Frame-Options": ["deny", "sameorigin"],
        "X-XSS-Protection": [],
    ]

    private static func validate(headers: [String: String]) throws(ExpositionServerError) {
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            guard let values = knownHeaders[name] else {
                let known = knownHeaders.keys.sorted().joined(separator: ", ")
                throw .webConfiguration("headers: “\(name)” cannot be configured; possible are \(known)")
            }
            guard values.isEmpty || values.contains(value) else {
                throw .webConfiguration(
                    "headers: “\(value)” is no value of \(name); expected \(values.joined(separator: " or "))")
            }
            guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw .webConfiguration("headers: the value of \(name) must be printable ASCII on one line")
            }
        }
    }
}

/// A token bucket: the key `rate_limit`.
public struct RequestRateLimit: Sendable, Equatable {
    /// After how long one more request is answered.
    public var interval: Duration
    /// How many requests are answered at once after a pause; with 0, none ever.
    public var burst: Int

    /// One request an `interval`, and `burst` at once.
    public init(interval: Duration, burst: Int) {
        self.interval = interval
        self.burst = burst
    }
}

/// The files that a web configuration was read from, and how to read it again.
public struct WebConfigurationOrigin: Sendable {
    /// The configuration's own file, and those that it names.
    public var files: [String]
    /// Reads it again; the error's text says what is wrong.
    public var read: @Sendable () throws(ExpositionServerError) -> WebConfiguration

    /// What was read from `files` by `read`.
    public init(files: [String], read: @escaping @Sendable () throws(ExpositionServerError) -> WebConfiguration) {
        self.files = files
        self.read = read
    }
}

/// A PEM text, or the file that has it.
public enum PEMSource: Sendable, Equatable {
    /// The path of a file.
    case file(String)
    /// The text itself.
    case inline(String)
}
