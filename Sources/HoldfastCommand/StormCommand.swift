public import ArgumentParser
import ConfigurationReader
import Foundation
public import StormSimulator
import StreamModel
import StreamSupervisor

/// `holdfast storm`: what a reconnect storm does to a gateway, by the way in which the clients wait.
struct StormCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storm",
        abstract: "Shows what a reconnect storm does to a gateway, per jitter strategy.",
        discussion: """
            A fleet of virtual clients falls, and comes back to a virtual gateway, in virtual time, with the backoff \
            and the connect budget of `holdfast run`. Durations are written like 500ms, 30s, 1m30s. The same flags \
            give the same output, byte for byte.
            """)

    @OptionGroup(title: "Fleet") var fleet: StormFleetOptions
    @OptionGroup(title: "Gateway") var gateway: StormGatewayOptions
    @OptionGroup(title: "Waiting") var waiting: StormWaitingOptions

    @Option(help: "Write the charts as a picture.", completion: .file())
    var svg: String?

    @Option(help: "Write everything as JSON; `-` is standard output, and nothing else is then written there.")
    var json: String?

    @Option(help: "Columns of the text; without: those of the terminal, or 100.")
    var width: Int?

    @Flag(help: "Draw with ASCII alone.")
    var ascii = false

    @Flag(help: "Print the table alone.")
    var noCharts = false

    func validate() throws {
        if let problem = scenario.problem { throw ValidationError("--\(problem)") }
        try waiting.check()
        if let width, !(80...300).contains(width) { throw ValidationError("--width must be 80 to 300") }
    }

    func run() throws {
        let progress = StormProgress()
        let comparison = compare { progress.show(run: $0, of: $1, back: $2, time: $3) }
        progress.clear()
        if json != "-" {
            Self.print(Data(text(of: comparison).utf8))
        }
        if let svg { try Self.write(Data(comparison.svg().utf8), to: svg) }
        if let json {
            let data = try Self.json(of: comparison)
            if json == "-" { Self.print(data) } else { try Self.write(data, to: json) }
        }
    }

    /// Runs what the flags ask for.
    func compare(progress: ((Int, Int, Double, Double) -> Void)? = nil) -> StormComparison {
        StormComparison(
            scenario, waiting.strategies, budget: waiting.limits, budgets: waiting.budgets, progress: progress)
    }

    /// What is printed.
    func text(of comparison: StormComparison) -> String {
        comparison.text(width: width ?? StormProgress.columns ?? 100, isASCII: ascii, hasCharts: !noCharts)
    }

    private var scenario: StormScenario {
        var scenario = StormScenario(clients: fleet.clients)
        fleet.apply(to: &scenario)
        gateway.apply(to: &scenario)
        return scenario
    }

    static func json(of comparison: StormComparison) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(StormReport(comparison)) + Data("\n".utf8)
    }

    private static func print(_ data: Data) {
        // A reader that has left is no reason to fail.
        try? FileHandle.standardOutput.write(contentsOf: data)
    }

    private static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            StandardError.write("`\(path)` cannot be written: \(error.localizedDescription)")
            throw ExitCode.failure
        }
    }
}

/// Who falls.
struct StormFleetOptions: ParsableArguments {
    @Option(help: "Clients that fall together, up to 1000000.")
    var clients = 10_000

    @Option(help: "What all chance follows from.")
    var seed: UInt64 = 1

    @Option(help: "Clients notice the fall at random within this time.")
    var noticedWithin = DurationFlag(.milliseconds(100))

    @Option(help: "Time from an attempt to its answer, waiting in the gateway's queue aside.")
    var latency = DurationFlag(.milliseconds(50))

    @Option(help: "How long a client waits for an answer.")
    var connectTimeout = DurationFlag(.seconds(10))

    @Option(help: "Streams that one process holds, with one budget and one shared token.")
    var streamsPerProcess = 10_000

    @Option(help: "When to end, whoever is not back yet.")
    var horizon = DurationFlag(.seconds(3600))

    func apply(to scenario: inout StormScenario) {
        scenario.seed = seed
        scenario.noticedWithin = noticedWithin.duration
        scenario.latency = latency.duration
        scenario.connectTimeout = connectTimeout.duration
        scenario.streamsPerProcess = streamsPerProcess
        scenario.horizon = horizon.duration
    }
}

/// What they come back to.
struct StormGatewayOptions: ParsableArguments {
    @Option(help: "Handshakes a second that the gateway accepts; without: all clients in 50 s.")
    var capacity: Double?

    @Option(help: "Handshakes that wait at the gateway; the next is refused. Without: those of 2 s.")
    var queue: Int?

    @Option(help: "How long the gateway stays down.")
    var down = DurationFlag(.seconds(30))

    @Option(help: "What clients meet meanwhile: refused, or timeout.")
    var whileDown = StormScenario.Unanswered.refused

    @Option(help: "How long the gateway needs to come up to its capacity.")
    var slowStart = DurationFlag(.seconds(30))

    @Option(help: "The share of its capacity with which it starts.")
    var slowStartFrom = 0.1

