import ConfigurationReader
import StreamModel
import StreamProfiles
import Testing

/// The built-in profile called `name`.
func builtIn(_ name: String) throws -> Profile {
    try #require(ProfileCatalogue.builtIn.profile(named: name))
}

/// The profile that `text` describes, and what is wrong with it.
func profile(_ text: String) -> (profile: Profile?, mistakes: [String]) {
    let document = ConfigurationDocument(text: text, file: "p.yaml")
    let profile = document.root.flatMap { Profile.decode($0, name: "test") }
    return (profile, document.diagnostics.map(\.description))
}

/// What is wrong with a profile that has a sound endpoint and `text` below it; lines are counted in `text`.
func mistakes(_ text: String) -> [String] {
    profile(text + "\nendpoint: {url: \"wss://example.org/\"}\n").mistakes
}

/// What a stream of `profile` gives as variables, and what is wrong with it.
func variables(
    of profile: Profile, _ stream: String, hasURL: Bool = false
) -> (values: [String: VariableValue]?, mistakes: [String]) {
    let document = ConfigurationDocument(text: stream, file: "s.yml")
    let values = document.root?.mapping().flatMap { profile.readVariables(from: $0, hasURL: hasURL) }
    return (values, document.diagnostics.map(\.description))
}

func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
}
