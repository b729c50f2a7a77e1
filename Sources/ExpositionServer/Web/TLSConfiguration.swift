/// How the server speaks TLS; the keys of `tls_server_config`.
public struct TLSConfiguration: Sendable {
    /// Versions by the names of the configuration file.
    public enum Version: String, Sendable, CaseIterable, Comparable {
        /// TLS 1.0 to 1.3.
        case tls10 = "TLS10"
        case tls11 = "TLS11"
        case tls12 = "TLS12"
        case tls13 = "TLS13"

        /// Older is less.
        public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    /// The certificate, followed by its chain.
    public var certificate: PEMSource
    /// The certificate's key.
    public var key: PEMSource
    /// What is asked of clients.
    public var clientCertificates: ClientCertificatePolicy
    /// The authorities of clients' certificates; nil where the policy verifies: those of the system.
    public var clientAuthorities: PEMSource?
    /// Names of which a client's certificate must have one as subject alternative name (DNS, e-mail, IP address or
    /// URI), exactly as written; nil: any.
    public var allowedClientNames: [String]?
    /// The GnuTLS priority string made of versions, cipher suites and curves.
    let priorities: String

    /// Validates names and combinations; the files are read when the server starts.
    ///
    /// `cipherSuites` has Go's names, `curves` is of `CurveP256 CurveP384 CurveP521 X25519`; empty means the library's
    /// own choice. GnuTLS chooses key exchange, cipher and digest apart, so that a list of suites permits their other
    /// combinations too; and it applies the ciphers of the list to TLS 1.3 as well.
    public init(
        certificate: PEMSource, key: PEMSource, clientCertificates: ClientCertificatePolicy = .none,
        clientAuthorities: PEMSource? = nil, allowedClientNames: [String]? = nil, minimumVersion: Version = .tls12,
        maximumVersion: Version = .tls13,
        cipherSuites: [String] = [], prefersServerCipherSuites: Bool = true, curves: [String] = []
    ) throws(ExpositionServerError) {
        guard minimumVersion <= maximumVersion else {
            throw .webConfiguration("tls_server_config: min_version is above max_version")
        }
        if clientAuthorities != nil, clientCertificates == .none {
            throw .webConfiguration(
                "tls_server_config: client_ca_file needs a client_auth_type other than NoClientCert")
        }
        self.certificate = certificate
        self.key = key
        self.clientCertificates = clientCertificates
        self.clientAuthorities = clientAuthorities
        self.allowedClientNames = allowedClientNames
        priorities = try TLSPriorities.make(
            versions: minimumVersion...maximumVersion, cipherSuites: cipherSuites, curves: curves,
            prefersServer: prefersServerCipherSuites)
    }
}

/// What is asked of clients, by the names of the configuration file (Go's `ClientAuthType`).
public enum ClientCertificatePolicy: String, Sendable, CaseIterable {
    /// Nothing.
    case none = "NoClientCert"
    /// A certificate is asked for, and not looked at.
    case request = "RequestClientCert"
    /// Any certificate is required, and not verified.
    case requireAny = "RequireAnyClientCert"
    /// A certificate is verified if the client has one.
    case verifyIfGiven = "VerifyClientCertIfGiven"
    /// A certificate that one of the authorities has signed.
    case requireAndVerify = "RequireAndVerifyClientCert"

    /// A name of the configuration file; `RequireClientCert` is an old one.
    public init?(name: String) {
        switch name {
        case "": self = .none
        case "RequireClientCert": self = .requireAny
        default: self.init(rawValue: name)
        }
    }

    var verifies: Bool { self == .verifyIfGiven || self == .requireAndVerify }
}
