/// What the gateway did, as it knows itself: what a client's own counts are judged by.
///
/// Times are seconds since the gateway's start, from a monotonic clock.
public struct GroundTruth: Hashable, Sendable, Codable {
    /// The sessions and streams by name: a `genesys-architect` session by its client identifier, a notification channel
    /// by its identifier, a `genesys-notify` stream by its OAuth client. Of these and of the channels, at most 10,000.
    public var sessions: [String: SessionTruth] = [:]
    /// Handshakes by outcome: `accepted`, or the HTTP status with which they were refused.
    public var handshakes: [String: Int] = [:]
    /// Requests to the token endpoint by outcome: `issued`, `throttled`, `rejected`, `bad_request`, `error`.
    public var tokenRequests: [String: Int] = [:]
    /// Tokens that were revoked.
    public var tokensRevoked = 0
    /// Requests to the notification API by outcome: the HTTP status.
    public var apiRequests: [String: Int] = [:]
    /// Notification channels made, and removed because there were too many.
    public var channelsCreated = 0
    /// Notification channels removed because there were too many.
    public var channelsEvicted = 0
    /// Faults that struck, by name.
    public var faults: [String: Int] = [:]
    /// The newest 1,000 of the faults that struck, in order.
    public var faultLog: [FaultRecord] = []
    /// Connections that are open now.
    public var openConnections = 0

    /// A fault that struck.
    public struct FaultRecord: Hashable, Sendable, Codable {
        /// When, in seconds since the gateway's start.
        public var time: Double
        /// Which.
        public var fault: String
    }

    init() {}
}

/// What the gateway did in one session.
public struct SessionTruth: Hashable, Sendable, Codable {
    /// `genesys-architect`, `genesys-notify` or `genesys-notifications`.
    public var `protocol`: String
    /// What it is subscribed to.
    public var subscriptions: [String] = []
    /// Events that came to be, whether anybody was connected or not. Each has a sequence number of its own.
    public var eventsGenerated = 0
    /// Events handed to a socket at least once.
    public var eventsDelivered = 0
    /// Event messages handed to a socket, repetitions and replays included, flushed ones not.
    public var messagesSent = 0
    /// The newest sequence number.
    public var lastSequence: UInt64 = 0
    /// Sequence numbers that were jumped over and never sent.
    public var numbersSkipped = 0
    /// Messages that were sent once more right after themselves.
    public var duplicatesSent = 0
    /// Events that were sent after later ones.
    public var reordered = 0
    /// Messages that were sent before an acknowledgment.
    public var flushed = 0
    /// Events sent in answer to a resume.
    public var replayed = 0
    /// Events that a resume asked for and did not get.
    public var replayWithheld = 0
    /// Times that numbering started anew.
    public var numberResets = 0
    /// Acknowledgments sent.
    public var acksSent = 0
    /// Acknowledgments that were not sent.
    public var acksWithheld = 0
    /// Pings received, those that went unanswered among them.
    public var pings = 0
    /// When the session's connections were subscribed or resumed; the newest 1,000.
    public var connectTimes: [Double] = []
    /// When the session's connections ended; the newest 1,000.
    public var disconnectTimes: [Double] = []
    /// The subscriptions received, as they were; the newest 1,000.
    public var subscribePayloads: [String] = []
    /// The reconnects received, as they were; the newest 1,000.
    public var reconnectPayloads: [String] = []

    init(protocol name: String, subscriptions: [String] = []) {
        self.protocol = name
        self.subscriptions = subscriptions
    }
}

extension Array {
    /// The most that the ground truth remembers of anything.
    private static var memory: Int { 1_000 }

    /// Appends, and forgets what is older than the newest 1,000.
    mutating func remember(_ element: Element) {
        if count >= 2 * Self.memory { removeFirst(count - Self.memory + 1) }
        append(element)
    }

    /// The newest 1,000.
    var remembered: [Element] {
        Array(suffix(Self.memory))
    }
}
