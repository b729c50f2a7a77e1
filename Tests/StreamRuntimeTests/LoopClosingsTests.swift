import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import NIOPosix
import StreamModel
import Testing

@testable import StreamRuntime

@Suite("Closings of one loop")
struct LoopClosingsTests {
    /// Closings that begin and wait for the answers of their peers, which the test gives.
    private final class Peers: Sendable {
        private let told = NIOLockedValueBox((begun: [Int](), dropped: [Int]()))
        private let asked: NIOLoopBoundBox<[Int: () -> Void]>

        init(on loop: any EventLoop) { asked = NIOLoopBoundBox.makeBoxSendingValue([:], eventLoop: loop) }

        var begun: [Int] { told.withLockedValue { $0.begun } }
        var dropped: [Int] { told.withLockedValue { $0.dropped } }

        func closings(_ numbers: Range<Int>) -> [LoopClosings.Closing] {
            numbers.map { number in
                LoopClosings.Closing { [self] over in
                    told.withLockedValue { $0.begun.append(number) }
                    asked.value[number] = over
                } dropped: { [self] in
                    told.withLockedValue { $0.dropped.append(number) }
                }
            }
        }

        func answer(_ numbers: Range<Int>) {
            for number in numbers { asked.value.removeValue(forKey: number)?() }
        }
    }

    private let loop = EmbeddedEventLoop()
    private let most = LoopClosings.most

    /// By a clock that stands still: all work fits into one turn.
    private func make() -> (closings: LoopClosings, peers: Peers) {
        let work = LoopWork(loop: loop, clock: { Instant(nanoseconds: 0) })
        return (LoopClosings(work: work, loop: loop), Peers(on: loop))
    }

    private func pass(_ duration: Duration) {
        loop.advanceTime(by: .nanoseconds(duration.nanoseconds))
    }

    @Test("no more are awaited than may be; for each that is over the next one begins, in order")
    func bounded() {
        let (closings, peers) = make()
        closings.add(peers.closings(0..<most + 10))
        #expect(peers.begun.isEmpty, "on the loop, not where it was asked for")
        loop.run()
        #expect(peers.begun == Array(0..<most))
        peers.answer(5..<6)
        loop.run()
        #expect(peers.begun == Array(0..<most + 1))
        peers.answer(0..<most)
        loop.run()
        #expect(peers.begun == Array(0..<most + 10))
    }

    @Test("answers that arrive together do not make room twice")
    func together() {
        let (closings, peers) = make()
        closings.add(peers.closings(0..<most * 3))
        loop.run()
        peers.answer(0..<most)
        peers.answer(0..<most)
        loop.run()
        #expect(peers.begun.count == most * 2)
    }

    @Test("what is over as soon as it begins takes no room")
    func overAtOnce() {
        let (closings, _) = make()
        let count = NIOLockedValueBox(0)
        closings.add(
            (0..<most * 5).map { _ in
                LoopClosings.Closing { over in
                    count.withLockedValue { $0 += 1 }
                    over()
                } dropped: {
                    Issue.record("the loop did not end")
                }
            })
        loop.run()
        #expect(count.withLockedValue { $0 } == most * 5)
    }

    @Test("a peer that never answers holds nobody up for longer than it is waited for")
    func neverAnswered() {
        let (closings, peers) = make()
        closings.add(peers.closings(0..<most * 3))
        pass(LoopClosings.patience - .milliseconds(1))
        #expect(peers.begun.count == most)
        pass(.milliseconds(1))
        #expect(peers.begun == Array(0..<most * 2))
        pass(LoopClosings.patience)
        #expect(peers.begun == Array(0..<most * 3))
    }

    @Test("each is waited for from its own beginning, and one that answers late makes no more room")
    func late() {
        let (closings, peers) = make()
        closings.add(peers.closings(0..<most * 4))
        let half = LoopClosings.patience / 2
        pass(half)
        peers.answer(0..<10)
        loop.run()
        #expect(peers.begun.count == most + 10)
        pass(half)
        // The first ones are not awaited any more; those that began after ten of them are.
        #expect(peers.begun.count == most * 2)
        peers.answer(10..<most)
        loop.run()
        #expect(peers.begun.count == most * 2)
        pass(half)
        #expect(peers.begun.count == most * 2 + 10)
    }

    @Test("in a hurry all of them begin, also those that come later")
    func hurry() {
        let (closings, peers) = make()
        closings.add(peers.closings(0..<most * 2))
        loop.run()
        closings.hurry()
        closings.add(peers.closings(most * 2..<most * 3))
        loop.run()
        #expect(peers.begun == Array(0..<most * 3))
    }

    @Test("what a loop that ends does not get to is told: nothing is forgotten")
    func dropped() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let closings = LoopClosings(work: LoopWork(loop: loop, clock: { Instant(nanoseconds: 0) }), loop: loop)
        let peers = Peers(on: loop)
        closings.add(peers.closings(0..<most * 100))
        try group.syncShutdownGracefully()
        #expect(peers.begun + peers.dropped == Array(0..<most * 100))
        #expect(!peers.dropped.isEmpty)
    }
}
