import StreamModel
public import StreamSupervisor

/// Several storms over the same scenario, side by side.
public struct StormComparison: Sendable {
    /// What happened to all of them.
    public let scenario: StormScenario
    /// The budget of those that had one.
    public let budget: ConnectBudget.Limits
    /// What came of each, in the order in which they were asked for.
    public let results: [StormResult]
    /// When the gateway, never idle and never asked in vain, could have had half, 99 % and all of the clients back.
    public let best: (half: Double, most: Double, all: Double)

    /// Which of the two ways to run.
    public enum Budgets: String, Hashable, Sendable, CaseIterable {
        /// Each strategy alone.
        case without
        /// Each strategy below the connect budget.
        case with
        /// The one, then the other.
        case both
    }

    /// Runs `strategies` over `scenario`, which must have no ``StormScenario/problem``.
    ///
    /// - Parameter progress: told now and then which run is under way, what share of its clients is back and what share
    ///   of its time has passed.
    public init(
        _ scenario: StormScenario, _ strategies: [ReconnectStrategy], budget: ConnectBudget.Limits = .init(),
        budgets: Budgets = .both, progress: ((_ run: Int, _ of: Int, _ back: Double, _ time: Double) -> Void)? = nil
    ) {
        var results: [StormResult] = []
        let ways: [ConnectBudget.Limits?]
        switch budgets {
        case .without: ways = [nil]
        case .with: ways = [budget]
        case .both: ways = [nil, budget]
        }
        let count = strategies.count * ways.count
        for strategy in strategies {
            for way in ways {
                var storm = Storm(scenario, strategy, budget: way)
                let run = results.count
                results.append(storm.run { progress?(run, count, $0, $1) })
            }
        }
        self.scenario = scenario
        self.budget = budget
        self.results = results
        let gateway = VirtualGateway(scenario)
        let latency = scenario.latency.seconds
        let clients = scenario.clients
        best = (
            gateway.time(of: Double((clients + 1) / 2)) + latency,
            gateway.time(of: Double((clients * 99 + 99) / 100)) + latency, gateway.time(of: Double(clients)) + latency
        )
    }
}
