import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import StreamRuntime

@Suite("Work for many streams on one loop")
struct SpreadTests {
    @Test("A few at a time, in order, and all in the end")
    func inBatches() {
        let loop = EmbeddedEventLoop()
        let done = NIOLockedValueBox<[Int]>([])
        let count = 3 * Spread.batch + 1
        Spread.over(Array(0..<count), on: loop) { item in
            done.withLockedValue { $0.append(item) }
        } dropped: { _ in
            Issue.record("the loop did not end")
        }
        #expect(done.withLockedValue { $0.isEmpty }, "on the loop, not where it was asked for")
        loop.run()
        #expect(done.withLockedValue { $0 } == Array(0..<Spread.batch))
        loop.advanceTime(by: Spread.pause)
        #expect(done.withLockedValue { $0 } == Array(0..<2 * Spread.batch))
        loop.advanceTime(by: Spread.pause)
        loop.advanceTime(by: Spread.pause)
        #expect(done.withLockedValue { $0 } == Array(0..<count))
    }

    @Test("What a loop that ends does not get to is told: nothing is forgotten")
    func dropped() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let done = NIOLockedValueBox<[Int]>([])
        let left = NIOLockedValueBox<[Int]>([])
        let all = Array(0..<1000 * Spread.batch)
        Spread.over(all, on: group.next()) { item in
            done.withLockedValue { $0.append(item) }
        } dropped: { item in
            left.withLockedValue { $0.append(item) }
        }
        try group.syncShutdownGracefully()
        #expect(done.withLockedValue { $0 } + left.withLockedValue { $0 } == all)
    }
}
