/// Who a stream is: what every metric and audit line about it carries.
public struct StreamIdentity: Hashable, Sendable {
    /// The configured name, the value of the label `stream`. Unique within a process.
    public var name: String
    /// The name of the profile that describes the protocol, the value of the label `profile`.
    public var profile: String
    /// The identifier that the client gives to the gateway; the same for the life of the stream.
    public var clientID: String
    /// Extra labels on every series of this stream, in the order in which they are exposed.
    public var labels: [Label]

    /// One extra label.
    public struct Label: Hashable, Sendable {
        /// The label's name (`[a-zA-Z_][a-zA-Z0-9_]*`).
        public var name: String
        /// The label's value; any text.
        public var value: String

        /// The label `name` with the value `value`.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The identity of the stream `name`.
    public init(name: String, profile: String, clientID: String, labels: [Label] = []) {
        self.name = name
        self.profile = profile
        self.clientID = clientID
        self.labels = labels
    }
}
