import StreamModel
import StreamSupervisor

/// A comparison as it is written for other programs. Durations in seconds.
public struct StormReport: Codable, Sendable {
    /// What happened to the fleet, by the names of the command's flags.
    public var scenario: Scenario
    /// When the gateway, never idle and never asked in vain, could have had them back.
    public var best: Best
    /// One entry for each run.
    public var results: [StormResult]

    /// What happened to the fleet.
    public struct Scenario: Codable, Sendable {
        var clients: Int
        var seed: UInt64
        var noticedWithin: Double
        var latency: Double
        var connectTimeout: Double
        var capacity: Double
        var queue: Int
        var down: Double
        var whileDown: String
        var slowStart: Double
        var slowStartFrom: Double
        var background: Double
        var failureRate: Double
        var retryAfter: Double
        var tokens: String
        var tokenLimit: Int
        var streamsPerProcess: Int
        var horizon: Double
        var budgetRate: Double
        var budgetBurst: Int
        var budgetConcurrent: Int
    }

    /// Times since the drop.
    public struct Best: Codable, Sendable {
        var halfBackAfter: Double
        var mostBackAfter: Double
        var allBackAfter: Double
    }

    /// What `comparison` found.
    public init(_ comparison: StormComparison) {
        let scenario = comparison.scenario
        let budget = comparison.budget
        self.scenario = Scenario(
            clients: scenario.clients, seed: scenario.seed, noticedWithin: scenario.noticedWithin.seconds,
            latency: scenario.latency.seconds, connectTimeout: scenario.connectTimeout.seconds,
            capacity: scenario.capacity, queue: scenario.queue, down: scenario.down.seconds,
            whileDown: scenario.whileDown.rawValue, slowStart: scenario.slowStart.seconds,
            slowStartFrom: scenario.slowStartFrom, background: scenario.background, failureRate: scenario.failureRate,
            retryAfter: scenario.retryAfter.seconds, tokens: scenario.tokens.rawValue,
            tokenLimit: scenario.tokenLimit, streamsPerProcess: scenario.streamsPerProcess,
            horizon: scenario.horizon.seconds, budgetRate: budget.rate, budgetBurst: budget.burst,
            budgetConcurrent: budget.concurrent)
        best = Best(
            halfBackAfter: comparison.best.half, mostBackAfter: comparison.best.most, allBackAfter: comparison.best.all)
        results = comparison.results
    }
}
