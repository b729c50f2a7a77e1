import ConfigurationReader
import ExpositionServer
import Glibc

extension FuzzTarget {
    /// The file of `--web.config.file`.
    static let webConfiguration = FuzzTarget(
        name: "web-configuration",
        seeds: [
            "Tests/HoldfastCommandTests/WebConfigurations/good", "Tests/HoldfastCommandTests/WebConfigurations/bad",
            "Fuzzing/Corpus/web-configuration",
        ],
        words: yamlWords + [
            "tls_server_config:", "cert_file: ", "key: ", "client_auth_type: ", "RequireAndVerifyClientCert",
            "min_version: TLS13",
            "cipher_suites: [", "curve_preferences: [", "http_server_config:", "headers:", "X-Frame-Options: deny",
            "basic_auth_users:",
            "$2b$12$", "-----BEGIN CERTIFICATE-----",
        ], mostBytes: 8192, shortRun: 60
    ) { input in
        let path = "/dev/shm/holdfast-fuzz-\(getpid()).yml"
        guard let file = fopen(path, "w") else { throw Finding(description: "cannot write \(path)") }
        fwrite(input, 1, input.count, file)
        fclose(file)
        defer { unlink(path) }
        let result = WebConfigurationFile.load(path: path)
        let hasError = result.diagnostics.contains { $0.severity == .error }
        try demand((result.configuration == nil) == hasError, "taken with an error, or refused without one")
        try demandSoundDiagnostics(result.diagnostics, of: input)
        for (name, value) in result.configuration?.headers ?? [:] {
            try demand(
                (name + value).unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F },
                "a response header with a control character: \(name.debugDescription)")
        }
    }
}
