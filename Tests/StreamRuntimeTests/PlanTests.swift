import Credentials
import NIOCore
import StreamModel
import Testing
import WebSocketTransport

@testable import StreamRuntime

@Suite("Plans and reloads")
struct PlanTests {
    @Test("what is new starts, what is gone stops, what changed restarts, the rest is left alone")
    func changes() throws {
        let bench = Bench()
        let first = bench.apply(
            try Bench.stream("a", credential: nil), try Bench.stream("b", credential: nil),
            try Bench.stream("c", credential: nil))
        #expect(first.added == ["a", "b", "c"])
        for connection in bench.network.connections {
            connection.open()
            connection.receive(#"{"type":"subscriptionAck"}"#)
        }
        let second = bench.apply(
            try Bench.stream("a", credential: nil),
            try Bench.stream("b", credential: nil) { $0.ackTimeout = .seconds(7) },
            try Bench.stream("d", credential: nil))
        #expect(second.untouched == ["a"])
        #expect(second.restarted == ["b"])
        #expect(second.removed == ["c"])
        #expect(second.added == ["d"])
        #expect(bench.network.connections.map(\.closeCodes) == [[], [1000], [1000], []])
        #expect(bench.removed.isEmpty)
        // b begins anew once its old socket is closed, and not before.
        #expect(bench.hearings["b"]?.count == 1)
        bench.network.connections[1].close(1000, origin: .local)
        bench.run()
        #expect(bench.removed == ["b"])
        #expect(bench.hearings["b"]?.count == 2)
        #expect(bench.network.connections.count == 5)
        // c's peer does not answer: its deadline ends it.
        bench.advance(.seconds(2))
        #expect(bench.removed == ["b", "c"])
        #expect(bench.network.connections[2].isAborted)
        #expect(bench.hearings["c"]?.count == 1)
        #expect(bench.hearings["a"]?.count == 1)
    }

    @Test("a plan that comes before the loop got to the one before starts nothing twice")
    func twiceAtOnce() throws {
        let bench = Bench()
        let plan = RuntimePlan(streams: [try Bench.stream(credential: nil)])
        #expect(bench.runtime.apply(plan).added == ["s"])
        #expect(bench.runtime.apply(plan).untouched == ["s"])
        bench.run()
        #expect(bench.hearings["s"]?.count == 1)
        #expect(bench.network.connections.count == 1)
    }

    @Test("a stream that is removed before the loop got to it ends")
    func removedAtOnce() throws {
        let bench = Bench()
        bench.runtime.apply(RuntimePlan(streams: [try Bench.stream(credential: nil)]))
        bench.runtime.apply(RuntimePlan(streams: []))
        bench.run()
        #expect(bench.removed == ["s"])
        #expect(try bench.hearing().state == .stopped)
    }

    @Test("a stream that is added again while it is stopping starts once it has stopped")
    func addedWhileRetiring() throws {
        let bench = Bench()
        let (connection, _) = try bench.live()
        bench.apply()
        bench.apply(try Bench.stream { $0.ackTimeout = .seconds(9) })
        bench.apply(try Bench.stream { $0.ackTimeout = .seconds(8) })
        #expect(bench.hearings["s"]?.count == 1)
        connection.close(1000, origin: .local)
        bench.run()
        #expect(bench.hearings["s"]?.count == 2)
        #expect(bench.removed == ["s"])
        // The last plan counts; the token is still good for a first connection.
        #expect(bench.network.connections.count == 2)
        bench.apply(try Bench.stream { $0.ackTimeout = .seconds(8) })
        #expect(bench.hearings["s"]?.count == 2)
    }

    @Test("another credential restarts the streams that use it, and only those")
    func credentialChanges() throws {
        let bench = Bench()
        bench.apply(try Bench.stream("a"), try Bench.stream("b", credential: nil))
        let changed: [String: CredentialSpecification] = ["c": .bearer(.inline(Secret("new")))]
        let changes = bench.apply(try Bench.stream("a"), try Bench.stream("b", credential: nil), credentials: changed)
        #expect(changes.restarted == ["a"])
        #expect(changes.untouched == ["b"])
        #expect(bench.network.newest?.request.target.query?.contains("access_token=new") == true)
    }

    @Test("a stream that cannot be listened to is not started, and the others are")
    func unlistened() throws {
        let bench = Bench()
        bench.apply(try Bench.stream("unlistened", credential: nil), try Bench.stream("a", credential: nil))
        #expect(bench.network.connections.count == 1)
        #expect(bench.hearings.keys.sorted() == ["a"])
    }

    @Test("a person's reconnect replaces a live connection; an unknown stream is none")
    func reconnect() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        #expect(!bench.runtime.reconnect("x"))
        #expect(bench.runtime.reconnect("s"))
        bench.advance(.zero)
        #expect(hearing.losses.map(\.reason) == [.planned])
        #expect(connection.closeCodes == [1000])
        // At once, and with a token that is newer than the loss.
        try bench.grant("t2")
        #expect(bench.network.connections.count == 2)
    }

