import StreamModel
import StreamSupervisor
import Testing

@testable import StormSimulator

@Suite struct StormTests {
    private func scenario(_ clients: Int = 1000, _ change: (inout StormScenario) -> Void = { _ in }) -> StormScenario {
        var scenario = StormScenario(clients: clients)
        scenario.down = .seconds(20)
        change(&scenario)
        return scenario
    }

    private func run(
        _ scenario: StormScenario, _ kind: ReconnectStrategy.Kind, budget: ConnectBudget.Limits? = nil,
        maxAttempts: Int = 0
    ) -> StormResult {
        var policy = BackoffPolicy()
        policy.maxAttempts = maxAttempts
        var storm = Storm(scenario, .known(kind, like: policy), budget: budget)
        return storm.run()
    }

    @Test(arguments: ReconnectStrategy.Kind.allCases, [nil, ConnectBudget.Limits()])
    func everyoneComesBackAndNothingIsCountedTwice(kind: ReconnectStrategy.Kind, budget: ConnectBudget.Limits?) {
        let result = run(scenario(500), kind, budget: budget)
        #expect(result.successes == 500)
        #expect(result.waiting == 0 && result.parked == 0)
        #expect(result.attempts == result.successes + result.failures.total)
        #expect(result.unfinished == 0)
        #expect(result.timeline.back.reduce(0, +) == 500)
        #expect(result.timeline.handshakes.reduce(0, +) == result.handshakes)
        #expect((result.halfBackAfter ?? .infinity) <= (result.mostBackAfter ?? -1))
        #expect((result.mostBackAfter ?? .infinity) <= (result.allBackAfter ?? -1))
    }

    @Test(arguments: StormScenario.TokenUse.allCases, StormScenario.Unanswered.allCases)
    func itBalancesWhateverFails(tokens: StormScenario.TokenUse, whileDown: StormScenario.Unanswered) {
        let result = run(
            scenario(400) {
                $0.tokens = tokens
                $0.whileDown = whileDown
                $0.tokenLimit = 150
                $0.failureRate = 0.3
                $0.retryAfter = .seconds(7)
                $0.queue = 10
                $0.connectTimeout = .seconds(3)
                $0.streamsPerProcess = 7
            }, .full, budget: .init(rate: 5, burst: 3, concurrent: 2))
        #expect(result.successes == 400)
        #expect(result.attempts == result.successes + result.failures.total)
        #expect(result.failures.gatewayError > 0)
        #expect(result.handshakes == result.attempts - result.failures.throttled)
    }

    @Test func theHorizonEndsWhatDoesNotEndByItself() {
        let result = run(
            scenario(200) {
                $0.down = .seconds(500)
                $0.horizon = .seconds(60)
            }, .full)
        #expect(result.successes == 0 && result.waiting == 200)
        #expect(result.attempts == result.failures.total + result.unfinished)
        #expect(result.allBackAfter == nil && result.halfBackAfter == nil)
        #expect(result.timeline.handshakes.count <= 61)
    }

    @Test func whoHasUsedUpHisRetriesIsParked() {
        let result = run(scenario(200) { $0.down = .seconds(3600) }, .exponential, maxAttempts: 3)
        #expect(result.parked == 200 && result.waiting == 0)
        #expect(result.attempts == 600)
    }

    @Test func theSameSeedGivesTheSameStormAndAnotherSeedAnother() {
        let first = run(scenario(), .decorrelated, budget: .init())
        #expect(first == run(scenario(), .decorrelated, budget: .init()))
        #expect(first != run(scenario { $0.seed = 2 }, .decorrelated, budget: .init()))
        let strategies = ReconnectStrategy.Kind.allCases.map { ReconnectStrategy.known($0) }
        let one = StormComparison(scenario(100), strategies)
        let two = StormComparison(scenario(100), strategies)
        #expect(one.text(width: 100) == two.text(width: 100))
        #expect(one.svg() == two.svg())
    }

    @Test func noSecondSeesMoreThanTheBudgetsLetThrough() {
        let limits = ConnectBudget.Limits(rate: 8, burst: 4, concurrent: 100)
        let result = run(scenario(1000) { $0.streamsPerProcess = 250 }, .fixed, budget: limits)
        // Four processes: a burst and a second's worth each, and one for the fraction of a token.
        #expect(result.timeline.handshakes.allSatisfy { $0 <= 4 * (4 + 8 + 1) })
        // Over any stretch from the fall on: the burst once, and then the rate.
        var sum = 0
        for (second, count) in result.timeline.handshakes.enumerated() {
            sum += count
            #expect(sum <= 4 * (4 + 8 * (second + 1) + 1))
        }
        #expect(result.budgetWaitSeconds > 0)
    }

