import NIOCore
import Testing
import WebSocketTransport

@Suite(.timeLimit(.minutes(5))) struct MessageTests {
    @Test func sendsAndReceives() async throws {
        let server = try await RawServer.start { connection in
            connection.upgrade { connection in
                connection.onBytes = { connection in
                    while let frame = Wire.takeFrame(&connection.received) {
                        switch frame.opcode {
                        case 1: connection.send(Wire.text("heard " + frame.text))
                        case 2: connection.send(Wire.frame(2, frame.payload))
                        case 8: connection.send(Wire.frame(8, frame.payload))
                        default: break
                        }
                    }
                }
            }
        }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/",
            hooks: .init(
                opened: { connection in
                    try? connection.send(text: "one")
                    try? connection.send(binary: [UInt8](repeating: 7, count: 70_000))
                    try? connection.send(text: "last")
                },
                text: { connection, text in if text == "heard last" { connection.close(code: 1000, reason: "done") } }))
        #expect(
            record.story == [
                .opened, .text("heard one"), .binary(70_000), .text("heard last"), .closed(.local, 1000, "done"),
            ])
        #expect(record.bytesSent > 70_000)
        #expect(record.bytesReceived > 70_000)
        try await server.stop()
    }

    @Test func tellsTheEndOfEachBatch() async throws {
        let server = try await RawServer.start { $0.upgrade(with: Wire.text("a")) { $0.close() } }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        let message = try #require(record.heard.firstIndex(of: .text("a")))
        #expect(record.heard[(message + 1)...].first == .readCompleted)
        #expect(record.heard.last != .readCompleted)
        try await server.stop()
    }

    @Test func putsFragmentsTogether() async throws {
        let frames =
            Wire.text("he", fin: false) + Wire.frame(9, [1]) + Wire.frame(0, Array("l".utf8), fin: false)
            + Wire.frame(0, Array("lo".utf8)) + Wire.close(1000)
        let server = try await RawServer.start { $0.upgrade(with: frames) }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened, .text("hello"), .closed(.peer, 1000, "")])
        try await server.stop()
    }

    @Test func answersPingsAndHearsPongs() async throws {
        let server = try await RawServer.start { connection in
            connection.upgrade(with: Wire.frame(9, [1, 2]) + Wire.frame(10, [3])) { connection in
                connection.onBytes = { connection in
                    while let frame = Wire.takeFrame(&connection.received) {
                        if frame == Wire.Frame(opcode: 10, payload: [1, 2]) { connection.send(Wire.text("pong came")) }
                        if frame.opcode == 9 { connection.send(Wire.frame(10, frame.payload) + Wire.close(1000)) }
                    }
                }
            }
        }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/",
            hooks: .init(text: { connection, _ in try? connection.sendPing([9, 9]) }))
        #expect(
            record.story == [.opened, .pong([3]), .text("pong came"), .pong([9, 9]), .closed(.peer, 1000, "")])
        try await server.stop()
    }

    /// A peer that sends a million pings and reads none of the pongs must not grow our queue: `send` still has room.
    @Test func aFloodOfPingsStaysBounded() async throws {
        let flood = [[UInt8]](repeating: Wire.frame(9, [UInt8](repeating: 1, count: 125)), count: 1000).flatMap { $0 }
        let server = try await RawServer.start { connection in
            connection.upgrade { connection in
                // Reads no more, so that pongs pile up on the other side.
                guard let channel = connection.channel else { return }
                try? channel.syncOptions?.setOption(.autoRead, value: false)
                for _ in 0..<200 { connection.send(flood) }
                connection.send(Wire.text("flooded"))
            }
        }
        var options = WebSocketOptions.test
        // Less than the pongs of the flood, 25 MB, and far more than the limit from which on only the newest is kept.
        options.maxOutboundBytes = 8 << 20
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/", options: options,
            hooks: .init(text: { connection, _ in
                do {
                    try connection.send(binary: [UInt8](repeating: 0, count: 7 << 20))
                } catch {
                    Issue.record("no room after pings: \(error)")
                }
                connection.abort()
            }))
        #expect(record.story == [.opened, .text("flooded"), .closed(.local, 1006, "dropped by this side")])
        #expect(record.bytesSent < 20 << 20)
        try await server.stop()
    }

    @Test func aPeerThatDoesNotReadMakesSendFail() async throws {
        let server = try await RawServer.start { connection in
            connection.upgrade { try? $0.channel?.syncOptions?.setOption(.autoRead, value: false) }
        }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/",
            hooks: .init(opened: { connection in
                let block = [UInt8](repeating: 1, count: 1 << 20)
                var sent = 0
                var failure: (any Error)?
                // Within one turn of the loop nothing more can be written, so it must end.
                while failure == nil, sent < 64 {
                    do {
                        try connection.send(binary: block)
                        sent += 1
                    } catch { failure = error }
                }
                #expect(failure as? WebSocketSendError == .backlog)
                #expect((14...40).contains(sent))
                connection.abort()
                #expect(throws: WebSocketSendError.notOpen) { try connection.send(text: "x") }
            }))
        #expect(record.story.last == .closed(.local, 1006, "dropped by this side"))
        try await server.stop()
    }

    @Test func manyMessagesKeepTheirOrder() async throws {
        let count = 20_000
        let server = try await RawServer.start { connection in
            connection.upgrade { connection in
                var bytes: [UInt8] = []
                for number in 0..<count { bytes += Wire.text("\(number)") }
                connection.send(bytes + Wire.close(1000))
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened] + (0..<count).map { .text("\($0)") } + [.closed(.peer, 1000, "")])
        try await server.stop()
    }

    @Test func agreesOnCompression() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, head in
                let offer = Wire.header("Sec-WebSocket-Extensions", of: head) ?? ""
                let plain = Wire.acceptance(of: head)
                // One character: Swift takes CR LF as one.
                let answer = plain.dropLast() + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
                // "Hello" as RFC 7692 section 7.2.3.1 shows it.
                let hello: [UInt8] = [0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
                connection.send(
                    offer.contains("permessage-deflate")
                        ? Array(answer.utf8) + hello + Wire.close(1000) : Array(plain.utf8))
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/", options: WebSocketOptions())
        #expect(record.opening?.isCompressed == true)
        #expect(record.story == [.opened, .text("Hello"), .closed(.peer, 1000, "")])
        try await server.stop()
    }
}
