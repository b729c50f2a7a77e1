import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import StreamModel
import StreamSupervisor
import Testing
import WebSocketTransport

@testable import StreamRuntime

/// What concerns many streams at once does not keep the others of an event loop waiting.
@Suite("Many streams at once")
struct ManyStreamsTests {
    /// A clock by which each thing that is done takes a quarter of what the loop has for such things.
    private static func slowBench() -> Bench {
        let bench = Bench()
        let time = NIOLockedValueBox(Int64(0))
        bench.options.stopwatch = {
            time.withLockedValue {
                $0 += LoopWork.budget.nanoseconds / 4
                return Instant(nanoseconds: $0)
            }
        }
        return bench
    }

    private static func plan(_ count: Int) throws -> RuntimePlan {
        RuntimePlan(streams: try (0..<count).map { try Bench.stream("s\($0)", credential: nil) })
    }

    private static func started(_ bench: Bench) -> Int {
        bench.hearings.values.count { $0.contains { !$0.events.isEmpty } }
    }

    private static func stopped(_ bench: Bench) -> Int {
        bench.hearings.values.count { $0.contains { $0.state == .stopped } }
    }

    @Test("begin a few at a time")
    func begin() throws {
        let bench = Self.slowBench()
        bench.runtime.apply(try Self.plan(10))
        bench.run()
        #expect(bench.hearings.count == 10)
        #expect(Self.started(bench) == 4)
        bench.advance(LoopWork.pause)
        #expect(Self.started(bench) == 8)
        bench.advance(LoopWork.pause * 2)
        #expect(Self.started(bench) == 10)
    }

    @Test("end a few at a time, also those that have not begun")
    func end() throws {
        let bench = Self.slowBench()
        bench.runtime.apply(try Self.plan(10))
        bench.run()
        bench.runtime.apply(RuntimePlan(streams: []))
        bench.run()
        #expect(Self.stopped(bench) == 0)
        bench.advance(LoopWork.pause * 3)
        #expect(Self.started(bench) == 10)
        #expect((1..<10).contains(Self.stopped(bench)))
        bench.advance(LoopWork.pause * 4)
        #expect(Self.stopped(bench) == 10)
        #expect(bench.removed.count == 10)
    }

    @Test("connect a few at a time, also where the budget lets all of them")
    func connect() {
        let loop = EmbeddedEventLoop()
        let time = NIOLockedValueBox(Int64(0))
        let work = LoopWork(loop: loop) {
            time.withLockedValue {
                $0 += LoopWork.budget.nanoseconds / 4
                return Instant(nanoseconds: $0)
            }
        }
        let budget = BudgetKeeper(ConnectBudget.Limits(rate: 1_000, burst: 1_000, concurrent: 1_000), loop: loop)
        let granted = NIOLockedValueBox(0)
        for _ in 0..<10 { _ = budget.request(on: work) { _ in granted.withLockedValue { $0 += 1 } } }
        loop.run()
        #expect((1...4).contains(granted.withLockedValue { $0 }))
        loop.advanceTime(by: .nanoseconds(LoopWork.pause.nanoseconds * 10))
        #expect(granted.withLockedValue { $0 } == 10)
    }

    @Test("the process that stops at once ends those that have not begun as well")
    func stop() throws {
        let bench = Self.slowBench()
        bench.runtime.apply(try Self.plan(10))
        let stopping = bench.runtime.stopping(within: .seconds(60))
        bench.run()
        bench.advance(LoopWork.pause * 8)
        #expect(bench.removed.count == 10)
        #expect(throws: Never.self) { try stopping.wait() }
    }

    // MARK: Answers

    private static let many = LoopClosings.most + 20

    /// A bench with so many live streams, whose peers answer when the test says so.
    private static func liveBench(_ count: Int) throws -> Bench {
        let bench = Bench()
        bench.options.budget = ConnectBudget.Limits(rate: 10_000, burst: 10_000, concurrent: 10_000)
        bench.runtime.apply(try plan(count))
        bench.run()
        for connection in bench.network.connections {
            connection.open()
            connection.receive(#"{"type":"subscriptionAck"}"#)
        }
        try #require(bench.hearings.values.count { $0.last?.state == .live } == count)
        return bench
    }

    private static func closing(_ bench: Bench) -> Int {
        bench.network.connections.count { !$0.closeCodes.isEmpty }
    }

    @Test("their peers are asked for few answers at once when they are removed")
    func removal() throws {
        let bench = try Self.liveBench(Self.many)
        bench.runtime.apply(RuntimePlan(streams: []))
        bench.run()
        #expect(Self.closing(bench) == LoopClosings.most)
        for connection in bench.network.connections where !connection.closeCodes.isEmpty {
            connection.close(1000, origin: .local)
        }
        bench.run()
        #expect(Self.closing(bench) == Self.many)
        #expect(bench.removed.count == LoopClosings.most)
    }

    @Test("and peers that never answer do not hold up the removal of the others")
    func removalWithoutAnswers() throws {
        let bench = try Self.liveBench(Self.many)
        bench.runtime.apply(RuntimePlan(streams: []))
        bench.run()
        bench.advance(LoopClosings.patience)
        #expect(Self.closing(bench) == Self.many)
        #expect(bench.removed.isEmpty)
        bench.advance(.seconds(2))
        #expect(bench.removed.count == Self.many)
    }

    @Test("the process that stops sends all close frames at once, also where a removal is under way")
    func stopAtOnce() throws {
        let bench = try Self.liveBench(Self.many * 2)
        var rest = try Self.plan(Self.many * 2)
        rest.streams.removeFirst(Self.many)
        bench.runtime.apply(rest)
        bench.run()
        #expect(Self.closing(bench) == LoopClosings.most)
        let stopping = bench.runtime.stopping(within: .seconds(60))
        bench.run()
        #expect(Self.closing(bench) == Self.many * 2)
        for connection in bench.network.connections { connection.close(1000, origin: .local) }
        bench.run()
        #expect(bench.removed.count == Self.many * 2)
        #expect(throws: Never.self) { try stopping.wait() }
    }

    // MARK: Ticks

    @Test("that are due on the same tick are woken a few at a time")
    func tick() throws {
        let bench = Self.slowBench()
        bench.options.timerSlack = .milliseconds(100)
        bench.runtime.apply(try Self.plan(10))
        bench.advance(LoopWork.pause * 10)
        for connection in bench.network.connections {
            connection.open()
            connection.receive(#"{"type":"subscriptionAck"}"#)
        }
        bench.advance(.seconds(30))
        #expect(bench.network.connections.allSatisfy { $0.pings == 0 })
        // The tick that follows.
        bench.advance(.milliseconds(100) - LoopWork.pause * 10)
        #expect(bench.network.connections.count { $0.pings == 1 } <= 4)
        bench.advance(LoopWork.pause * 10)
        #expect(bench.network.connections.allSatisfy { $0.pings == 1 })
    }

    @Test("that wait for a last answer have no timers of their own")
    func lastAnswerOnTicks() throws {
        let bench = Bench()
        bench.options.timerSlack = .milliseconds(100)
        bench.advance(.milliseconds(1_234))
        let (connection, _) = try bench.live()
        bench.apply()
        bench.advance(.seconds(2))
        #expect(!connection.isAborted)
        bench.advance(.milliseconds(66))
        #expect(connection.isAborted)
        #expect(bench.removed == ["s"])
    }
}