    @Test func noMoreThanTheConcurrentAttemptsAreUnderWay() {
        let limits = ConnectBudget.Limits(rate: 1000, burst: 1000, concurrent: 6)
        var storm = Storm(scenario(300) { $0.whileDown = .timeout }, .known(.full), budget: limits)
        let watch = Watch()
        storm.observe = { watch.see($0) }
        let result = storm.run()
        #expect(result.successes == 300)
        #expect(watch.mostUnderWay == 6)
    }

    @Test func jitterKeepsTheGatewayFromTheStormAndTheBudgetBelowItsCapacity() {
        let exponential = run(scenario(), .exponential)
        let full = run(scenario(), .full)
        let budgeted = run(scenario(), .full, budget: .init(rate: 15, burst: 15, concurrent: 64))
        #expect(exponential.peak > 900, "without jitter all arrive at the same time")
        #expect(full.peak * 4 < exponential.peak)
        #expect(budgeted.peakOverCapacity <= 1.6)
        #expect(budgeted.failures.total * 2 < full.failures.total)
        #expect((full.mostBackAfter ?? .infinity) < (exponential.mostBackAfter ?? 0))
    }

    @Test func oneTokenServesAProcessWhereClientsAloneAreThrottled() {
        let shared = run(scenario { $0.streamsPerProcess = 250 }, .full)
        let each = run(scenario { $0.tokens = .client }, .full)
        #expect(shared.tokenRequests == 4 && shared.failures.throttled == 0)
        #expect(each.tokenRequests > 1000 && each.tokenRequestsThrottled == each.failures.throttled)
        #expect(each.failures.throttled > 0)
        #expect((each.allBackAfter ?? 0) > 180, "1000 tokens at 300 a minute")
    }

    @Test func nobodyIsBackBeforeTheGatewayCouldHaveHim() {
        let strategies = ReconnectStrategy.Kind.allCases.map { ReconnectStrategy.known($0) }
        let comparison = StormComparison(scenario(), strategies, budgets: .without)
        for result in comparison.results {
            #expect((result.halfBackAfter ?? 0) >= comparison.best.half - 0.001)
            #expect((result.allBackAfter ?? 0) >= comparison.best.all - 0.001)
        }
    }

    @Test func theEdgesOfWhatIsAllowedHold() {
        let day = Duration.seconds(86_400)
        let slow = run(
            scenario(3) {
                $0.capacity = 0.01
                $0.background = 0.99
                $0.slowStartFrom = 1e-9
                $0.queue = 10_000_000
                $0.connectTimeout = day
                $0.latency = day
                $0.noticedWithin = day
                $0.retryAfter = day
                $0.horizon = .seconds(2000)
            }, .grpc)
        #expect(slow.attempts == slow.failures.total + slow.successes + slow.unfinished)
        let quick = run(
            scenario(3) {
                $0.capacity = 1e7
                $0.down = .zero
                $0.slowStart = .zero
                $0.noticedWithin = .zero
                $0.latency = .milliseconds(1)
            }, .full, budget: .init(rate: 1e6, burst: 1_000_000, concurrent: 1_000_000))
        #expect(quick.successes == 3)
    }

    @Test func scenariosThatMakeNoSenseAreNamed() {
        #expect(StormScenario(clients: 0).problem?.contains("clients") == true)
        #expect(StormScenario(clients: 1_000_001).problem?.contains("clients") == true)
        #expect(StormScenario(clients: 1_000_000).problem == nil)
        #expect(scenario(1_000_000) { $0.streamsPerProcess = 1 }.problem?.contains("streams-per-process") == true)
        #expect(scenario(1_000_000) { $0.streamsPerProcess = 11 }.problem == nil)
        #expect(scenario { $0.capacity = .nan }.problem?.contains("capacity") == true)
        #expect(scenario { $0.failureRate = 1 }.problem?.contains("failure-rate") == true)
        #expect(scenario { $0.slowStartFrom = 0 }.problem?.contains("slow-start-from") == true)
        #expect(scenario { $0.down = .seconds(-1) }.problem?.contains("down") == true)
        #expect(scenario { $0.horizon = .seconds(90_000) }.problem?.contains("horizon") == true)
    }
}

/// Counts attempts under way.
private final class Watch {
    private var underWay = 0
    private(set) var mostUnderWay = 0

    func see(_ observation: Observation) {
        switch observation {
        case .began: underWay += 1
        case .failed, .back: underWay -= 1
        case .lost, .asked: break
        }
        mostUnderWay = max(mostUnderWay, underWay)
    }
}
