import StreamModel
public import StreamSupervisor

/// One storm: a fleet falls, and comes back by one strategy. Virtual time in ticks of a millisecond, the least delay
/// that a stream ever waits; everything is rounded up to the next tick.
///
/// A client does what a stream does: it waits the delay that ``Backoff`` draws, asks its process' ``ConnectBudget`` for
/// leave, then for a token, and then the gateway. Every client has its own random numbers, so that strategies meet the
/// same drop. All state lies in flat arrays: a million clients take less than 100 MB, whatever happens to them.
public struct Storm {
    let scenario: StormScenario
    let strategy: ReconnectStrategy
    let latency: Int32
    let connectTimeout: Int32
    let horizon: Int32
    /// Whether the next delay depends on the one before.
    let keepsDelays: Bool

    var now: Int32 = 0
    var wheel: TimingWheel
    var gateway: VirtualGateway
    var endpoint: TokenEndpoint
    var gatewayRandom: SplitMix64
    var result: StormResult

    var clients: [Client]
    var processes: Processes
    /// Draws for whichever client is at hand: ``Backoff/previous`` is the one thing that it keeps.
    var backoff: Backoff

    /// Told of every attempt's start and end, for the tests.
    var observe: ((Observation) -> Void)?

    /// A storm of `scenario`, in which the clients reconnect by `strategy`, below `budget` where there is one.
    ///
    /// The scenario must have no ``StormScenario/problem``.
    public init(_ scenario: StormScenario, _ strategy: ReconnectStrategy, budget: ConnectBudget.Limits? = nil) {
        precondition(scenario.problem == nil, scenario.problem ?? "")
        self.scenario = scenario
        self.strategy = strategy
        latency = Self.ticks(scenario.latency)
        connectTimeout = Self.ticks(scenario.connectTimeout)
        horizon = Self.ticks(scenario.horizon)
        keepsDelays = strategy.backoff.jitter == .decorrelated
        let processCount = scenario.processes
        // A client's appointment, a process' budget and a process' token each have a place in the wheel.
        wheel = TimingWheel(items: scenario.clients + 2 * processCount)
        gateway = VirtualGateway(scenario)
        endpoint = TokenEndpoint(limit: scenario.tokenLimit)
        gatewayRandom = SplitMix64(seed: scenario.seed, participant: -1)
        result = StormResult(strategy: strategy.name, hasBudget: budget != nil, clients: scenario.clients)
        clients = (0..<scenario.clients).map { Client(random: SplitMix64(seed: scenario.seed, participant: $0)) }
        processes = Processes(count: processCount, budget: budget)
        backoff = Backoff(strategy.backoff)
    }

    /// Runs the storm until all clients are back (or parked), or the horizon is reached.
    ///
    /// - Parameter progress: told after each simulated second what share of the clients is back, and what share of the
    ///   time to the horizon has passed.
    public mutating func run(progress: ((_ back: Double, _ time: Double) -> Void)? = nil) -> StormResult {
        drop()
        let count = scenario.clients
        while now < horizon, result.successes + result.parked < count {
            now &+= 1
            if now % 1000 == 0, let progress {
                progress(Double(result.successes) / Double(count), Double(now) / Double(horizon))
            }
            var item = wheel.take(now)
            while item != TimingWheel.none {
                let following = wheel.after(item)
                if wheel.due(item) > now {
                    wheel.schedule(item, at: wheel.due(item), now: now)
                } else {
                    keepAppointment(Int(item))
                }
                item = following
            }
        }
        conclude()
        return result
    }

    /// The gateway drops everyone; each client notices a little later, and its first delay begins.
    private mutating func drop() {
        let spread = scenario.noticedWithin.seconds * 1000
        for client in 0..<scenario.clients {
            let noticed = Int32((clients[client].random.unit() * spread).rounded(.up))
            observe?(.lost(client: client, at: noticed))
            rest(client, from: noticed, floor: nil)
        }
    }

    private mutating func keepAppointment(_ item: Int) {
        if item < scenario.clients {
            switch clients[item].stage {
            case .backingOff: wake(item)
            case .fetchingToken: arrive(item)
            case .answered: succeed(item)
            case .failed(let cause): fail(item, cause)
            case .awaitingPermit, .awaitingToken, .back, .parked: break
            }
        } else if item < scenario.clients + processes.count {
            processes.pumpIsPending[item - scenario.clients] = false
            pump(item - scenario.clients)
        } else {
            tokenAnswered(item - scenario.clients - processes.count)
        }
    }

    private mutating func conclude() {
        result.tokenRequests = endpoint.requests
        result.tokenRequestsThrottled = endpoint.throttled
        result.waiting = scenario.clients - result.successes - result.parked
        result.unfinished = result.attempts - result.successes - result.failures.total
        let last = Int(now) / 1000
        result.timeline.extend(to: last)
        let up = Int(scenario.down.seconds.rounded(.down))
        for (second, count) in result.timeline.handshakes.enumerated() {
            if second >= up {
                result.peak = max(result.peak, count)
            } else {
                result.peakWhileDown = max(result.peakWhileDown, count)
            }
        }
        result.peakOverCapacity = Double(result.peak) / scenario.capacity
    }

    /// `duration` in ticks, rounded up.
    static func ticks(_ duration: Duration) -> Int32 {
        ticks(nanoseconds: duration.nanoseconds)
    }

    static func ticks(nanoseconds: Int64) -> Int32 {
        // A day and a half at most: horizons end after a day, and a delay beyond them makes no difference.
        Int32(min(max(0, (min(nanoseconds, .max - 1_000_000) + 999_999) / 1_000_000), 129_600_000))
    }
}

extension StormResult.Timeline {
    /// Makes room for the second `second`.
    mutating func extend(to second: Int) {
        while handshakes.count <= second {
            handshakes.append(0)
            back.append(0)
        }
    }
}
