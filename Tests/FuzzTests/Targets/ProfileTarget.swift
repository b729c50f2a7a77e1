import ConfigurationReader
import Foundation
import StreamModel

@testable import StreamProfiles

extension FuzzTarget {
    /// A profile as a person writes it, through to what it sends.
    static let profile = FuzzTarget(
        name: "profile", seeds: ["Sources/StreamProfiles/Profiles", "examples/profiles", "Fuzzing/Corpus/profile"],
        words: [
            "{", "}", "[", "]", ": ", "- ", "\"", "'", "*a", "&a ", "!!int ", "\n", "  ", "\t", "${A}", "{{", "~", "/",
            "{token}", "{item}",
            "{last_sequence?}", "$for: ", "$item: ", "prefix: ", "present: true", "default: ", "type: strings",
            "capture: ",
            "url_variable: ", "|\n", ">\n", "#", "? ", "<<: ", "---\n", "\u{FEFF}", "\u{85}", "\u{2028}",
        ], mostBytes: 8192, shortRun: 60
    ) { input in
        let document = ConfigurationDocument(bytes: input, file: "p.yaml")
        let profile = document.root.flatMap { Profile.decode($0, name: "fuzzed") }
        try demand(profile != nil || document.hasErrors, "refused without a word")
        try demandSoundDiagnostics(document.diagnostics, of: input)
        guard let profile else { return }
        try useProfile(profile)
    }

    /// Everything that a profile is asked for, with values that a server or a person may well give.
    private static func useProfile(_ profile: Profile) throws {
        var variables: [String: VariableValue] = [:]
        for name in profile.neededVariables(hasURL: false) { variables[name] = .string("a \"b\"\r\n/?#{}é") }
        for declaration in profile.variables {
            switch declaration.kind {
            case .strings: variables[declaration.name] = .strings(["x", "\u{1}\""])
            case .integer: variables[declaration.name] = .integer(.min)
            case .boolean: variables[declaration.name] = .boolean(true)
            case .string, .genesysEnvironment, .url: break
            }
        }
        for session in SessionKind.allCases {
            let matcher = profile.matcher(for: session, variables: variables)
            _ = matcher.facts(of: Array(#"{"topicName":"x","type":"ack","sequence":3,"data":{"id":[1]}}"#.utf8))
            if let handshake = try? profile.handshake(for: session, variables: variables) {
                try demandSound(handshake.url, handshake.headers)
            }
            for message in (try? profile.messages(for: session, variables: variables)) ?? [] {
                try demandJSON(message)
            }
        }
        if let message = try? profile.heartbeatMessage(variables: variables) { try demandJSON(message) }
        for request in profile.prepare {
            _ = request.outcome(status: 200, body: Array(#"{"id":"x","entities":[{"id":1}]}"#.utf8))
            guard let rendered = try? request.render(variables) else { continue }
            try demandSound(rendered.url, rendered.headers)
            if let body = rendered.body { try demandJSON(body) }
        }
        _ = profile.meaning(ofClose: 1000, reason: "401")
        _ = profile.policyDefaults
    }

    private static func demandSound(_ url: String, _ headers: [Header]) throws {
        try demand(url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "an address with \(url.debugDescription)")
        for header in headers {
            try demand(
                (header.name + header.value).unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F },
                "a header with a line's end: \(header)")
        }
    }

    private static func demandJSON(_ bytes: [UInt8]) throws {
        let isJSON = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
        try demand(isJSON, "no JSON is sent: \(String(decoding: bytes, as: UTF8.self))")
    }
}
