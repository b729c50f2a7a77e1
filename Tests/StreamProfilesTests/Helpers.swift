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

/// The splitmix64 generator: small, and the same everywhere for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
