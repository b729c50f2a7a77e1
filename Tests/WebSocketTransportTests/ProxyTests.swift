import NIOCore
import NIOPosix
import Testing
import WebSocketTransport

@Suite(.timeLimit(.minutes(5))) struct ProxyTests {
    private func options(proxy port: Int, user: String? = nil) -> WebSocketOptions {
        var options = WebSocketOptions.test
        options.dial.proxy = ProxyOptions(
            host: "127.0.0.1", port: port, username: user, password: user.map { _ in "p:w" })
        options.dial.tls.insecureSkipVerify = true
        return options
    }

    /// A proxy that connects to `port`, whatever it is asked for, and tells what it was asked.
    private func proxy(to port: Int, asked: @escaping @Sendable (String) -> Void) async throws -> RawServer {
        try await RawServer.start { connection in
            connection.onRequest { connection, head in
                asked(head)
                guard let channel = connection.channel else { return }
                let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
                ClientBootstrap(group: channel.eventLoop).channelInitializer { back in
                    back.eventLoop.makeCompletedFuture {
                        try back.pipeline.syncOperations.addHandler(
                            RawConnection { upstream in
                                upstream.onBytes = { upstream in
                                    bound.value.send(upstream.received)
                                    upstream.received = []
                                }
                                upstream.onClosed = { _ in bound.value.close() }
                                bound.value.onBytes = { connection in
                                    upstream.send(connection.received)
                                    connection.received = []
                                }
                                bound.value.onClosed = { _ in upstream.close() }
                                bound.value.send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
                            })
                    }
                }.connect(host: "127.0.0.1", port: port).whenFailure { _ in bound.value.close() }
            }
        }
    }

    @Test(arguments: [false, true])
    func tunnels(secure: Bool) async throws {
        let server = try await RawServer.start(tls: secure ? try TestCertificates.serverContext() : nil) {
            $0.upgrade(with: Wire.text("through") + Wire.close(1000))
        }
        let proxy = try await proxy(to: server.port) { head in
            #expect(head.hasPrefix("CONNECT gateway.example:\(server.port) HTTP/1.1\r\n"))
            #expect(Wire.header("Host", of: head) == "gateway.example:\(server.port)")
            #expect(Wire.header("Proxy-Authorization", of: head) == "Basic dXNlcjpwOnc=")
        }
        let record = try await Recorder.run(
            "\(secure ? "wss" : "ws")://gateway.example:\(server.port)/",
            options: options(proxy: proxy.port, user: "user"))
        #expect(
            record.story == [.opened, .text("through"), .closed(.peer, 1000, "")],
            "\(String(describing: record.failure))")
        let phases = try #require(record.opening?.phases)
        #expect(phases.proxy != nil)
        #expect((phases.tls != nil) == secure)
        try await proxy.stop()
        try await server.stop()
    }

    /// What follows the proxy's answer in the same segment is the server's.
    @Test func keepsBytesBehindTheProxysAnswer() async throws {
        let proxy = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let record = try await Recorder.run("ws://gateway.example/", options: options(proxy: proxy.port))
        guard case .refusedByServer(let refusal)? = record.failure?.kind else {
            Issue.record("\(String(describing: record.failure))")
            return
        }
        #expect(refusal.status == 503)
        try await proxy.stop()
    }

    @Test func tellsThatTheProxyWantsAPassword() async throws {
        let proxy = try await RawServer.start { connection in
            connection.onRequest { connection, head in
                #expect(Wire.header("Proxy-Authorization", of: head) == nil)
                connection.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let record = try await Recorder.run("wss://gateway.example/", options: options(proxy: proxy.port))
        #expect(record.failure?.kind == .proxy(status: 407))
        #expect(record.failure?.text.contains("user name and password") == true)
        try await proxy.stop()
    }

    @Test(arguments: [
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 502), ("HTTP/1.0 403 No\r\n\r\n", 403), ("hello\r\n\r\n", nil),
        (String(repeating: "x", count: 20_000), nil), ("", nil),
    ])
    func tellsWhatTheProxyAnswered(answer: String, status: Int?) async throws {
        let proxy = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send(answer)
                connection.close()
            }
        }
        let record = try await Recorder.run("wss://gateway.example/", options: options(proxy: proxy.port))
        #expect(record.story == [.failed])
        #expect(record.failure?.kind == .proxy(status: status), "\(String(describing: record.failure))")
        try await proxy.stop()
    }

    @Test func aSilentProxyTimesOut() async throws {
        let deadline = Deadline()
        let proxy = try await RawServer.start { $0.onRequest { _, _ in deadline.pass() } }
        let record = try await Recorder.run(
            "wss://gateway.example/", options: options(proxy: proxy.port), hooks: deadline.hooks)
        #expect(record.failure?.kind == .timeout(.proxy))
        try await proxy.stop()
    }

    @Test func takesTheProxysAnswerByteByByte() async throws {
        let proxy = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                for byte in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) { connection.send([byte]) }
                connection.upgrade(with: Wire.close(1000))
                connection.onBytes(connection)
            }
        }
        let record = try await Recorder.run("ws://gateway.example/", options: options(proxy: proxy.port))
        #expect(record.story == [.opened, .closed(.peer, 1000, "")], "\(String(describing: record.failure))")
        try await proxy.stop()
    }
}
