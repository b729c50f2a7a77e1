import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import NIOPosix
import StreamModel
import Testing

@testable import StreamRuntime

@Suite("Work for many streams on one loop")
struct LoopWorkTests {
    /// What was done, and a clock that shows how long it took.
    private final class Record: Sendable {
        private let state = NIOLockedValueBox((time: Int64(0), done: [Int]()))

        var done: [Int] { state.withLockedValue { $0.done } }

        func now() -> Instant { Instant(nanoseconds: state.withLockedValue { $0.time }) }

        func pass(_ duration: Duration) { state.withLockedValue { $0.time += duration.nanoseconds } }

        /// Items, each of which takes `duration`.
        func items(_ numbers: Range<Int>, each duration: Duration) -> [LoopWork.Item] {
            numbers.map { number in
                LoopWork.Item { [self] in
                    state.withLockedValue { state in
                        state.done.append(number)
                        state.time += duration.nanoseconds
                    }
                } dropped: {
                    Issue.record("the loop did not end")
                }
            }
        }
    }

    private let loop = EmbeddedEventLoop()
    private let record = Record()
    private let pause = TimeAmount.nanoseconds(LoopWork.pause.nanoseconds)

    private func makeWork() -> LoopWork { LoopWork(loop: loop, clock: { [record] in record.now() }) }

    /// Time passes for the loop and for the clock.
    private func look() {
        record.pass(LoopWork.pause)
        loop.advanceTime(by: pause)
    }

    @Test("as much as there is time for, in order, and all in the end")
    func inTurns() {
        let work = makeWork()
        work.add(record.items(0..<10, each: LoopWork.budget / 4))
        #expect(record.done.isEmpty, "on the loop, not where it was asked for")
        loop.run()
        #expect(record.done == Array(0..<4))
        look()
        #expect(record.done == Array(0..<8))
        look()
        #expect(record.done == Array(0..<10))
    }

    @Test("however many there are, those that take no time are done at once")
    func cheap() {
        let work = makeWork()
        work.add(record.items(0..<10_000, each: .zero))
        loop.run()
        #expect(record.done.count == 10_000)
    }

    @Test("what takes longer than the budget is done all the same, alone")
    func long() {
        let work = makeWork()
        work.add(record.items(0..<2, each: LoopWork.budget * 10))
        loop.run()
        #expect(record.done == [0])
        look()
        #expect(record.done == [0, 1])
    }

    /// Something that takes time to let go of.
    private final class Burden: Sendable {
        private let gone: @Sendable () -> Void

        init(gone: @escaping @Sendable () -> Void) { self.gone = gone }

        deinit { gone() }
    }

    @Test("what is done is let go of at once, which is part of the work, and not together with the last of all")
    func letGo() {
        let work = makeWork()
        let held = NIOLockedValueBox(10)
        work.add(
            (0..<10).map { _ in
                let burden = Burden { [record] in
                    held.withLockedValue { $0 -= 1 }
                    record.pass(LoopWork.budget / 4)
                }
                return LoopWork.Item { withExtendedLifetime(burden) {} }
            })
        loop.run()
        // The time of the last one is seen when the next one has been done.
        #expect(held.withLockedValue { $0 } == 5)
        look()
        #expect(held.withLockedValue { $0 } == 0)
    }

    @Test("what is asked for bit by bit within one turn of the loop shares one budget")
    func bitByBit() {
        let work = makeWork()
        for number in 0..<12 { work.add(record.items(number..<number + 1, each: LoopWork.budget / 4)) }
        loop.run()
        #expect(record.done == Array(0..<4))
        look()
        #expect(record.done == Array(0..<8))
        look()
        #expect(record.done == Array(0..<12))
    }

    @Test("after a quiet time there is the whole budget again")
    func afterwards() {
        let work = makeWork()
        work.add(record.items(0..<3, each: LoopWork.budget / 4))
        loop.run()
        record.pass(LoopWork.quiet)
        work.add(record.items(3..<7, each: LoopWork.budget / 4))
        loop.run()
        #expect(record.done == Array(0..<7))
    }

    @Test("however busy the loop is with tasks, its sockets are served between two turns")
    func sockets() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let work = LoopWork(loop: loop, clock: { [record] in record.now() })
        let waiting = NIOLockedValueBox((unserved: 0, most: 0))
        // A bell is a socket like any other: it tells when it was served.
        let socket = try await loop.submit {
            NIOLoopBound(
                LoopBell(on: loop) {
                    waiting.withLockedValue { $0.unserved = 0 }
                } ended: {
                }, eventLoop: loop)
        }.get()
        let turns = 200
        let done = loop.makePromise(of: Void.self)
        work.add(
            (0..<turns).map { turn in
                LoopWork.Item { [record] in
                    record.pass(LoopWork.budget)
                    waiting.withLockedValue { waiting in
                        // The first turns are those in which the bells are hung up.
                        if turn > 20 { waiting.most = max(waiting.most, waiting.unserved) }
                        waiting.unserved += 1
                    }
                    socket.value?.ring()
                    // Tasks that take longer than any delay that the work could have asked for.
                    loop.execute {
                        let end = NIODeadline.now() + .nanoseconds(LoopWork.pause.nanoseconds)
                        while NIODeadline.now() < end {}
                    }
                    if turn == turns - 1 { done.succeed() }
                }
            })
        try await done.futureResult.get()
        #expect(waiting.withLockedValue { $0.most } <= 1, "each turn found that of the one before served")
        try await group.shutdownGracefully()
    }

    @Test("what a loop that ends does not get to is told: nothing is forgotten")
    func dropped() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let work = LoopWork(loop: group.next(), clock: { [record] in record.now() })
        let done = NIOLockedValueBox<[Int]>([])
        let left = NIOLockedValueBox<[Int]>([])
        let all = Array(0..<20_000)
        work.add(
            all.map { number in
                LoopWork.Item { [record] in
                    record.pass(LoopWork.budget)
                    done.withLockedValue { $0.append(number) }
                } dropped: {
                    left.withLockedValue { $0.append(number) }
                }
            })
        try group.syncShutdownGracefully()
        #expect(done.withLockedValue { $0 } + left.withLockedValue { $0 } == all)
        #expect(!left.withLockedValue { $0.isEmpty })
    }
}