    @Option(help: "The share of its capacity that others take.")
    var background = 0.1

    @Option(help: "The share of accepted handshakes that fail all the same.")
    var failureRate = 0.01

    @Option(help: "The Retry-After of a refusal by a full queue; 0s: none.")
    var retryAfter = DurationFlag(.zero)

    @Option(help: "Who fetches tokens: shared (one for all of a process), client, attempt, or none.")
    var tokens = StormScenario.TokenUse.shared

    @Option(help: "Requests a minute that the token endpoint answers.")
    var tokenLimit = 300

    func apply(to scenario: inout StormScenario) {
        if let capacity {
            scenario.capacity = capacity
            scenario.queue = max(1, Int(min(max(0, capacity.isFinite ? capacity * 2 : 0), 1e7)))
        }
        if let queue { scenario.queue = queue }
        scenario.down = down.duration
        scenario.whileDown = whileDown
        scenario.slowStart = slowStart.duration
        scenario.slowStartFrom = slowStartFrom
        scenario.background = background
        scenario.failureRate = failureRate
        scenario.retryAfter = retryAfter.duration
        scenario.tokens = tokens
        scenario.tokenLimit = tokenLimit
    }
}

/// How they wait.
struct StormWaitingOptions: ParsableArguments {
    @Option(
        name: .customLong("strategy"),
        help: "fixed, exponential, additive, equal, decorrelated, full or grpc; may be repeated. Without: all.")
    var kinds: [ReconnectStrategy.Kind] = []

    @Option(help: "The first delay, jitter aside.")
    var base = DurationFlag(BackoffPolicy().base)

    @Option(help: "The largest delay, jitter aside.")
    var cap = DurationFlag(BackoffPolicy().cap)

    @Option(help: "What each further delay is multiplied by.")
    var multiplier = BackoffPolicy().multiplier

    @Option(help: "The ratio of additive jitter.")
    var ratio = 0.4

    @Option(help: "The delay of the strategy `fixed`.")
    var fixedDelay = DurationFlag(.seconds(5))

    @Option(help: "Retries after which a client gives up; 0: never.")
    var maxAttempts = 0

    @Option(name: .customLong("budget"), help: "Whether there is a connect budget: with, without, or both in turn.")
    var budgets = StormComparison.Budgets.both

    @Option(help: "Handshakes a second that the budget of a process lets through.")
    var budgetRate = ConnectBudget.Limits().rate

    @Option(help: "Handshakes that it lets through at once.")
    var budgetBurst = ConnectBudget.Limits().burst

    @Option(help: "Attempts that it lets be under way at the same time.")
    var budgetConcurrent = ConnectBudget.Limits().concurrent

    var limits: ConnectBudget.Limits { .init(rate: budgetRate, burst: budgetBurst, concurrent: budgetConcurrent) }

    var strategies: [ReconnectStrategy] {
        var policy = BackoffPolicy()
        policy.base = base.duration
        policy.cap = cap.duration
        policy.multiplier = multiplier
        policy.maxAttempts = maxAttempts
        return (kinds.isEmpty ? ReconnectStrategy.Kind.allCases : kinds).map {
            .known($0, like: policy, ratio: ratio, fixedDelay: fixedDelay.duration)
        }
    }

    func check() throws {
        let day = Duration.seconds(86_400)
        for (name, flag) in [("base", base), ("cap", cap), ("fixed-delay", fixedDelay)]
        where !(flag.duration >= .milliseconds(1) && flag.duration <= day) {
            throw ValidationError("--\(name) must be 1ms to 1d")
        }
        guard base.duration <= cap.duration else { throw ValidationError("--base must not be more than --cap") }
        guard multiplier >= 1, multiplier <= 100 else { throw ValidationError("--multiplier must be 1 to 100") }
        guard ratio >= 0, ratio <= 1 else { throw ValidationError("--ratio must be 0 to 1") }
        guard (0...1_000_000).contains(maxAttempts) else {
            throw ValidationError("--max-attempts must be 0 to 1000000")
        }
        guard budgetRate >= 0.01, budgetRate <= 1e6 else {
            throw ValidationError("--budget-rate must be 0.01 to 1000000")
        }
        guard (1...1_000_000).contains(budgetBurst) else {
            throw ValidationError("--budget-burst must be 1 to 1000000")
        }
        guard (1...1_000_000).contains(budgetConcurrent) else {
            throw ValidationError("--budget-concurrent must be 1 to 1000000")
        }
        guard kinds.count <= 32 else { throw ValidationError("--strategy can be given up to 32 times") }
    }
}

/// A duration on the command line, as in the configuration.
struct DurationFlag: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard case .success(let duration) = DurationGrammar.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String {
        let milliseconds = duration.nanoseconds / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}

extension StormScenario.Unanswered: ExpressibleByArgument {}
extension StormScenario.TokenUse: ExpressibleByArgument {}
extension StormComparison.Budgets: ExpressibleByArgument {}
extension ReconnectStrategy.Kind: ExpressibleByArgument {}
