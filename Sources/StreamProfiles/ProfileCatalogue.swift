public import ConfigurationReader

/// The profiles that streams can name.
public struct ProfileCatalogue: Sendable {
    private var profiles: [String: SharedProfile] = [:]
    /// Those that have a mistake, which was reported: a stream that names one has made none.
    private var mistaken: Set<String> = []
    /// What was found wrong with the built-in profiles: nothing, or a test would have failed.
    public private(set) var diagnostics: [Diagnostic] = []

    /// No profiles.
    public init() {}

    /// The profiles that ship with the program.
    public static let builtIn: ProfileCatalogue = {
        var catalogue = ProfileCatalogue()
        for (name, bytes) in [
            ("genesys-architect", PackageResources.genesys_architect_yaml),
            ("genesys-notify", PackageResources.genesys_notify_yaml),
            ("genesys-notifications", PackageResources.genesys_notifications_yaml),
        ] {
            let document = ConfigurationDocument(bytes: bytes, file: "\(name).yaml")
            var profile = document.root.flatMap { Profile.decode($0, name: name) }
            profile?.text = String(decoding: bytes, as: UTF8.self)
            catalogue.profiles[name] = profile.map(SharedProfile.init)
            catalogue.diagnostics += document.diagnostics
        }
        return catalogue
    }()

    /// The names, sorted.
    public var names: [String] { profiles.keys.sorted() }

    /// The profile called `name`.
    public func profile(named name: String) -> Profile? {
        profiles[name]?.profile
    }

    /// The profile that `value` names; an unknown one is reported with the nearest known.
    public func profile(namedBy value: ConfigurationValue) -> SharedProfile? {
        guard let name = value.string(allowingEmpty: false) else { return nil }
        if mistaken.contains(name) { return nil }
        if let profile = profiles[name] { return profile }
        value.error("unknown profile `\(Spelling.excerpt(name))`\(Spelling.suggestion(for: name, among: names))")
        return nil
    }

    /// Adds the profiles of a configuration's `profiles:`, a mapping of names to profiles. One of them may stand in for
    /// a built-in one. Mistakes are reported, and a profile that has any is left out.
    public mutating func add(from value: ConfigurationValue) {
        guard let mapping = value.mapping() else { return }
        for (name, value) in mapping.values {
            if let profile = Profile.decode(value, name: name) {
                profiles[name] = SharedProfile(profile)
            } else {
                mistaken.insert(name)
            }
        }
    }

    /// Adds a profile.
    public mutating func add(_ profile: Profile) {
        profiles[profile.name] = SharedProfile(profile)
    }
}
