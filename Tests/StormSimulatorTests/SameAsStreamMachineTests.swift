import StreamModel
import StreamSupervisor
import Testing

@testable import StormSimulator

/// The storm's client is a few lines; the stream that it stands for is a whole machine. Over the same failures and the
/// same random numbers both must do the same things at the same times.
@Suite struct SameAsStreamMachineTests {
    @Test(
        arguments: [
            ReconnectStrategy.Kind.fixed, .exponential, .additive, .equal, .decorrelated, .full,
        ], [nil, ConnectBudget.Limits(rate: 1, burst: 3, concurrent: 2)])
    func aStreamWouldHaveDoneTheSame(kind: ReconnectStrategy.Kind, budget: ConnectBudget.Limits?) throws {
        var scenario = StormScenario(clients: 30)
        scenario.capacity = 1
        scenario.queue = 3
        scenario.failureRate = 0.2
        scenario.tokens = .none
        scenario.connectTimeout = .seconds(4)
        let strategy = ReconnectStrategy.known(kind)
        var storm = Storm(scenario, strategy, budget: budget)
        let log = Log()
        storm.observe = { log.steps[$0.client, default: []].append($0) }
        let result = storm.run()
        #expect(result.successes == 30)
        #expect(result.failures.total > 40, "too little happened to compare")

        for client in 0..<30 {
            // The storm draws when the client notices the drop first, and the delays after it.
            var random = SplitMix64(seed: scenario.seed, participant: client)
            _ = random.unit()
            var policy = StreamPolicy()
            policy.backoff = strategy.backoff
            policy.connectTimeout = .seconds(3600)
            policy.acknowledgment = .open
            var stream = HeldStream(policy, random: random)
            for step in try #require(log.steps[client]) { try stream.replay(step) }
            #expect(stream.machine.state == .live)
        }
    }
}

private final class Log {
    var steps: [Int: [Observation]] = [:]
}

extension Observation {
    fileprivate var client: Int {
        switch self {
        case .lost(let client, _), .asked(let client, _), .began(let client, _), .failed(let client, _, _),
            .back(let client, _):
            client
        }
    }
}

/// A real stream that has held for long, and now meets what the storm's client met.
private struct HeldStream {
    private(set) var machine: StreamMachine
    private var random: SplitMix64
    private var generation: UInt64 = 0
    private var retryAt: Instant?

    /// Storms begin at 0; the stream was live for an hour before.
    private static let origin = Duration.seconds(3600)

    init(_ policy: StreamPolicy, random: SplitMix64) {
        machine = StreamMachine(policy: policy)
        self.random = random
        let start = Instant(nanoseconds: 0)
        handle(.started, at: start)
        handle(.permitGranted(generation: generation), at: start)
        handle(.tokenObtained(generation: generation), at: start)
        handle(.transportOpened(generation: generation, PhaseTimings()), at: start)
        handle(.deadlineReached, at: start + policy.backoff.resetAfter)
    }

    mutating func replay(_ step: Observation) throws {
        switch step {
        case .lost(_, let tick):
            handle(
                .transportClosed(generation: generation, Closure(origin: .endOfStream, code: 1006)), at: time(tick))
        case .asked(_, let tick):
            let due = try #require(retryAt)
            // The storm rounds a delay up to the next millisecond.
            let ticks = Storm.ticks(due - Instant(nanoseconds: Self.origin.nanoseconds))
            #expect(tick == ticks, "the stream would have tried again at \(due), the client did at \(tick) ms")
            let asked = handle(.deadlineReached, at: time(tick))
            #expect(asked.contains(.requestPermit(generation: generation)))
        case .began(_, let tick):
            handle(.permitGranted(generation: generation), at: time(tick))
            let opened = handle(.tokenObtained(generation: generation), at: time(tick))
            #expect(opened.contains(.openTransport(generation: generation, resuming: false)))
        case .failed(_, let cause, let tick):
            let failure = AttemptFailure(reason: cause == .timeout ? .timeout : .gatewayError)
            handle(.transportFailed(generation: generation, failure, PhaseTimings()), at: time(tick))
            #expect(machine.state == .backingOff)
        case .back(_, let tick):
            handle(.transportOpened(generation: generation, PhaseTimings()), at: time(tick))
        }
    }

    private func time(_ tick: Int32) -> Instant {
        Instant(nanoseconds: Self.origin.nanoseconds + Int64(tick) * 1_000_000)
    }

    @discardableResult
    private mutating func handle(_ input: StreamInput, at now: Instant) -> [StreamAction] {
        let actions = machine.handle(input, at: now, using: &random)
        for action in actions {
            switch action {
            case .requestPermit(let new): generation = new
            case .emit(.backoffScheduled(let delay, _, _)): retryAt = now + delay
            default: break
            }
        }
        return actions
    }
}
