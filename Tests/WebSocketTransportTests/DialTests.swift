import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import WebSocketTransport

/// Gives what a test wants, or nothing at all.
private struct FixedResolver: HostResolver {
    var result: Result<[SocketAddress], ResolutionError>?

    func resolve(host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        let promise = loop.makePromise(of: [SocketAddress].self)
        // A look-up without an end: kept until the loop's next hour, since a promise must not be dropped.
        guard let result else {
            loop.scheduleTask(in: .hours(1)) { promise.fail(ResolutionError("late")) }
                .futureResult.whenFailure { promise.fail($0) }
            return promise.futureResult
        }
        promise.completeWith(result.mapError { $0 as any Error })
        return promise.futureResult
    }
}

@Suite(.timeLimit(.minutes(5))) struct DialTests {
    @Test func aRefusedPortIsRefused() async throws {
        let port = try await RawServer.unusedPort()
        let record = try await Recorder.run("ws://127.0.0.1:\(port)/")
        #expect(record.story == [.failed])
        #expect(record.failure?.kind == .refused)
        #expect(record.failure?.text == "can't connect to 127.0.0.1 port \(port): connection refused")
        #expect(record.failure?.phases.tcp == nil)
    }

    @Test func anUnknownHostIsDNS() async throws {
        var options = WebSocketOptions.test
        options.dial.resolver = FixedResolver(result: .failure(ResolutionError("Name or service not known")))
        let record = try await Recorder.run("ws://nowhere.example/?token=s3cret", options: options)
        #expect(record.failure?.kind == .dns)
        #expect(record.failure?.text == "can't resolve nowhere.example: Name or service not known")
        #expect(record.failure?.phases == DialPhases())
    }

    @Test func theSystemResolverAnswers() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let addresses = try await SystemResolver.shared.resolve(host: "localhost", port: 81, on: loop).get()
        #expect(addresses.contains { $0.ipAddress == "127.0.0.1" || $0.ipAddress == "::1" })
        #expect(addresses.allSatisfy { $0.port == 81 })
        // A label of 64 bytes can't be asked for, so no server is asked.
        let name = String(repeating: "a", count: 64) + ".invalid"
        await #expect(throws: ResolutionError.self) {
            try await SystemResolver.shared.resolve(host: name, port: 81, on: loop).get()
        }
    }

    @Test func timesEachPhase() async throws {
        let server = try await RawServer.start { $0.upgrade(with: Wire.close(1000)) }
        var options = WebSocketOptions.test
        options.dial.resolver = FixedResolver(
            result: .success([try SocketAddress(ipAddress: "127.0.0.1", port: server.port)]))
        let record = try await Recorder.run("ws://gateway.example:\(server.port)/", options: options)
        let phases = try #require(record.opening?.phases)
        #expect(phases.dns != nil && phases.tcp != nil && phases.answer != nil)
        #expect(phases.tls == nil && phases.proxy == nil)
        try await server.stop()
    }

    @Test func triesTheNextAddress() async throws {
        let server = try await RawServer.start { $0.upgrade(with: Wire.close(1000)) }
        var options = WebSocketOptions.test
        // Nothing listens on the server's port of ::1, nor has every machine IPv6.
        options.dial.resolver = FixedResolver(
            result: .success([
                try SocketAddress(ipAddress: "::1", port: server.port),
                try SocketAddress(ipAddress: "127.0.0.1", port: server.port),
            ]))
        let record = try await Recorder.run("ws://gateway.example:\(server.port)/", options: options)
        #expect(record.story == [.opened, .closed(.peer, 1000, "")])
        try await server.stop()
    }

    @Test func aLookUpWithoutEndTimesOut() async throws {
        var options = WebSocketOptions.test(timeout: .milliseconds(50))
        options.dial.resolver = FixedResolver(result: nil)
        let record = try await Recorder.run("ws://slow.example/", options: options)
        #expect(record.failure?.kind == .timeout(.dns))
        #expect(record.failure?.text.contains("resolving the name") == true)
    }

    @Test func aServerWithoutAnswerTimesOut() async throws {
        let deadline = Deadline()
        let server = try await RawServer.start { $0.onRequest { _, _ in deadline.pass() } }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/?t=s3cret", hooks: deadline.hooks)
        #expect(record.story == [.failed])
        #expect(record.failure?.kind == .timeout(.answer))
        #expect(record.failure?.phases.tcp != nil)
        #expect(record.failure?.text.contains("s3cret") == false)
        try await server.stop()
    }

    @Test func anAbortBeforeTheOpenIsToldOnce() async throws {
        let bound = NIOLockedValueBox<NIOLoopBound<WebSocketConnection>?>(nil)
        let server = try await RawServer.start { connection in
            connection.onRequest { _, _ in
                guard let waiting = bound.withLockedValue({ $0 }) else { return }
                waiting.eventLoop.execute { waiting.value.close() }
            }
        }
        let early = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/",
            hooks: .init(started: { connection in
                connection.abort()
                connection.abort()
            }))
        #expect(early.story == [.failed])
        #expect(early.failure?.kind == .aborted)
        let later = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/",
            hooks: .init(started: { connection in
                bound.withLockedValue { $0 = NIOLoopBound(connection, eventLoop: connection.loop) }
            }))
        #expect(later.story == [.failed])
        #expect(later.failure?.kind == .aborted)
        try await server.stop()
    }

    @Test func judgesErrorsOfTheSocket() {
        func judge(_ code: CInt) -> DialFailure.Kind { Dial.judge(IOError(errnoCode: code, reason: "connect")).kind }
        #expect(judge(ECONNREFUSED) == .refused)
        #expect(judge(ETIMEDOUT) == .timeout(.tcp))
        #expect(judge(EHOSTUNREACH) == .other)
        #expect(judge(EMFILE) == .other)
        #expect(Dial.judge(ChannelError.connectTimeout(.seconds(1))).kind == .timeout(.tcp))
        #expect(Dial.judge(IOError(errnoCode: EHOSTUNREACH, reason: "connect")).words == "No route to host")
    }
}