    @Test("a reconnect that comes too late does not bring a stopped stream back")
    func reconnectAfterRemoval() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        let driver = try #require(bench.network.delegate(of: 1) as? StreamDriver)
        bench.apply()
        connection.close(1000, origin: .local)
        bench.run()
        #expect(bench.removed == ["s"])
        driver.reconnect()
        bench.advance(.seconds(60))
        #expect(hearing.state == .stopped)
        #expect(bench.network.connections.count == 1)
        #expect(!bench.runtime.reconnect("s"))
    }

    @Test("a stream that had ended and was called back ends with its plan as any other", arguments: [false, true])
    func removalAfterCallBack(isLive: Bool) throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        connection.close(1000)
        try #require(hearing.state == .stopped)
        #expect(bench.runtime.reconnect("s"))
        bench.advance(.zero)
        try bench.grant("t2")
        let second = try bench.connection()
        #expect(second !== connection)
        if isLive {
            second.open()
            second.receive(#"{"type":"reconnectAck"}"#)
            try #require(hearing.state == .live)
        }
        bench.apply()
        #expect(second.closeCodes == (isLive ? [1000] : []))
        #expect(second.isAborted == !isLive)
        if isLive { second.close(1000, origin: .local) }
        bench.advance(.seconds(600))
        #expect(hearing.state == .stopped)
        #expect(bench.removed == ["s"])
        #expect(bench.network.connections.count == 2)
    }

    @Test("the end sends close frames and waits for the sockets")
    func stop() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        let isOver = Flag()
        bench.runtime.stopping(within: .seconds(5)).whenComplete { _ in isOver.isRaised = true }
        bench.run()
        #expect(connection.closeCodes == [1000])
        #expect(!isOver.isRaised)
        connection.close(1000, origin: .local)
        bench.run()
        #expect(isOver.isRaised)
        #expect(hearing.losses.map(\.reason) == [.shutdown])
        #expect(bench.removed == ["s"])
        // Nothing starts after the end.
        bench.apply(try Bench.stream("late", credential: nil))
        #expect(bench.hearings["late"] == nil)
    }

    @Test("the end waits for streams that were stopping already, and starts nothing in their place")
    func stopWhileRetiring() throws {
        let bench = Bench()
        let (connection, _) = try bench.live()
        bench.apply(try Bench.stream { $0.ackTimeout = .seconds(9) })
        let isOver = Flag()
        bench.runtime.stopping(within: .seconds(5)).whenComplete { _ in isOver.isRaised = true }
        bench.run()
        #expect(!isOver.isRaised)
        connection.close(1000, origin: .local)
        bench.run()
        #expect(isOver.isRaised)
        #expect(bench.hearings["s"]?.count == 1)
    }

    @Test("the end does not wait for longer than it may")
    func stopWithinLimit() throws {
        let bench = Bench()
        let (_, _) = try bench.live { $0.closeTimeout = .seconds(60) }
        let isOver = Flag()
        bench.runtime.stopping(within: .seconds(3)).whenComplete { _ in isOver.isRaised = true }
        bench.advance(.milliseconds(2_999))
        #expect(!isOver.isRaised)
        bench.advance(.milliseconds(1))
        #expect(isOver.isRaised)
    }
}

/// Unchecked: a test and its embedded loop run on one thread.
final class Flag: @unchecked Sendable {
    var isRaised = false
}
