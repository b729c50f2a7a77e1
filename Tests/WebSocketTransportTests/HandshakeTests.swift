import Testing
import WebSocketTransport

@Suite(.timeLimit(.minutes(5))) struct HandshakeTests {
    @Test func sendsWhatItWasTold() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, head in
                // Told back in the refusal's body.
                connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: \(head.utf8.count)\r\n\r\n\(head)")
            }
        }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/a/b?access_token=t&reconnect=true",
            headers: [HTTPHeaderField("Authorization", "Bearer abc")])
        guard case .refusedByServer(let refusal)? = record.failure?.kind else {
            Issue.record("\(String(describing: record.failure))")
            return
        }
        let head = String(decoding: refusal.body, as: UTF8.self)
        #expect(head.hasPrefix("GET /a/b?access_token=t&reconnect=true HTTP/1.1\r\n"))
        #expect(Wire.header("Host", of: head) == "127.0.0.1:\(server.port)")
        #expect(Wire.header("Authorization", of: head) == "Bearer abc")
        #expect(Wire.header("Sec-WebSocket-Version", of: head) == "13")
        try await server.stop()
    }

    @Test func keepsFramesOfTheSegmentOfThe101() async throws {
        let server = try await RawServer.start {
            $0.upgrade(with: Wire.text("a") + Wire.text("b") + Wire.close(1001, "bye"))
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened, .text("a"), .text("b"), .closed(.peer, 1001, "bye")])
        try await server.stop()
    }

    /// The end follows the frames at once: what came before it must still be heard, every time.
    @Test func keepsThemWhenTheEndFollowsAtOnce() async throws {
        let server = try await RawServer.start { $0.upgrade(with: Wire.text("a") + Wire.text("b")) { $0.close() } }
        for _ in 0..<100 {
            let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
            #expect(
                record.story == [
                    .opened, .text("a"), .text("b"),
                    .closed(.endOfStream, 1006, "the connection ended without a close frame"),
                ])
        }
        try await server.stop()
    }

    @Test func takesTheAnswerByteByByte() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, head in
                for byte in Array(Wire.acceptance(of: head).utf8) + Wire.text("h\u{e9}llo") + Wire.close(1000) {
                    connection.send([byte])
                }
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.opened, .text("h\u{e9}llo"), .closed(.peer, 1000, "")])
        try await server.stop()
    }

    @Test func tellsARefusal() async throws {
        let body = String(repeating: "x", count: 3000)
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send(
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nX-Id: 9\r\nContent-Length: 3000\r\n\r\n\(body)"
                )
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/p?token=s3cret")
        let failure = try #require(record.failure)
        guard case .refusedByServer(let refusal) = failure.kind else {
            Issue.record("\(failure)")
            return
        }
        #expect(refusal.status == 429)
        #expect(refusal.retryAfter == "7")
        #expect(refusal.headers.first(named: "x-id") == "9")
        #expect(refusal.body == Array(body.utf8.prefix(HTTPRefusal.maxBodySize)))
        #expect(failure.phases.answer != nil)
        #expect(failure.text == "ws://127.0.0.1:\(server.port)/p refused the WebSocket: 429 Too Many Requests")
        try await server.stop()
    }

    @Test func doesNotFollowARedirect() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.failure?.text.hasSuffix("302 Found; redirects are not followed") == true)
        try await server.stop()
    }

    @Test func tellsARefusalWhoseBodyEndsWithTheConnection() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 502 Bad Gateway\r\n\r\nsorry")
                connection.close()
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        guard case .refusedByServer(let refusal)? = record.failure?.kind else {
            Issue.record("\(String(describing: record.failure))")
            return
        }
        #expect(refusal.status == 502)
        #expect(refusal.body == Array("sorry".utf8))
        try await server.stop()
    }

    @Test func tellsARefusalWhoseBodyNeverEnds() async throws {
        let deadline = Deadline()
        let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\nno"
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send(answer)
                deadline.pass(afterBytes: UInt64(answer.utf8.count))
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/", hooks: deadline.hooks)
        guard case .refusedByServer(let refusal)? = record.failure?.kind else {
            Issue.record("\(String(describing: record.failure))")
            return
        }
        #expect(refusal.status == 403)
        try await server.stop()
    }

    @Test func aServerThatClosesWithoutAnAnswerIsClosed() async throws {
        let server = try await RawServer.start { $0.onRequest { connection, _ in connection.close() } }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.failure?.kind == .closed)
        #expect(record.failure?.text.contains("closed the connection") == true)
        try await server.stop()
    }

    @Test func aServerThatClosesAtOnceIsClosed() async throws {
        let server = try await RawServer.start { $0.close() }
        for _ in 0..<20 {
            let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
            #expect(record.story == [.failed])
            #expect(record.failure?.kind == .closed, "\(String(describing: record.failure))")
        }
        try await server.stop()
    }

    @Test func aServerThatResetsIsClosed() async throws {
        let server = try await RawServer.start { $0.onRequest { connection, _ in connection.reset() } }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.failure?.kind == .closed, "\(String(describing: record.failure))")
        try await server.stop()
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
    ])
    func anythingElseBreaksTheProtocol(answer: String) async throws {
        let server = try await RawServer.start { $0.onRequest { connection, _ in connection.send(answer) } }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.story == [.failed])
        #expect(record.failure?.kind == .protocol, "\(String(describing: record.failure))")
        try await server.stop()
    }

    @Test func anEndlessHeadBreaksTheProtocol() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send(
                    "HTTP/1.1 101 X\r\n"
                        + String(repeating: "X-Y: \(String(repeating: "z", count: 1000))\r\n", count: 2000))
            }
        }
        let record = try await Recorder.run("ws://127.0.0.1:\(server.port)/")
        #expect(record.failure?.kind == .protocol, "\(String(describing: record.failure))")
        try await server.stop()
    }

    @Test func aHeaderThatWouldBreakTheRequestIsNotSent() async throws {
        let server = try await RawServer.start { _ in }
        let record = try await Recorder.run(
            "ws://127.0.0.1:\(server.port)/", headers: [HTTPHeaderField("X", "a\r\nHost: evil")])
        #expect(record.failure?.kind == .other)
        #expect(record.failure?.text.contains("evil") == false)
        try await server.stop()
    }
}
