public import ConfigurationReader
internal import Foundation

/// The file of `--web.config.file`: TLS, users and response headers, in the format of Prometheus' exporter-toolkit.
public enum WebConfigurationFile {
    /// Reads the file at `path`; nil where it has a mistake. Paths in it are relative to its own folder. What is read
    /// remembers its files: a server looks at them once a second, and takes up what has changed.
    public static func load(path: String) -> (configuration: WebConfiguration?, diagnostics: [Diagnostic]) {
        let document = ConfigurationDocument(path: path)
        let folder = (path as NSString).deletingLastPathComponent
        var configuration: WebConfiguration?
        if let root = document.root, root.isNull {
            configuration = try? WebConfiguration()
        } else if let root = document.root {
            configuration = read(root, folder: folder)
        }
        let files = [configuration?.tls?.certificate, configuration?.tls?.key, configuration?.tls?.clientAuthorities]
            .compactMap { source -> String? in if case .file(let path) = source { path } else { nil } }
        configuration?.origin = WebConfigurationOrigin(files: [path] + files) { () throws(ExpositionServerError) in
            let (again, diagnostics) = load(path: path)
            guard let again else {
                throw .webConfiguration(diagnostics.map { "\($0)" }.joined(separator: "; "))
            }
            return again
        }
        return (document.hasErrors ? nil : configuration, document.diagnostics)
    }

    private static func read(_ root: ConfigurationValue, folder: String) -> WebConfiguration? {
        let keys = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"]
        guard let mapping = root.mapping(keys: keys) else { return nil }
        var headers: [String: String] = [:]
        var wantsHTTP2 = true
        if let http = mapping["http_server_config"]?.mapping(keys: ["http2", "headers"]) {
            // libmicrohttpd speaks HTTP/1.1 alone; what a file must be to be taken elsewhere, it must be here too.
            wantsHTTP2 = http["http2"]?.bool() ?? true
            // As the toolkit does, `1` is taken for a text.
            for (name, value) in http["headers"]?.mapping()?.values ?? [] { headers[name] = value.text() }
        }
        let tls = mapping["tls_server_config"].flatMap { readTLS($0, folder: folder, wantsHTTP2: wantsHTTP2) }
        var users: [String: String] = [:]
        for (name, value) in mapping["basic_auth_users"]?.mapping()?.values ?? [] { users[name] = value.string() }
        do {
            return try WebConfiguration(
                tls: tls, headers: headers, users: users, rateLimit: mapping["rate_limit"].flatMap(readRateLimit))
        } catch {
            let key = "\(error)".contains("basic_auth_users") ? "basic_auth_users" : "http_server_config"
            (mapping[key] ?? root).error("\(error)")
            return nil
        }
    }

    /// Nil where there is none, or its interval is 0.
    private static func readRateLimit(_ value: ConfigurationValue) -> RequestRateLimit? {
        guard let mapping = value.mapping(keys: ["interval", "burst"]) else { return nil }
        let interval = mapping["interval"]?.duration() ?? .zero
        let burst = mapping["burst"]?.int(in: 0...1_000_000) ?? 0
        guard interval > .zero else { return nil }
        if burst == 0 { value.warning("with `burst: 0` every request is refused; give at least 1") }
        return RequestRateLimit(interval: interval, burst: burst)
    }

