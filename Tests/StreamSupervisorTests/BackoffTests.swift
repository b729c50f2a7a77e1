import StreamModel
import Testing

@testable import StreamSupervisor

@Suite struct BackoffTests {
    private func policy(_ jitter: BackoffPolicy.Jitter, multiplier: Double = 2) -> BackoffPolicy {
        var policy = BackoffPolicy()
        policy.jitter = jitter
        policy.multiplier = multiplier
        return policy
    }

    private func draws(
        _ policy: BackoffPolicy, retry: Int, count: Int = 2000, atCap: Bool = false, floor: Duration? = nil
    ) -> [Double] {
        var rng = SplitMix64(seed: 7)
        return (0..<count).map { _ in
            var backoff = Backoff(policy)
            return backoff.delay(retry: retry, atCap: atCap, floor: floor, using: &rng).seconds
        }
    }

    @Test(arguments: [(0, 1.0), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (5000, 30)])
    func nominalDelayDoublesUpToTheCap(retry: Int, seconds: Double) {
        #expect(draws(policy(.none), retry: retry, count: 1) == [seconds])
    }

    @Test(arguments: [(0, 1.0), (3, 8), (9, 30)])
    func additiveJitterSpreadsAboveTheDelayAlsoAtTheCap(retry: Int, nominal: Double) {
        let drawn = draws(policy(.additive(ratio: 0.4)), retry: retry)
        #expect(drawn.allSatisfy { $0 >= nominal && $0 <= nominal * 1.4 })
        #expect((drawn.max() ?? 0) > nominal * 1.35)
        #expect((drawn.min() ?? 99) < nominal * 1.05)
    }

    @Test func fullJitterDrawsFromNothingToTheDelayButNeverZero() {
        let drawn = draws(policy(.full), retry: 2)
        #expect(drawn.allSatisfy { $0 >= 0.001 && $0 <= 4 })
        #expect((drawn.min() ?? 9) < 0.2 && (drawn.max() ?? 0) > 3.8)
    }

    @Test func equalJitterKeepsHalf() {
        let drawn = draws(policy(.equal), retry: 2)
        #expect(drawn.allSatisfy { $0 >= 2 && $0 <= 4 })
        #expect((drawn.min() ?? 9) < 2.1 && (drawn.max() ?? 0) > 3.9)
    }

    @Test func decorrelatedJitterGrowsFromItsOwnDrawAndKeepsItsSpreadAtTheCap() {
        var rng = SplitMix64(seed: 3)
        var backoff = Backoff(policy(.decorrelated))
        var previous = 1.0
        var atCap = 0
        for retry in 0..<1000 {
            let delay = backoff.delay(retry: retry, using: &rng).seconds
            #expect(delay >= 1 && delay <= min(30, previous * 3) + 1e-9)
            if delay >= 29.999 { atCap += 1 }
            previous = delay
        }
        #expect(atCap < 5, "draws must not pile up on the cap")
        backoff.reset()
        #expect(backoff.delay(retry: 0, using: &rng).seconds <= 3)
    }

    @Test func atCapWaitsTheLongestDelayAtOnce() {
        #expect(draws(policy(.none), retry: 0, count: 1, atCap: true) == [30])
        #expect(draws(policy(.additive(ratio: 0.4)), retry: 0, atCap: true).allSatisfy { $0 >= 30 && $0 <= 42 })
    }

    @Test func retryAfterIsAFloorAndSpreadsThoseWhoWereRefusedTogether() {
        let drawn = draws(policy(.full), retry: 0, floor: .seconds(60))
        #expect(drawn.allSatisfy { $0 >= 60 && $0 <= 66 })
        #expect(Set(drawn).count > 1000)
        #expect(draws(policy(.none), retry: 0, count: 1, floor: .seconds(60)) == [60])
        #expect(draws(policy(.none), retry: 5, count: 1, floor: .seconds(10)) == [30], "the backoff is longer")
    }

    @Test func multiplierOfOneStaysAtTheBase() {
        #expect(draws(policy(.none, multiplier: 1), retry: 1_000_000, count: 1) == [1])
    }
}
