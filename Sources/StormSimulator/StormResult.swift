/// What a storm did to the gateway, and how long the fleet was away. Times are seconds since the drop.
public struct StormResult: Hashable, Sendable, Codable {
    /// The strategy's name.
    public var strategy: String
    /// Whether the connect budget stood above the streams' own backoff.
    public var hasBudget: Bool
    /// Clients in the fleet.
    public var clients: Int

    /// Attempts begun.
    public var attempts = 0
    /// Attempts that brought their client back.
    public var successes = 0
    /// Attempts that failed, by cause.
    public var failures = Failures()
    /// Attempts under way when the run ended.
    public var unfinished = 0
    /// Attempts that got as far as the gateway.
    public var handshakes = 0
    /// Handshakes that the gateway did for clients that had given up on them.
    public var abandonedHandshakes = 0

    /// Clients that were not back when the run ended, the parked ones aside.
    public var waiting = 0
    /// Clients that had used up their retries.
    public var parked = 0

    /// When half of the clients were back; nil where they never were.
    public var halfBackAfter: Double?
    /// When 99 % of the clients were back.
    public var mostBackAfter: Double?
    /// When all of the clients were back.
    public var allBackAfter: Double?

    /// The most handshakes that arrived in any one second while the gateway was down.
    public var peakWhileDown = 0
    /// The most handshakes that arrived in any one second once the gateway was up again.
    public var peak = 0
    /// ``peak`` in multiples of the gateway's capacity.
    public var peakOverCapacity = 0.0

    /// Requests to the token endpoint.
    public var tokenRequests = 0
    /// Requests to the token endpoint that it answered with status 429.
    public var tokenRequestsThrottled = 0
    /// Seconds that attempts waited for the connect budget, all together.
    public var budgetWaitSeconds = 0.0

    /// What happened in each second.
    public var timeline = Timeline()

    /// Attempts that failed, by cause.
    public struct Failures: Hashable, Sendable, Codable {
        /// The gateway was down.
        public var down = 0
        /// The gateway's queue was full.
        public var full = 0
        /// No answer within the connect timeout.
        public var timeout = 0
        /// The gateway answered with an error.
        public var gatewayError = 0
        /// The token endpoint answered with status 429.
        public var throttled = 0

        /// All of them.
        public var total: Int { down + full + timeout + gatewayError + throttled }
    }

    /// Columns of equal length: entry `i` tells of the second that starts `i` seconds after the drop.
    public struct Timeline: Hashable, Sendable, Codable {
        /// Handshakes that arrived at the gateway.
        public var handshakes: [Int] = []
        /// Clients that came back.
        public var back: [Int] = []
    }

    /// Attempts for each client that came back, on average.
    public var attemptsPerClient: Double { Double(attempts) / Double(max(1, clients)) }
}
