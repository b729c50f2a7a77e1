/// What happens to a fleet: how many clients fall, what the gateway can take when it comes back, and how tokens are had.
///
/// At 0 s the gateway drops every client. It stays down for ``down``, then accepts handshakes at a rate that rises
/// over ``slowStart`` to ``capacity``, less the share that ``background`` takes.
public struct StormScenario: Hashable, Sendable {
    /// Streams that fall together; 1 to ``mostClients``.
    public var clients: Int
    /// What every draw follows from: the same seed gives the same run, to the last bit.
    public var seed: UInt64 = 1
    /// Clients notice the drop at random within this time.
    public var noticedWithin = Duration.milliseconds(100)
    /// From an attempt's first packet to the gateway's answer, waiting in its queue aside.
    public var latency = Duration.milliseconds(50)
    /// How long a client waits for an answer before it gives an attempt up.
    public var connectTimeout = Duration.seconds(10)

    /// Handshakes a second that the gateway can accept; more than 0.
    public var capacity: Double
    /// Handshakes that wait at the gateway at the same time; the next one is refused.
    public var queue: Int
    /// How long the gateway stays down after the drop.
    public var down = Duration.seconds(30)
    /// What a client meets while the gateway is down.
    public var whileDown = Unanswered.refused
    /// How long the gateway needs to come up to its capacity.
    public var slowStart = Duration.seconds(30)
    /// The share of its capacity with which the gateway comes back; more than 0, at most 1.
    public var slowStartFrom = 0.1
    /// The share of the capacity that others take all the time; 0 to less than 1.
    public var background = 0.1
    /// The share of the accepted handshakes that fail all the same; 0 to less than 1.
    public var failureRate = 0.01
    /// What a refusal by a full queue names as the least time to wait; zero: it names none.
    public var retryAfter = Duration.zero

    /// Who fetches a token, and when.
    public var tokens = TokenUse.shared
    /// Requests a minute that the token endpoint answers; the others get status 429.
    public var tokenLimit = 300

    /// Streams that one process holds: they share one connect budget and, where tokens are shared, one token.
    public var streamsPerProcess = 10_000
    /// When the run ends, whoever is not back yet.
    public var horizon = Duration.seconds(3600)

    /// The largest fleet that can be simulated.
    public static let mostClients = 1_000_000

    /// The most processes that can hold it: each has a budget with books of its own.
    public static let mostProcesses = 100_000

    /// A fleet of `clients`, and a gateway that could take all of them back in 50 s at its full capacity, with a queue
    /// of 2 s.
    public init(clients: Int = 10_000) {
        self.clients = clients
        capacity = max(1, Double(clients) / 50)
        queue = max(1, Int(capacity * 2))
    }

    /// What a client meets where there is no gateway.
    public enum Unanswered: String, Hashable, Sendable, CaseIterable {
        /// The connection is refused at once.
        case refused
        /// Nothing answers; the attempt runs into its timeout.
        case timeout
    }

    /// Who fetches a token, and when.
    public enum TokenUse: String, Hashable, Sendable, CaseIterable {
        /// One request for all streams of a process, as Holdfast does: one flight at a time, and who waits shares it.
        case shared
        /// Every client fetches its own, and keeps it until it is back.
        case client
        /// Every client fetches one for each attempt.
        case attempt
        /// None is needed.
        case none
    }

    /// Processes that hold the fleet.
    public var processes: Int { (clients + streamsPerProcess - 1) / max(1, streamsPerProcess) }

    /// Why this scenario cannot be run; nil where it can.
    public var problem: String? {
        if !(1...Self.mostClients).contains(clients) { return "clients must be 1 to \(Self.mostClients)" }
        if !(capacity >= 0.01 && capacity <= 1e7) { return "capacity must be 0.01 to 10000000 handshakes a second" }
        if !(1...10_000_000).contains(queue) { return "queue must be 1 to 10000000" }
        if !(slowStartFrom > 0 && slowStartFrom <= 1) { return "slow-start-from must be more than 0 and at most 1" }
        if !(background >= 0 && background <= 0.99) { return "background must be 0 to 0.99" }
        if !(failureRate >= 0 && failureRate <= 0.99) { return "failure-rate must be 0 to 0.99" }
        if !(1...10_000_000).contains(tokenLimit) { return "token-limit must be 1 to 10000000" }
        if !(1...Self.mostClients).contains(streamsPerProcess) {
            return "streams-per-process must be 1 to \(Self.mostClients)"
        }
        if processes > Self.mostProcesses {
            return "streams-per-process must be at least \(clients / Self.mostProcesses + 1) for so many clients"
        }
        let day = Duration.seconds(86_400)
        if !(horizon >= .seconds(1) && horizon <= day) { return "horizon must be 1s to 1d" }
        if !(connectTimeout >= .milliseconds(1) && connectTimeout <= day) { return "connect-timeout must be 1ms to 1d" }
        if !(latency >= .milliseconds(1) && latency <= connectTimeout) {
            return "latency must be 1ms to the connect timeout"
        }
        for (name, duration) in [
            ("noticed-within", noticedWithin), ("down", down), ("slow-start", slowStart), ("retry-after", retryAfter),
        ] where !(duration >= .zero && duration <= day) {
            return "\(name) must be 0s to 1d"
        }
        return nil
    }
}
