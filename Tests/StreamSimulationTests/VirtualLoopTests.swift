import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import StreamSimulation

@Suite("Virtual event loops")
struct VirtualLoopTests {
    private func runAll(_ group: VirtualLoopGroup) {
        while let time = group.nextTime {
            group.advance(to: time)
            _ = group.runNext()
        }
    }

    @Test("what one loop gives to another arrives a moment later, in its order")
    func hops() {
        let group = VirtualLoopGroup(loops: 2, origin: 0, longestLag: 1_000, seed: 1)
        let first = group.next()
        let second = group.next()
        #expect(first !== second)
        let order = NIOLockedValueBox<[Int]>([])
        first.execute {
            #expect(first.inEventLoop && !second.inEventLoop)
            for number in 0..<20 {
                second.execute {
                    #expect(second.inEventLoop)
                    order.withLockedValue { $0.append(number) }
                }
            }
        }
        _ = group.runNext()
        #expect(!group.runNext(), "nothing arrives at once")
        runAll(group)
        #expect(order.withLockedValue { $0 } == Array(0..<20))
        #expect((1...1_001).contains(group.nanoseconds))
    }

    @Test("a timer that was cancelled does not run, and does where timers are stale", arguments: [false, true])
    func cancelledTimers(areStale: Bool) {
        let group = VirtualLoopGroup(loops: 1, origin: 5, longestLag: 1, seed: 1)
        group.obeysCancelledTimers = { areStale }
        let runs = NIOLockedValueBox(0)
        let loop = group.next()
        let timer = loop.scheduleTask(in: .nanoseconds(10)) { runs.withLockedValue { $0 += 1 } }
        timer.cancel()
        _ = loop.scheduleTask(in: .nanoseconds(20)) {}
        runAll(group)
        #expect(runs.withLockedValue { $0 } == (areStale ? 1 : 0))
        #expect(group.nanoseconds == 25)
    }
}
