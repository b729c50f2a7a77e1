public import ConfigurationReader

/// A profile as all of its streams share it: one reference each instead of a copy, and what follows from the profile
/// alone worked out once. With ten thousand streams of one profile the copies were a third of what a stream held before
/// it was connected.
public final class SharedProfile: Sendable, Equatable {
    /// The profile.
    public let profile: Profile
    /// The keys of its variables, in their order.
    public let variableNames: [String]
    /// Whether a resume holds something that the service gives in a message.
    public let resumeNeedsCaptures: Bool
    /// What a stream must give, sorted; and what it must where its `url` stands in for the profile's.
    private let needed, neededBesideURL: [String]
    /// Nil where a pattern compares with a variable: such a matcher is a stream's or an attempt's own.
    private let matchers: [SessionKind: MessageMatcher]?

    /// `profile`, shared.
    public init(_ profile: Profile) {
        self.profile = profile
        variableNames = profile.variableNames
        resumeNeedsCaptures = profile.resumeNeedsCaptures
        needed = profile.neededVariables(hasURL: false).sorted()
        neededBesideURL = profile.neededVariables(hasURL: true).sorted()
        matchers =
            profile.matcherVariables.isEmpty
            ? Dictionary(
                uniqueKeysWithValues: SessionKind.allCases.map { ($0, profile.matcher(for: $0)) })
            : nil
    }

    /// The matcher that all connections have in common for `session`; nil where each has its own.
    public func matcher(for session: SessionKind) -> MessageMatcher? {
        matchers?[session]
    }

    /// The variables that a stream gives to this profile; see ``Profile/readVariables(from:hasURL:)``.
    public func readVariables(from mapping: ConfigurationMapping, hasURL: Bool) -> [String: VariableValue]? {
        profile.readVariables(from: mapping, hasURL: hasURL, needed: hasURL ? neededBesideURL : needed)
    }

    /// Whether both are the same profile.
    public static func == (left: SharedProfile, right: SharedProfile) -> Bool {
        left === right || left.profile == right.profile
    }
}
