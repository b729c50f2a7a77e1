/// What goes wrong, and when. The same script with the same seed makes the same decisions.
public struct FaultScript: Hashable, Sendable {
    /// What every random decision is drawn from.
    public var seed: UInt64
    /// The steps. Each draws from a generator of its own, so that adding one does not change the others.
    public var steps: [FaultStep]
    /// After this long, the steps that happen `at` a time happen again; nil: once only.
    public var period: Duration?

    /// A script; nothing goes wrong by default.
    public init(seed: UInt64 = 0, steps: [FaultStep] = [], period: Duration? = nil) {
        self.seed = seed
        self.steps = steps
        self.period = period
    }
}

/// One fault, and when it strikes.
public struct FaultStep: Hashable, Sendable {
    /// When it strikes.
    public var trigger: FaultTrigger
    /// What happens.
    public var fault: Fault
    /// Whom it strikes; everybody by default.
    public var scope: FaultScope
    /// How likely it is to strike when its time has come, 0 to 1.
    public var probability: Double
    /// How many times it strikes at most; nil: no limit.
    public var limit: Int?

    /// A step.
    public init(
        _ trigger: FaultTrigger, _ fault: Fault, scope: FaultScope = FaultScope(), probability: Double = 1,
        limit: Int? = nil
    ) {
        self.trigger = trigger
        self.fault = fault
        self.scope = scope
        self.probability = probability
        self.limit = limit
    }
}

/// When a fault strikes.
public enum FaultTrigger: Hashable, Sendable {
    /// So long after the gateway's start, or after the step was injected.
    case at(Duration)
    /// Again and again, each time up to `jitter` (at most half the interval) earlier or later.
    case every(Duration, jitter: Duration)
    /// With the n-th handshake (1, 2, 3 …) that the scope matches; nil: with each. Where the scope names a client
    /// or a subscription, what is counted is subscriptions and resumes: a handshake does not tell whose it is.
    case connect(Int?)
    /// With the n-th event (1, 2, 3 …) of the sessions that the scope matches; nil: with each. What shapes events
    /// begins with that event; what ends connections comes right after it.
    case message(Int?)
}

/// Which streams a fault is limited to. Everything that is named must match.
public struct FaultScope: Hashable, Sendable {
    /// The client identifier of a `genesys-architect` session, a notification channel's identifier, or the OAuth
    /// client. During a handshake only the OAuth client is known.
    public var clientID: String?
    /// One of the stream's subscriptions or topics.
    public var subscription: String?
    /// How the request's path begins.
    public var path: String?

    /// A scope; matches everything by default.
    public init(clientID: String? = nil, subscription: String? = nil, path: String? = nil) {
        self.clientID = clientID
        self.subscription = subscription
        self.path = path
    }

    /// Whether it takes more than the path to tell whether a stream matches.
    var namesSession: Bool {
        clientID != nil || subscription != nil
    }

    /// Whether it matches `stream`.
    func matches(_ stream: StreamFacts) -> Bool {
        if let clientID, !stream.identities.contains(clientID) { return false }
        if let subscription, !stream.subscriptions.contains(subscription) { return false }
        if let path, !stream.path.hasPrefix(path) { return false }
        return true
    }
}

/// What is known of a stream when it is decided whether a fault applies to it.
struct StreamFacts: Hashable, Sendable {
    /// The path of its request, without the query.
    var path: String
    /// The names that it goes by.
    var identities: [String] = []
    /// What it subscribed to.
    var subscriptions: [String] = []
}
