extension GatewaySimulator {
    /// How a gateway is set up.
    public struct Options: Sendable {
        /// The form of the tokens.
        public enum TokenFormat: String, Sendable, CaseIterable {
            /// Letters and digits that mean nothing.
            case opaque
            /// A JSON Web Token with `exp`; its signature is noise.
            case jwt
        }

        /// The address to listen on; loopback by default.
        public var host = "127.0.0.1"
        /// The port to listen on; 0 lets the system choose.
        public var port = 0
        /// The OAuth clients with their secrets.
        public var clients: [String: String] = [:]
        /// Whether any OAuth client and secret will do: for people who try their own configuration.
        public var acceptsAnyClient = false
        /// Tokens that are good from the start and for ever, for credentials that are no OAuth clients.
        public var staticTokens: [String] = []
        /// How long a token is good; what `expires_in` says, in whole seconds.
        public var tokenLifetime: Duration = .seconds(86_399)
        /// The form of the tokens.
        public var tokenFormat: TokenFormat = .opaque
        /// Token requests of a client per minute, above which it is throttled; 0: no limit.
        public var tokenRequestsPerMinute = 300
        /// Requests of a client to the notification API per minute, above which it is throttled; 0: no limit.
        public var apiRequestsPerMinute = 300
        /// Events a second and session, 0 to 10,000. They flow while nobody is connected, too. With 0, only
        /// ``GatewaySimulator/emit(_:to:)`` makes events.
        public var eventRate: Double = 1
        /// The events that a session of `genesys-architect` can replay, 0 to 1,000,000.
        public var replayBuffer = 1_000
        /// How often a notification channel's socket gets a heartbeat; zero: never.
        public var heartbeatInterval: Duration = .seconds(30)
        /// How long a notification channel lives without a new subscription.
        public var channelLifetime: Duration = .seconds(86_400)
        /// How long before its end a notification channel's socket is told of it.
        public var closingNoticeLead: Duration = .seconds(60)
        /// Topics that begin with one of these are refused: there is no permission for them.
        public var forbiddenTopicPrefixes: [String] = []
        /// Whether permessage-deflate (RFC 7692) is agreed to where the client offers it.
        public var compression = true
        /// What goes wrong, and when.
        public var script = FaultScript()
        /// Told in a line each what the gateway does. Called on the gateway's event loop: must not block.
        public var log: @Sendable (String) -> Void = { _ in }

        /// A gateway where nothing goes wrong, on loopback at a port that the system chooses.
        public init() {}
    }
}
