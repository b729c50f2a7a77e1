import StreamModel
import StreamSupervisor
import Testing
import WebSocketTransport

@testable import StreamRuntime

@Suite("The connect budget of streams")
struct BudgetTests {
    @Test("who has to wait for the budget is told how long it took")
    func waits() throws {
        let bench = Bench()
        bench.options.budget = ConnectBudget.Limits(rate: 1, burst: 1, concurrent: 10)
        bench.apply(
            try Bench.stream("a", credential: nil), try Bench.stream("b", credential: nil),
            try Bench.stream("c", credential: nil))
        #expect(bench.network.connections.count == 1)
        #expect(try bench.hearing("a").budgetWaits.isEmpty)
        bench.advance(.seconds(1) + .nanoseconds(1))
        #expect(bench.network.connections.count == 2)
        bench.advance(.seconds(1) + .nanoseconds(1))
        #expect(bench.network.connections.count == 3)
        #expect(try bench.hearing("b").budgetWaits == [.seconds(1) + .nanoseconds(1)])
        #expect(try bench.hearing("c").budgetWaits.first.map { $0 >= .seconds(2) } == true)
    }

    @Test("an attempt gives its place back when it is live or has failed")
    func concurrent() throws {
        let bench = Bench()
        bench.options.budget = ConnectBudget.Limits(rate: 1000, burst: 1000, concurrent: 1)
        bench.apply(
            try Bench.stream("a", credential: nil), try Bench.stream("b", credential: nil),
            try Bench.stream("c", credential: nil))
        #expect(bench.network.connections.count == 1)
        try bench.connection().open()
        bench.run()
        #expect(bench.network.connections.count == 1)
        try bench.connection().receive(#"{"type":"subscriptionAck"}"#)
        bench.run()
        #expect(bench.network.connections.count == 2)
        try bench.connection().fail(.refused)
        bench.run()
        #expect(bench.network.connections.count == 3)
    }

    @Test("a stream that goes while it waits gives up its place in the queue")
    func leaves() throws {
        let bench = Bench()
        bench.options.budget = ConnectBudget.Limits(rate: 1000, burst: 1000, concurrent: 1)
        bench.apply(try Bench.stream("a", credential: nil), try Bench.stream("b", credential: nil))
        bench.apply(try Bench.stream("a", credential: nil))
        #expect(bench.removed == ["b"])
        try bench.connection().fail(.refused)
        bench.advance(.seconds(1))
        #expect(bench.network.connections.count == 2)
        #expect(bench.hearings["b"]?.count == 1)
    }

    @Test("streams of another credential have a budget of their own")
    func separate() throws {
        let bench = Bench()
        bench.options.budget = ConnectBudget.Limits(rate: 1, burst: 1, concurrent: 1)
        bench.apply(try Bench.stream("a", credential: nil), try Bench.stream("b"))
        #expect(bench.network.connections.count == 1)
        try bench.grant("t1")
        #expect(bench.network.connections.count == 2)
    }
}
