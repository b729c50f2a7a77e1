import ConfigurationReader

@testable import GatewaySimulator
@testable import HoldfastCommand

extension FuzzTarget {
    /// The configuration of `holdfast run`.
    static let configuration = FuzzTarget(
        name: "configuration",
        seeds: [
            "Tests/HoldfastCommandTests/Configurations/good", "Tests/HoldfastCommandTests/Configurations/bad",
            "examples",
            "Fuzzing/Corpus/configuration",
        ],
        words: yamlWords + [
            "credentials:", "streams:", "defaults:", "profiles:", "backoff: {", "jitter: {kind: ", "genesys-architect",
            "subscriptions: ",
            "labels: {", "url: ws://127.0.0.1:1/", "max_message_size: ", "audit: {", "proxy: {url: ",
            "connect_budget: {",
        ], mostBytes: 8192, shortRun: 60
    ) { input in
        let secret = "hush-hush-secret"
        let result = ConfigurationFile.load(
            text: String(decoding: input, as: UTF8.self), file: "holdfast.yml",
            environment: ["SECRET": secret, "HOME": "/", "HTTPS_PROXY": "http://\(secret)@proxy:3128"])
        let hasError = result.diagnostics.contains { $0.severity == .error }
        try demand((result.configuration == nil) == hasError, "taken with an error, or refused without one")
        try demandSoundDiagnostics(result.diagnostics, of: input)
        // Only what came out of the environment is secret: the file's own text may be quoted.
        if !String(decoding: input, as: UTF8.self).contains(secret) {
            let text = result.diagnostics.map(\.description).joined()
            try demand(!text.contains(secret), "the value of a variable of the environment is shown")
        }
    }

    /// The fault script of the simulated gateway.
    static let faults = FuzzTarget(
        name: "faults", seeds: ["Fuzzing/Corpus/faults"],
        words: yamlWords + [
            "seed: ", "repeat: ", "steps:", "- {at: 5s, fault: drop}", "every: ", "jitter: ", "on: connect ",
            "probability: ", "limit: ",
            "stream: {path: ", "fault: {gap: ", "bad_gateway: {times: ", "silence",
        ], mostBytes: 4096, shortRun: 150
    ) { input in
        do throws(FaultScriptError) {
            let script = try FaultScript(text: String(decoding: input, as: UTF8.self), file: "faults.yml")
            try require(script.steps.count <= FaultEngine.maximumSteps)
        } catch {
            try demand(!error.diagnostics.isEmpty, "refused without a word")
            try demandSoundDiagnostics(error.diagnostics, of: input)
        }
    }

    private static func require(_ condition: Bool) throws(FaultScriptError) {
        if !condition { throw FaultScriptError(diagnostics: []) }
    }
}
