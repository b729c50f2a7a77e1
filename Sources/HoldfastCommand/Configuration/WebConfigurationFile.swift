import ConfigurationReader
import ExpositionServer
import Foundation

/// The file of `--web.config.file`: TLS, users and response headers, in the format of Prometheus' exporter-toolkit.
enum WebConfigurationFile {
    /// Reads the file at `path`; nil where it has a mistake. Paths in it are relative to its own folder.
    static func load(path: String) -> (configuration: WebConfiguration?, diagnostics: [Diagnostic]) {
        let document = ConfigurationDocument(path: path)
        let folder = (path as NSString).deletingLastPathComponent
        var configuration: WebConfiguration?
        if let root = document.root, root.isNull {
            configuration = try? WebConfiguration()
        } else if let root = document.root {
            configuration = read(root, folder: folder)
        }
        return (document.hasErrors ? nil : configuration, document.diagnostics)
    }

    private static func read(_ root: ConfigurationValue, folder: String) -> WebConfiguration? {
        let keys = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"]
        guard let mapping = root.mapping(keys: keys) else { return nil }
        let tls = mapping["tls_server_config"].flatMap { readTLS($0, folder: folder) }
        var headers: [String: String] = [:]
        if let http = mapping["http_server_config"]?.mapping(keys: ["http2", "headers"]) {
            // Taken and without effect: libmicrohttpd speaks HTTP/1.1 alone.
            _ = http["http2"]?.bool()
            for (name, value) in http["headers"]?.mapping()?.values ?? [] { headers[name] = value.string() }
        }
        if let rate = mapping["rate_limit"] { rate.warning("`rate_limit` has no effect here; use --web.max-requests") }
        var users: [String: String] = [:]
        for (name, value) in mapping["basic_auth_users"]?.mapping()?.values ?? [] { users[name] = value.string() }
        do {
            return try WebConfiguration(tls: tls, headers: headers, users: users)
        } catch {
            let key = "\(error)".contains("basic_auth_users") ? "basic_auth_users" : "http_server_config"
            (mapping[key] ?? root).error("\(error)")
            return nil
        }
    }

    private static func readTLS(_ value: ConfigurationValue, folder: String) -> TLSConfiguration? {
        let keys = [
            "cert_file", "key_file", "cert", "key", "client_auth_type", "client_ca_file", "client_ca",
            "client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites",
            "curve_preferences",
        ]
        guard let mapping = value.mapping(keys: keys) else { return nil }
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
        if let names = mapping["client_allowed_sans"] {
            names.error("`client_allowed_sans` is not supported; let a `client_ca_file` of your own sign the clients")
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
        do {
            return try TLSConfiguration(
                certificate: certificate, key: key, clientCertificates: policy, clientAuthorities: authorities,
                minimumVersion: version(mapping, "min_version") ?? .tls12,
                maximumVersion: version(mapping, "max_version") ?? .tls13,
                cipherSuites: mapping["cipher_suites"]?.strings() ?? [],
                prefersServerCipherSuites: mapping["prefer_server_cipher_suites"]?.bool() ?? true,
                curves: mapping["curve_preferences"]?.strings() ?? [])
        } catch {
            value.error("\(error)")
            return nil
        }
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
