import AuditTrail
import ConfigurationReader
import Foundation
import Holdfast
import StreamProfiles
import StreamRuntime
import StreamSupervisor
import WebSocketTransport

/// The configuration file: YAML to an ``ExporterConfiguration``, with every mistake found in one run.
enum ConfigurationFile {
    /// What a file says, or what is wrong with it.
    struct Result {
        /// Nil where there is an error among the diagnostics.
        let configuration: ExporterConfiguration?
        /// Errors and warnings, in the order of the file.
        let diagnostics: [Diagnostic]
    }

    private static let keys = [
        "credentials", "defaults", "streams", "tls", "proxy", "connect_budget", "audit", "state", "profiles",
    ]

    /// Reads the file at `path`.
    static func load(path: String, environment: [String: String]) -> Result {
        read(ConfigurationDocument(path: path, environment: environment), environment: environment)
    }

    /// Reads a configuration that is at hand as a text; `file` is its name in messages.
    static func load(text: String, file: String, environment: [String: String]) -> Result {
        read(ConfigurationDocument(text: text, file: file, environment: environment), environment: environment)
    }

    private static func read(_ document: ConfigurationDocument, environment: [String: String]) -> Result {
        guard let mapping = document.root?.mapping(keys: keys) else {
            return Result(configuration: nil, diagnostics: document.diagnostics)
        }
        var catalogue = ProfileCatalogue.builtIn
        if let profiles = mapping["profiles"] { catalogue.add(from: profiles) }
        let defaults = mapping["defaults"].map { StreamSettings.read(from: $0) } ?? StreamSettings()
        let credentials = CredentialReading.read(mapping["credentials"], environment: environment)
        let streams = mapping.required("streams").map { value in
            StreamReading(catalogue: catalogue, defaults: defaults, credentials: credentials).read(value)
        }
        let plan = RuntimePlan(streams: streams ?? [], credentials: credentials.specifications)
        var configuration = ExporterConfiguration(plan: plan)
        configuration.environment = environment
        readNetwork(mapping, environment: environment, into: &configuration)
        readOutput(mapping, into: &configuration)
        return Result(
            configuration: document.hasErrors ? nil : configuration, diagnostics: document.diagnostics)
    }

    // MARK: The network

    private static func readNetwork(
        _ mapping: ConfigurationMapping, environment: [String: String], into configuration: inout ExporterConfiguration
    ) {
        if let tls = mapping["tls"]?.mapping(keys: ["ca_file", "insecure_skip_verify"]) {
            if let file = tls["ca_file"], let path = file.string(allowingEmpty: false) {
                if FileManager.default.isReadableFile(atPath: path) {
                    configuration.tls.caFile = path
                } else {
                    file.error("`\(path)` cannot be read; give a file of PEM certificates that this user can read")
                }
            }
            if let skip = tls["insecure_skip_verify"], skip.bool() == true {
                configuration.tls.insecureSkipVerify = true
                skip.warning("certificates are not verified: anybody on the way can read tokens; use `ca_file` instead")
            }
        }
        readProxy(mapping, environment: environment, into: &configuration)
        if let budget = mapping["connect_budget"]?.mapping(keys: ["rate", "burst", "concurrent"]) {
            if let rate = budget["rate"]?.double(in: 0.001...1_000_000) { configuration.budget.rate = rate }
            if let burst = budget["burst"]?.int(in: 1...1_000_000) { configuration.budget.burst = burst }
            if let most = budget["concurrent"]?.int(in: 1...1_000_000) { configuration.budget.concurrent = most }
        }
    }

    private static func readProxy(
        _ mapping: ConfigurationMapping, environment: [String: String], into configuration: inout ExporterConfiguration
    ) {
        guard let proxy = mapping["proxy"] else {
            do {
                configuration.proxies = try ProxySettings.fromEnvironment(environment)
            } catch {
                mapping.value.error(
                    "the proxy of the environment cannot be used: \(error); mend or unset HTTPS_PROXY and its like")
            }
            return
        }
        guard let keys = proxy.mapping(keys: ["url", "no_proxy"]) else { return }
        configuration.proxies.exceptions = keys["no_proxy"]?.string().map(ProxySettings.exceptions) ?? []
        guard let url = keys.required("url"), let text = url.string(allowingEmpty: false) else { return }
        do {
            let options = try ProxyOptions(url: text)
            configuration.proxies.secure = options
            configuration.proxies.plain = options
        } catch {
            url.error("`url` is no address of a proxy: \(error)")
        }
    }

    // MARK: The output

    private static func readOutput(_ mapping: ConfigurationMapping, into configuration: inout ExporterConfiguration) {
        configuration.audit.standardOutput = true
        if let audit = mapping["audit"]?.mapping(keys: ["stdout", "file"]) {
            if let stdout = audit["stdout"]?.bool() { configuration.audit.standardOutput = stdout }
            if let file = audit["file"] { configuration.audit.file = readAuditFile(file) }
        }
        if let state = mapping["state"]?.mapping(keys: ["directory"]) {
            configuration.stateDirectory = state.required("directory")?.string(allowingEmpty: false)
        }
    }

    private static func readAuditFile(_ value: ConfigurationValue) -> AuditFileConfiguration? {
        guard let mapping = value.mapping(keys: ["path", "max_size", "keep", "fsync"]) else { return nil }
        let path = mapping.required("path")?.string(allowingEmpty: false)
        var file = AuditFileConfiguration(path: path ?? "")
        if let size = mapping["max_size"]?.size(in: 4096...Int.max) { file.maximumSize = Int64(size) }
        if let keep = mapping["keep"]?.int(in: 0...100_000) { file.keep = keep }
        if let level: AuditFileConfiguration.Synchronization = mapping["fsync"]?.enumeration() {
            file.synchronization = level
        }
        return file
    }
}
