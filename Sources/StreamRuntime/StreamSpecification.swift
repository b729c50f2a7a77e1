public import StreamModel
public import StreamProfiles

/// One configured stream: everything that it takes to hold it. Two equal specifications are the same stream, which a
/// reload leaves connected.
public struct StreamSpecification: Equatable, Sendable {
    /// The stream's name, unique within the process.
    public var name: String
    /// The protocol, one for all streams that have it.
    public var sharedProfile: SharedProfile
    /// How it is to be held.
    public var policy: StreamPolicy
    /// Extra labels on every series of the stream.
    public var labels: [StreamIdentity.Label]
    /// Where to connect instead of the profile's own address.
    public var url: String?
    /// The name of the credential; nil: none.
    public var credential: String?
    /// The profile's variables.
    public var variables: [String: VariableValue]
    /// The largest message taken, in bytes after inflating.
    public var maxMessageSize: Int
    /// The identifier that the client gives to the gateway; nil: a random one, kept with the cursor.
    public var clientID: String?

    /// The protocol.
    public var profile: Profile { sharedProfile.profile }

    /// A stream with a profile of its own.
    public init(
        name: String, profile: Profile, policy: StreamPolicy, labels: [StreamIdentity.Label] = [], url: String? = nil,
        credential: String? = nil, variables: [String: VariableValue] = [:], maxMessageSize: Int = 1 << 20,
        clientID: String? = nil
    ) {
        self.init(
            name: name, sharedProfile: SharedProfile(profile), policy: policy, labels: labels, url: url,
            credential: credential, variables: variables, maxMessageSize: maxMessageSize, clientID: clientID)
    }

    /// A stream whose profile others have too.
    public init(
        name: String, sharedProfile: SharedProfile, policy: StreamPolicy, labels: [StreamIdentity.Label] = [],
        url: String? = nil,
        credential: String? = nil, variables: [String: VariableValue] = [:], maxMessageSize: Int = 1 << 20,
        clientID: String? = nil
    ) {
        self.name = name
        self.sharedProfile = sharedProfile
        self.policy = policy
        self.labels = labels
        self.url = url
        self.credential = credential
        self.variables = variables
        self.maxMessageSize = maxMessageSize
        self.clientID = clientID
    }
}
