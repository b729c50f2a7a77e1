/// The channels of the notification API: who made them, what they are subscribed to, when they end, and the limits.
/// Values in, values out.
struct NotificationChannels: Sendable {
    /// Channels of one OAuth client; one more removes the one that has not been used for longest.
    static let channelsPerClient = 20
    /// Topics of one channel.
    static let topicsPerChannel = 1_000
    /// Channels in all.
    static let capacity = 10_000

    /// One channel.
    struct Channel: Sendable {
        let id: String
        /// The OAuth client that made it.
        let clientID: String
        var expiry: Duration
        var lastUsed: Duration
        var topics: [String] = []
        /// Whether its socket was told that its time is nearly over.
        var isWarned = false
        /// Whether a socket is attached.
        var isConnected = false
        var truth: SessionTruth
    }

    private(set) var channels: [String: Channel] = [:]
    private let lifetime: Duration
    /// What ended channels did, for the ground truth; the newest.
    private(set) var ended: [(id: String, truth: SessionTruth)] = []

    init(lifetime: Duration) {
        self.lifetime = lifetime
    }

    subscript(id: String) -> Channel? {
        get { channels[id] }
        set { channels[id] = newValue }
    }

    /// Makes a channel. Gives it, and the identifier of the one that had to go for it: of the client's channels the
    /// one without a socket that has not been used for longest, or where all have one, the one not used for longest.
    mutating func create(id: String, clientID: String, at now: Duration) -> (channel: Channel, evicted: String?) {
        let own = channels.values.filter { $0.clientID == clientID }
        var evicted: String?
        if own.count >= Self.channelsPerClient || channels.count >= Self.capacity {
            let candidates = own.isEmpty ? Array(channels.values) : own
            let oldest = candidates.min { left, right in
                if left.isConnected != right.isConnected { return right.isConnected }
                return (left.lastUsed, left.id) < (right.lastUsed, right.id)
            }
            if let oldest {
                evicted = oldest.id
                remove(oldest.id)
            }
        }
        let channel = Channel(
            id: id, clientID: clientID, expiry: now + lifetime, lastUsed: now,
            truth: SessionTruth(protocol: "genesys-notifications"))
        channels[id] = channel
        return (channel, evicted)
    }

    /// Ends a channel.
    mutating func remove(_ id: String) {
        guard let channel = channels.removeValue(forKey: id) else { return }
        ended.remember((id, channel.truth))
    }

    /// The channels whose time is over at `now`, removed.
    mutating func removeExpired(at now: Duration) -> [String] {
        let over = channels.values.filter { $0.expiry <= now }.map(\.id).sorted()
        for id in over { remove(id) }
        return over
    }

    /// The channels of an OAuth client, oldest use first.
    func channels(of clientID: String) -> [Channel] {
        channels.values.filter { $0.clientID == clientID }.sorted { ($0.lastUsed, $0.id) < ($1.lastUsed, $1.id) }
    }

    /// Subscribes a channel to `topics`, instead of what it has or besides; false where that exceeds the limit, and
    /// then nothing has changed. It extends the channel's life.
    mutating func subscribe(_ id: String, to topics: [String], replacing: Bool, at now: Duration) -> Bool {
        guard var channel = channels[id] else { return false }
        var all = replacing ? [] : channel.topics
        var known = Set(all)
        for topic in topics where known.insert(topic).inserted { all.append(topic) }
        guard all.count <= Self.topicsPerChannel else { return false }
        channel.topics = all
        channel.truth.subscriptions = all
        channel.expiry = now + lifetime
        channel.lastUsed = now
        channel.isWarned = false
        channels[id] = channel
        return true
    }
}
