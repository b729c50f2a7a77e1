import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing
import WebSocketTransport

@Suite(.timeLimit(.minutes(5))) struct ClosingTests {
    /// What the server saw after the 101, until the connection was gone.
    private final class Seen: Sendable {
        let frames = NIOLockedValueBox<[Wire.Frame]>([])
        private let promise: EventLoopPromise<Void>

        init() { promise = MultiThreadedEventLoopGroup.singleton.next().makePromise() }

        func watch(_ connection: RawConnection) {
            connection.onBytes = { [self] connection in
                while let frame = Wire.takeFrame(&connection.received) { frames.withLockedValue { $0.append(frame) } }
            }
            connection.onClosed = { [promise] _ in promise.succeed() }
        }

        /// The frames, once the client has closed its side too.
        func whenGone() async throws -> [Wire.Frame] {
            try await promise.futureResult.get()
            return frames.withLockedValue { $0 }
        }
    }

    @Test func answersTheCloseOfThePeerWithItsCode() async throws {
        let seen = Seen()
        let server = try await RawServer.start { connection in
            connection.upgrade(with: Wire.close(4401, "401 token")) { seen.watch($0) }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened, .closed(.peer, 4401, "401 token")])
        // The server never closes its side: the client does, after its linger.
        #expect(try await seen.whenGone() == [Wire.Frame(opcode: 8, payload: [0x11, 0x31])])
        try await server.stop()
    }

    @Test func answersACloseWithoutCode() async throws {
        let seen = Seen()
        let server = try await RawServer.start { connection in
            connection.upgrade(with: Wire.frame(8)) { seen.watch($0) }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened, .closed(.peer, 1005, "")])
        #expect(try await seen.whenGone() == [Wire.Frame(opcode: 8, payload: [])])
        try await server.stop()
    }

    @Test func nothingIsHeardAfterTheClose() async throws {
        let server = try await RawServer.start {
            $0.upgrade(with: Wire.close(1000) + Wire.text("late") + [0xFF, 0xFF])
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened, .closed(.peer, 1000, "")])
        try await server.stop()
    }

    @Test func closesByItselfAndHearsWhatWasOnTheWay() async throws {
        let server = try await RawServer.start { connection in
            connection.upgrade { connection in
                connection.onBytes = { connection in
                    guard let frame = Wire.takeFrame(&connection.received), frame.opcode == 8 else { return }
                    connection.send(Wire.text("on the way") + Wire.frame(8, frame.payload))
                    connection.close()
                }
            }
        }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/",
            hooks: .init(opened: { connection in
                connection.close(code: 1001, reason: "leaving")
                #expect(!connection.isOpen)
                #expect(throws: WebSocketSendError.notOpen) { try connection.send(text: "x") }
                connection.close(code: 1000)
            }))
        #expect(record.story == [.opened, .text("on the way"), .closed(.local, 1001, "leaving")])
        try await server.stop()
    }

    @Test func anEndInsteadOfAnAnswerToTheClose() async throws {
        let server = try await RawServer.start { $0.upgrade { $0.onBytes = { $0.close() } } }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/", hooks: .init(opened: { $0.close() }))
        #expect(
            record.story == [
                .opened, .closed(.local, 1006, "the connection ended without an answer to the close frame"),
            ])
        try await server.stop()
    }

    @Test func aResetIsTheTransports() async throws {
        let server = try await RawServer.start { connection in
            connection.upgrade { $0.onBytes = { $0.reset() } }
        }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/", hooks: .init(opened: { try? $0.send(text: "x") }))
        #expect(record.story == [.opened, .closed(.endOfStream, 1006, "Connection reset by peer")])
        try await server.stop()
    }

    private static let violations: [([UInt8], UInt16)] = [
        (Wire.frame(3), 1002), (Wire.frame(1, [0xFF, 0xFE]), 1007), ([0x81, 0x80, 0, 0, 0, 0], 1002),
        (Wire.close(1005), 1002), (Wire.frame(9, [], fin: false), 1002),
    ]

    @Test(arguments: violations)
    func aBrokenProtocolIsAnsweredWithItsCode(bytes: [UInt8], code: UInt16) async throws {
        let seen = Seen()
        let server = try await RawServer.start { connection in
            connection.upgrade(with: Wire.text("good") + bytes + Wire.text("ignored")) { seen.watch($0) }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story.prefix(2) == [.opened, .text("good")])
        guard case .closed(.protocolError, 1006, let reason)? = record.story.last, record.story.count == 3 else {
            Issue.record("\(record.story)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(try await seen.whenGone() == [Wire.Frame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)])])
        try await server.stop()
    }

    @Test func aMessageTooLargeIsAnsweredWith1009() async throws {
        let seen = Seen()
        let server = try await RawServer.start { connection in
            connection.upgrade(
                with: Wire.frame(2, [UInt8](repeating: 0, count: 100))
                    + Wire.frame(2, [UInt8](repeating: 0, count: 101))
            ) { seen.watch($0) }
        }
        var options = WebSocketOptions.test
        options.maxMessageSize = 100
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/", options: options)
        #expect(record.story.prefix(2) == [.opened, .binary(100)])
        guard case .closed(.tooLarge, 1006, _)? = record.story.last else {
            Issue.record("\(record.story)")
            return
        }
        #expect(try await seen.whenGone().first?.payload.prefix(2) == [0x03, 0xF1])
        try await server.stop()
    }

    @Test func anAbortInTheMiddleOfABatchIsTheLastWord() async throws {
        let server = try await RawServer.start { $0.upgrade(with: Wire.text("a") + Wire.text("b") + Wire.close(1000)) }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/", hooks: .init(text: { connection, _ in connection.abort() }))
        #expect(record.story == [.opened, .text("a"), .closed(.local, 1006, "dropped by this side")])
        try await server.stop()
    }

    @Test func anAbortInTheOpeningIsTheLastWord() async throws {
        let server = try await RawServer.start { $0.upgrade(with: Wire.text("a")) }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/", hooks: .init(opened: { $0.abort() }))
        #expect(record.story == [.opened, .closed(.local, 1006, "dropped by this side")])
        try await server.stop()
    }
}
