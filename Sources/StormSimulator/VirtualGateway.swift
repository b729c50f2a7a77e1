import StreamModel

/// A gateway with one queue, served first come first served, at a rate that changes over time.
///
/// What it can do is known in advance, and so is the end of each handshake at the moment it arrives: no queue has to be
/// kept. A handshake that its client has given up on is done all the same, as in a real gateway: that is how a storm
/// keeps a gateway busy with work that nobody waits for.
struct VirtualGateway {
    /// What becomes of a handshake.
    enum Answer: Equatable {
        /// There is no gateway at that time.
        case down
        /// The queue is full.
        case full
        /// Done at this time, in seconds since the drop.
        case served(at: Double)
    }

    /// The rate at full capacity, less what others take.
    private let rate: Double
    private let down: Double
    private let slowStart: Double
    private let from: Double
    private let queue: Double
    /// Handshakes done by the end of the slow start.
    private let doneInSlowStart: Double
    /// Where the work that was taken on ends, in handshakes since the drop.
    private var booked = 0.0

    init(_ scenario: StormScenario) {
        rate = scenario.capacity * (1 - scenario.background)
        down = scenario.down.seconds
        slowStart = scenario.slowStart.seconds
        from = scenario.slowStartFrom
        queue = Double(scenario.queue)
        doneInSlowStart = rate * slowStart * (1 + from) / 2
    }

    /// A handshake arrives, `time` seconds after the drop.
    mutating func arrive(at time: Double) -> Answer {
        guard time >= down else { return .down }
        let done = possible(by: time)
        guard booked - done < queue else { return .full }
        booked = max(booked, done) + 1
        return .served(at: max(time, self.time(of: booked)))
    }

    /// Handshakes that can be done by `time`: the integral of the rate.
    func possible(by time: Double) -> Double {
        let up = time - down
        if up <= 0 { return 0 }
        if up >= slowStart { return doneInSlowStart + rate * (up - slowStart) }
        return rate * (from * up + (1 - from) * up * up / (2 * slowStart))
    }

    /// When `handshakes` can be done at the earliest: the inverse of ``possible(by:)``.
    func time(of handshakes: Double) -> Double {
        if handshakes >= doneInSlowStart { return down + slowStart + (handshakes - doneInSlowStart) / rate }
        let work = handshakes / rate
        return down + 2 * work / (from + (from * from + 2 * (1 - from) * work / slowStart).squareRoot())
    }
}

/// An endpoint that answers so many requests a minute.
struct TokenEndpoint {
    private let limit: Int
    private var window: Int32 = -1
    private var used = 0
    private(set) var requests = 0
    private(set) var throttled = 0

    static let windowTicks: Int32 = 60_000

    init(limit: Int) {
        self.limit = limit
    }

    /// A request at `tick`; false: status 429.
    mutating func request(at tick: Int32) -> Bool {
        let current = tick / Self.windowTicks
        if current != window {
            window = current
            used = 0
        }
        requests += 1
        guard used < limit else {
            throttled += 1
            return false
        }
        used += 1
        return true
    }

    /// When the limit is next lifted.
    static func nextWindow(after tick: Int32) -> Int32 {
        (tick / windowTicks + 1) * windowTicks
    }
}
