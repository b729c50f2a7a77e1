public import StreamModel
public import StreamProfiles
public import StreamRuntime
import WebSocketTransport

extension StreamSpecification {
    /// A stream of a profile, checked as a configuration file would be.
    ///
    ///     let stream = try StreamSpecification(
    ///         name: "queue-events", profile: "genesys-architect", credential: "genesys",
    ///         variables: ["environment": "usw2.pure.cloud", "subscriptions": ["queueEvents"]])
    ///
    /// - Parameters:
    ///   - name: its name, unique within the process: the label `stream` of its metrics.
    ///   - profile: the profile's name in `catalogue`.
    ///   - catalogue: the profiles to choose from; those that ship with the library, where nothing else is given.
    ///   - url: where to connect instead of the profile's own address.
    ///   - credential: the name of its credential in the plan; nil: none.
    ///   - variables: what the profile asks for, by name.
    ///   - labels: extra labels on every series of the stream.
    ///   - change: changes how it is held; begins with what the profile needs.
    /// - Throws: ``SpecificationError`` or ``Profile/VariableError``, which say what is wrong and what to do.
    public init(
        name: String, profile: String, in catalogue: ProfileCatalogue = .builtIn, url: String? = nil,
        credential: String? = nil, variables: [String: VariableValue] = [:], labels: [StreamIdentity.Label] = [],
        policy change: (inout StreamPolicy) -> Void = { _ in }
    ) throws {
        guard let known = catalogue.profile(named: profile) else {
            throw SpecificationError.unknownProfile(profile, known: catalogue.names)
        }
        if known.token.isUsed, credential == nil {
            throw SpecificationError.credentialMissing(stream: name, profile: profile)
        }
        var given = variables
        var address: String?
        if let url {
            let target = try ConnectTarget(url)
            if let variable = known.endpoint.urlVariable {
                given[variable] = .string("\(target.isSecure ? "https" : "http")://\(target.authority)")
            } else if !known.endpointIsOverridable {
                throw SpecificationError.addressNotTaken(profile: profile)
            } else {
                address = url
            }
        }
        var policy = known.policy()
        change(&policy)
        self.init(
            name: name, profile: known, policy: policy, labels: labels, url: address, credential: credential,
            variables: try known.values(given, hasURL: url != nil), maxMessageSize: known.maximumMessageSize())
    }
}

/// What is wrong with a stream's specification.
public enum SpecificationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such profile.
    case unknownProfile(String, known: [String])
    /// The profile needs a token.
    case credentialMissing(stream: String, profile: String)
    /// The profile gets its address from a request that it makes first.
    case addressNotTaken(profile: String)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .unknownProfile(let name, let known):
            "unknown profile `\(name)`; there are \(known.map { "`\($0)`" }.joined(separator: ", "))"
        case .credentialMissing(let stream, let profile):
            "stream `\(stream)` needs a credential, because profile `\(profile)` sends a token; name one"
        case .addressNotTaken(let profile):
            "profile `\(profile)` gets its address from a request that it makes first; give its variables instead of a url"
        }
    }
}
