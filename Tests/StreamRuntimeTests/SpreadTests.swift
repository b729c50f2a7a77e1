import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
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

    @Test("What a loop that ends does not get to is told")
    func dropped() throws {
        let loop = EmbeddedEventLoop()
        let left = NIOLockedValueBox<[Int]>([])
        Spread.over(Array(0..<Spread.batch + 2), on: loop) { _ in
        } dropped: { item in
            left.withLockedValue { $0.append(item) }
        }
        loop.run()
        try loop.close()
        #expect(left.withLockedValue { $0 } == [Spread.batch, Spread.batch + 1])
    }
}