    private static func readTLS(
        _ value: ConfigurationValue, folder: String, wantsHTTP2: Bool
    ) -> TLSConfiguration? {
        let keys = [
            "cert_file", "key_file", "cert", "key", "client_auth_type", "client_ca_file", "client_ca",
            "client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites",
            "curve_preferences",
        ]
        guard let mapping = value.mapping(keys: keys) else { return nil }
        guard isEnabled(mapping) else {
            value.warning("there is no certificate, key or client policy here: the server speaks plain HTTP")
            return nil
        }
        let certificate = source(mapping, "cert", folder)
        let key = source(mapping, "key", folder)
        let authorities = source(mapping, "client_ca", folder)
        // One that is given and cannot be read has been reported already.
        if certificate == nil, !isGiven(mapping, "cert") {
            value.error("`cert_file` is missing; give the certificate, or `cert` with its text")
        }
        if key == nil, !isGiven(mapping, "key") {
            value.error("`key_file` is missing; give the certificate's key, or `key` with its text")
        }
        var policy: ClientCertificatePolicy? = ClientCertificatePolicy.none
        if let name = mapping["client_auth_type"], let text = name.string(allowingEmpty: true), !text.isEmpty {
            policy = ClientCertificatePolicy(name: text)
            if policy == nil {
                let all = ClientCertificatePolicy.allCases.map(\.rawValue)
                let suggestion = Spelling.suggestion(for: text, among: all)
                name.error("unknown client_auth_type `\(Spelling.excerpt(text))`\(suggestion)")
            }
        }
        guard let certificate, let key, let policy else { return nil }
        if policy.verifies, authorities == nil {
            (mapping["client_auth_type"] ?? value).warning(
                "without `client_ca_file` every certificate passes that an authority of this system has signed")
        }
        let suites = mapping["cipher_suites"]?.strings() ?? []
        let minimum = version(mapping, "min_version") ?? .tls12
        checkHTTP2(mapping, suites: suites, minimum: minimum, isWanted: wantsHTTP2)
        do {
            return try TLSConfiguration(
                certificate: certificate, key: key, clientCertificates: policy, clientAuthorities: authorities,
                allowedClientNames: mapping["client_allowed_sans"]?.strings(), minimumVersion: minimum,
                maximumVersion: version(mapping, "max_version") ?? .tls13, cipherSuites: suites,
                prefersServerCipherSuites: mapping["prefer_server_cipher_suites"]?.bool() ?? true,
                curves: mapping["curve_preferences"]?.strings() ?? [])
        } catch {
            value.error("\(error)")
            return nil
        }
    }

    /// Whether there is anything that makes the toolkit speak TLS.
    private static func isEnabled(_ mapping: ConfigurationMapping) -> Bool {
        ["cert", "key", "cert_file", "key_file", "client_ca", "client_ca_file", "client_auth_type"].contains { key in
            guard let value = mapping[key] else { return false }
            return !value.isScalar || value.text()?.isEmpty == false
        }
    }

    /// HTTP/2 demands one of two suites (RFC 9113 section 9.2.2), and the toolkit does not start without: a file that
    /// is good here must be good there.
    private static func checkHTTP2(
        _ mapping: ConfigurationMapping, suites: [String], minimum: TLSConfiguration.Version, isWanted: Bool
    ) {
        let demanded = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
        guard isWanted, minimum < .tls13, !suites.isEmpty, !suites.contains(where: demanded.contains) else { return }
        mapping["cipher_suites"]?.error(
            "HTTP/2 demands \(demanded.joined(separator: " or ")); add it, or set `http2: false` in `http_server_config`"
        )
    }

    private static func version(_ mapping: ConfigurationMapping, _ key: String) -> TLSConfiguration.Version? {
        mapping[key]?.enumeration()
    }

    /// Whether the file or the text of `name` is there, and not empty.
    private static func isGiven(_ mapping: ConfigurationMapping, _ name: String) -> Bool {
        mapping[name] != nil || mapping["\(name)_file"]?.string(allowingEmpty: true)?.isEmpty == false
    }

    private static func source(_ mapping: ConfigurationMapping, _ name: String, _ folder: String) -> PEMSource? {
        mapping.exclusive(["\(name)_file", name])
        if let inline = mapping[name]?.string(allowingEmpty: false) { return .inline(inline) }
        guard let file = mapping["\(name)_file"], let path = file.string(allowingEmpty: true), !path.isEmpty else {
            return nil
        }
        let resolved = path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
        guard FileManager.default.isReadableFile(atPath: resolved) else {
            file.error("`\(resolved)` cannot be read; give a PEM file that this user can read")
            return nil
        }
        return .file(resolved)
    }
}
