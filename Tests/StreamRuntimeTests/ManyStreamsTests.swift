import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import StreamModel
import StreamSupervisor
import Testing

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
}
