/// Go's names of versions, suites and curves, as a GnuTLS priority string.
enum TLSPriorities {
    static func make(
        versions: ClosedRange<TLSConfiguration.Version>, cipherSuites: [String], curves: [String], prefersServer: Bool
    ) throws(ExpositionServerError) -> String {
        var parts = ["NORMAL", "-VERS-ALL"]
        for version in TLSConfiguration.Version.allCases where versions.contains(version) {
            parts.append("+\(names[version] ?? "VERS-TLS1.3")")
        }
        if !cipherSuites.isEmpty {
            var exchanges: [String] = []
            var ciphers: [String] = []
            var digests: [String] = []
            for name in cipherSuites {
                guard let suite = suites[name] else {
                    throw .webConfiguration(
                        "tls_server_config: unknown cipher suite “\(name)”; "
                            + "known are \(suites.keys.sorted().joined(separator: ", "))")
                }
                if let exchange = suite.exchange, !exchanges.contains(exchange) { exchanges.append(exchange) }
                if !ciphers.contains(suite.cipher) { ciphers.append(suite.cipher) }
                if !digests.contains(suite.digest) { digests.append(suite.digest) }
            }
            if !exchanges.isEmpty { parts += ["-KX-ALL"] + exchanges.map { "+\($0)" } }
            parts += ["-CIPHER-ALL"] + ciphers.map { "+\($0)" } + ["-MAC-ALL"] + digests.map { "+\($0)" }
        }
        if !curves.isEmpty {
            parts.append("-GROUP-ALL")
            for name in curves {
                guard let group = groups[name] else {
                    throw .webConfiguration(
                        "tls_server_config: unknown curve “\(name)”; "
                            + "known are \(groups.keys.sorted().joined(separator: ", "))")
                }
                parts.append("+\(group)")
            }
        }
        if prefersServer { parts.append("%SERVER_PRECEDENCE") }
        return parts.joined(separator: ":")
    }

    private static let names: [TLSConfiguration.Version: String] = [
        .tls10: "VERS-TLS1.0", .tls11: "VERS-TLS1.1", .tls12: "VERS-TLS1.2", .tls13: "VERS-TLS1.3",
    ]

    private static let groups = [
        "CurveP256": "GROUP-SECP256R1", "CurveP384": "GROUP-SECP384R1", "CurveP521": "GROUP-SECP521R1",
        "X25519": "GROUP-X25519",
    ]

    private typealias Suite = (exchange: String?, cipher: String, digest: String)

    private static let suites: [String: Suite] = {
        var suites: [String: Suite] = [
            "TLS_AES_128_GCM_SHA256": (nil, "AES-128-GCM", "AEAD"),
            "TLS_AES_256_GCM_SHA384": (nil, "AES-256-GCM", "AEAD"),
            "TLS_CHACHA20_POLY1305_SHA256": (nil, "CHACHA20-POLY1305", "AEAD"),
        ]
        for key in ["RSA", "ECDSA"] {
            let exchange = "ECDHE-\(key)"
            suites["TLS_ECDHE_\(key)_WITH_AES_128_CBC_SHA"] = (exchange, "AES-128-CBC", "SHA1")
            suites["TLS_ECDHE_\(key)_WITH_AES_256_CBC_SHA"] = (exchange, "AES-256-CBC", "SHA1")
            suites["TLS_ECDHE_\(key)_WITH_AES_128_GCM_SHA256"] = (exchange, "AES-128-GCM", "AEAD")
            suites["TLS_ECDHE_\(key)_WITH_AES_256_GCM_SHA384"] = (exchange, "AES-256-GCM", "AEAD")
            suites["TLS_ECDHE_\(key)_WITH_CHACHA20_POLY1305_SHA256"] = (exchange, "CHACHA20-POLY1305", "AEAD")
        }
        return suites
    }()
}
