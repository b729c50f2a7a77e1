import ConfigurationReader
import Credentials
import Foundation
import StreamProfiles
import StreamRuntime
import WebSocketTransport

/// The `credentials:` of a configuration.
struct CredentialReading {
    /// Every credential that was named, also one with a mistake: a stream that names it has made none.
    var names: Set<String> = []
    /// Those without a mistake.
    var specifications: [String: CredentialSpecification] = [:]

    private enum Kind: String, CaseIterable {
        case oauth2 = "oauth2_client_credentials"
        case bearer
        case none
    }

    /// More than any secret has, in bytes.
    private static let secretLimit = 64 << 10

    static func read(_ value: ConfigurationValue?, environment: [String: String]) -> CredentialReading {
        var reading = CredentialReading()
        for (name, credential) in value?.mapping()?.values ?? [] {
            reading.names.insert(name)
            reading.specifications[name] = read(credential, environment)
        }
        return reading
    }

    private static func read(
        _ value: ConfigurationValue, _ environment: [String: String]
    ) -> CredentialSpecification? {
        guard let kind: Kind = value.mapping()?.required("type")?.enumeration() else { return nil }
        switch kind {
        case .oauth2: return oauth(value, environment)
        case .bearer: return bearer(value, environment)
        case .none:
            _ = value.mapping(keys: ["type"])
            return CredentialSpecification.none
        }
    }

    // MARK: OAuth

    private static func oauth(
        _ value: ConfigurationValue, _ environment: [String: String]
    ) -> CredentialSpecification? {
        let keys = [
            "type", "environment", "token_url", "client_id", "client_secret_file", "client_secret_env",
            "client_secret", "scope", "refresh_before_expiry",
        ]
        guard let mapping = value.mapping(keys: keys) else { return nil }
        mapping.exclusive(["environment", "token_url"])
        let secret = secret(in: mapping, named: "client_secret", environment)
        let clientID = mapping.required("client_id")?.string(allowingEmpty: false)
        let scope = mapping["scope"]?.string(allowingEmpty: false)
        let refresh = mapping["refresh_before_expiry"]?.duration(in: .zero ... .seconds(86_400))
        let url = tokenURL(in: mapping)
        guard let secret, let clientID, let url else { return nil }
        var configuration = OAuthConfiguration(tokenURL: url, clientID: clientID, clientSecret: secret, scope: scope)
        if let refresh { configuration.refreshBeforeExpiry = refresh }
        return .oauth(configuration)
    }

    private static func tokenURL(in mapping: ConfigurationMapping) -> String? {
        if let value = mapping["token_url"] {
            guard let url = value.string(allowingEmpty: false) else { return nil }
            guard let target = try? ConnectTarget(url), target.scheme == .https || target.scheme == .http else {
                value.error("`token_url` must be an address such as https://login.usw2.pure.cloud/oauth/token")
                return nil
            }
            return url
        }
        guard let value = mapping["environment"] else {
            mapping.value.error("`environment` or `token_url` is missing in `\(mapping.value.path)`; add one of them")
            return nil
        }
        return GenesysEnvironments.read(value).map { "https://login.\($0)/oauth/token" }
    }

    // MARK: Bearer

    private static func bearer(
        _ value: ConfigurationValue, _ environment: [String: String]
    ) -> CredentialSpecification? {
        let keys = ["type", "token", "token_file", "token_env"]
        guard let mapping = value.mapping(keys: keys) else { return nil }
        mapping.exclusive(["token", "token_file", "token_env"])
        if let inline = mapping["token"] {
            guard let token = inline.string(allowingEmpty: false) else { return nil }
            inline.warning(
                "the token stands in the configuration itself; `token_file` or `token_env` keep it out of it")
            return .bearer(.inline(Secret(token)))
        }
        if let file = mapping["token_file"] {
            // Read again whenever it changes; looked at now so that a mistake shows before anything is started.
            guard let path = file.string(allowingEmpty: false), contents(of: file, path) != nil else { return nil }
            return .bearer(.file(path))
        }
        if let variable = mapping["token_env"] {
            guard let name = variable.string(allowingEmpty: false) else { return nil }
            guard environment[name]?.isEmpty == false else {
                variable.error("environment variable `\(name)` is not set; set it to the token")
                return nil
            }
            return .bearer(.environment(name))
        }
        mapping.value.error("a token is missing in `\(mapping.value.path)`; add `token_file` or `token_env`")
        return nil
    }

    // MARK: Secrets

    /// The secret that one of the keys `name_file`, `name_env` and `name` gives.
    private static func secret(
        in mapping: ConfigurationMapping, named name: String, _ environment: [String: String]
    ) -> Secret? {
        mapping.exclusive(["\(name)_file", "\(name)_env", name])
        if let file = mapping["\(name)_file"] {
            return file.string(allowingEmpty: false).flatMap { contents(of: file, $0) }.map { Secret($0) }
        }
        if let variable = mapping["\(name)_env"] {
            guard let key = variable.string(allowingEmpty: false) else { return nil }
            guard let text = environment[key], !text.isEmpty else {
                variable.error("environment variable `\(key)` is not set; set it to the secret")
                return nil
            }
            return Secret(text)
        }
        if let inline = mapping[name] {
            guard let text = inline.string(allowingEmpty: false) else { return nil }
            inline.warning(
                "the secret stands in the configuration itself; `\(name)_file` or `\(name)_env` keep it out of it")
            return Secret(text)
        }
        mapping.value.error("a secret is missing in `\(mapping.value.path)`; add `\(name)_file` or `\(name)_env`")
        return nil
    }

    private static func contents(of value: ConfigurationValue, _ path: String) -> String? {
        // An empty file reads as nil: it can be read, and what is wrong with it is said below.
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: secretLimit) ?? Data()
        else {
            value.error("`\(path)` cannot be read; write the secret into it, and let this user read it")
            return nil
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else {
            value.error("`\(path)` is empty; write the secret into it")
            return nil
        }
        return text
    }
}
