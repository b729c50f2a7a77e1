import NIOCore
import StreamModel
import Testing
import WebSocketTransport

@testable import StreamRuntime

/// A process that holds a runtime for a while and then another, as a library's may, must not keep the first.
@Suite("What a runtime leaves behind")
struct ReleaseTests {
    private struct Witness {
        weak var runtime: StreamRuntime?
        weak var driver: StreamDriver?
        weak var keeper: CredentialKeeper?

        /// What is not freed.
        var held: [String] {
            let all: [(String, AnyObject?)] = [("runtime", runtime), ("driver", driver), ("keeper", keeper)]
            return all.filter { $0.1 != nil }.map(\.0)
        }
    }

    /// Runs `body` with a runtime that is live, stops it, and gives what was part of it.
    private func witness(stoppedAfter body: (Bench, FakeConnection) throws -> Void) throws -> Witness {
        let bench = Bench()
        let (connection, _) = try bench.live()
        var witness = Witness()
        witness.runtime = bench.runtime
        witness.driver = bench.network.delegate(of: 1) as? StreamDriver
        witness.keeper = witness.driver?.credential
        try #require(witness.driver != nil && witness.keeper != nil)
        try body(bench, connection)
        _ = bench.runtime.stopping(within: .seconds(3))
        bench.run()
        // Whoever does not answer the close is left behind at the deadline.
        bench.advance(.seconds(120))
        #expect(bench.removed == ["s"])
        bench.network.forget()
        bench.forget()
        return witness
    }

    private func expectNothing(_ witness: Witness) {
        #expect(witness.held == [])
    }

    @Test("stopped while live")
    func live() throws {
        expectNothing(try witness { _, _ in })
    }

    @Test("stopped while it backs off")
    func backingOff() throws {
        expectNothing(try witness { _, connection in connection.close(1011) })
    }

    @Test("stopped while it waits for a token")
    func awaitingToken() throws {
        expectNothing(
            try witness { bench, connection in
                // What was granted before is not good for a reconnect.
                bench.advance(.seconds(1))
                connection.close(1011)
                bench.advance(.seconds(2))
                try #require(bench.network.requests.count == 2)
                // NIO's debug builds insist that each promise is kept.
                bench.network.requests[1].fail(.timeout(.answer))
            })
    }

    @Test("stopped while a connection is being made")
    func connecting() throws {
        expectNothing(
            try witness { bench, connection in
                // What was granted before is not good for a reconnect.
                bench.advance(.seconds(1))
                connection.close(1011)
                bench.advance(.seconds(2))
                try bench.grant("t2")
                try #require(bench.network.connections.count == 2)
            })
    }

    @Test("stopped after a person called it back")
    func calledBack() throws {
        expectNothing(
            try witness { bench, connection in
                connection.close(1000)
                #expect(bench.runtime.reconnect("s"))
                bench.advance(.zero)
                try bench.grant("t2")
                try bench.connection().open()
            })
    }

    @Test("a credential goes with the last plan that names it, and one that comes back begins anew")
    func credential() throws {
        let bench = Bench()
        let (connection, _) = try bench.live()
        weak let keeper = (bench.network.delegate(of: 1) as? StreamDriver)?.credential
        try #require(keeper != nil)
        bench.apply(credentials: [:])
        connection.close(1000, origin: .local)
        bench.run()
        #expect(bench.removed == ["s"])
        bench.network.forget()
        let isFreed = keeper == nil
        #expect(isFreed)
        bench.apply(try Bench.stream())
        // What was granted before was its predecessor's.
        try bench.grant("t2")
        #expect(try bench.connection().request.target.query?.contains("access_token=t2") == true)
        // NIO's debug builds insist that each promise is kept.
        _ = bench.runtime.stopping(within: .seconds(3))
        bench.advance(.seconds(60))
    }
}
