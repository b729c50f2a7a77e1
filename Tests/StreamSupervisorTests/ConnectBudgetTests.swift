import StreamModel
import Testing

@testable import StreamSupervisor

@Suite struct ConnectBudgetTests {
    private var now = Instant(nanoseconds: 0)

    @Test func aBurstGoesThroughAtOnceAndTheRestAtTheRate() {
        var budget = ConnectBudget(.init(rate: 50, burst: 10, concurrent: 1000), at: now)
        for id in 0..<100 as Range<UInt64> { budget.request(id, at: now) }
        #expect(budget.grant(at: now).map(\.id) == Array(0..<10))
        var granted = 10
        var time = now
        while let next = budget.nextGrant {
            #expect(next > time)
            time = next
            let batch = budget.grant(at: time)
            #expect(!batch.isEmpty, "a deadline that gives nothing would spin")
            granted += batch.count
        }
        #expect(granted == 100)
        #expect(abs((time - now).seconds - 90.0 / 50) < 0.001)
    }

    @Test func noMoreThanTheLimitIsUnderWay() {
        var budget = ConnectBudget(.init(rate: 1000, burst: 100, concurrent: 3), at: now)
        for id in 0..<10 as Range<UInt64> { budget.request(id, at: now) }
        #expect(budget.grant(at: now).count == 3)
        #expect(budget.nextGrant == nil, "only the end of an attempt helps")
        budget.release(1)
        #expect(budget.grant(at: now).map(\.id) == [3])
    }

    @Test func whoeverStopsAskingGetsNothing() {
        var budget = ConnectBudget(.init(rate: 1, burst: 1, concurrent: 3), at: now)
        for id in 0..<3 as Range<UInt64> { budget.request(id, at: now) }
        _ = budget.grant(at: now)
        budget.release(1)
        let granted = budget.grant(at: now + .seconds(1))
        #expect(granted.map(\.id) == [2])
        #expect(granted.map(\.waited) == [.seconds(1)])
        #expect(budget.waitingCount == 0)
    }

    @Test func aHundredThousandRequestsAreServedInOrder() {
        var budget = ConnectBudget(.init(rate: 1e6, burst: 100_000, concurrent: 200_000), at: now)
        for id in 0..<100_000 as Range<UInt64> { budget.request(id, at: now) }
        #expect(budget.grant(at: now).map(\.id) == Array(0..<100_000))
    }
}
