import NIOCore
import NIOPosix
import Testing
import WebSocketTransport

@Suite(.timeLimit(.minutes(5))) struct HTTPExchangeTests {
    private func send(
        _ method: String = "GET", _ url: String, headers: [HTTPHeaderField] = [], body: String = "",
        options: DialOptions = DialOptions(), maxBodySize: Int = 1 << 20
    ) async throws -> HTTPExchangeResponse {
        let request = HTTPExchangeRequest(method, try ConnectTarget(url), headers: headers, body: Array(body.utf8))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await HTTPExchange.send(request, options: options, maxBodySize: maxBodySize, on: loop).get()
    }

    /// The failure of an exchange with a server that answers `answer`, then closes or stays.
    private func failure(
        answer: String, closes: Bool = true, timeout: Duration = .seconds(30), maxBodySize: Int = 1 << 20
    ) async throws -> DialFailure? {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send(answer)
                if closes { connection.close() }
            }
        }
        let error = await #expect(throws: DialFailure.self) {
            try await send(
                "GET", "http://127.0.0.1:\(server.port)/x?secret=1", options: DialOptions(connectTimeout: timeout),
                maxBodySize: maxBodySize)
        }
        try await server.stop()
        #expect(error?.text.contains("secret") == false)
        return error
    }

    @Test func postsAForm() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, head in
                let answer = { (connection: RawConnection) in
                    guard connection.received.count == 13 else { return }
                    let body = head + String(decoding: connection.received, as: UTF8.self)
                    connection.send("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                }
                connection.onBytes = answer
                answer(connection)
            }
        }
        let response = try await send(
            "POST", "http://127.0.0.1:\(server.port)/oauth/token?x=1",
            headers: [HTTPHeaderField("Authorization", "Basic abc")], body: "grant_type=cc")
        #expect(response.status == 200)
        #expect(response.headers.first(named: "x-a") == "b")
        let seen = String(decoding: response.body, as: UTF8.self)
        #expect(seen.hasPrefix("POST /oauth/token?x=1 HTTP/1.1\r\n"))
        #expect(Wire.header("host", of: seen) == "127.0.0.1:\(server.port)")
        #expect(Wire.header("content-length", of: seen) == "13")
        #expect(Wire.header("authorization", of: seen) == "Basic abc")
        #expect(Wire.header("connection", of: seen) == "close")
        #expect(seen.hasSuffix("\r\n\r\ngrant_type=cc"))
        #expect(response.phases.tcp != nil && response.phases.answer != nil)
        try await server.stop()
    }

    @Test(arguments: [
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n", 200,
            "abcde"
        ),
        ("HTTP/1.1 404 Not Found\r\n\r\nto the end", 404, "to the end"), ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, ""),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 1\r\n\r\nx", 503, "x"),
        ("HTTP/1.0 200 OK\r\n\r\nold", 200, "old"),
    ])
    func takesAnswers(answer: String, status: Int, body: String) async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send(answer)
                connection.close()
            }
        }
        let response = try await send("GET", "http://127.0.0.1:\(server.port)/")
        #expect(response.status == status)
        #expect(String(decoding: response.body, as: UTF8.self) == body)
        #expect(response.retryAfter == (status == 503 ? "3" : nil))
        try await server.stop()
    }

    @Test func aHeadHasNoBody() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
            }
        }
        let response = try await send("HEAD", "http://127.0.0.1:\(server.port)/")
        #expect(response.status == 200)
        #expect(response.body.isEmpty)
        try await server.stop()
    }

    @Test func aBodyAtTheLimitIsTaken() async throws {
        let server = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789")
            }
        }
        #expect(try await send("GET", "http://127.0.0.1:\(server.port)/", maxBodySize: 10).body.count == 10)
        try await server.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n01234567890",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n",
    ])
    func aBodyAboveTheLimitIsNot(answer: String) async throws {
        let error = try await failure(answer: answer, closes: false, maxBodySize: 10)
        #expect(error?.kind == .tooLarge(limit: 10))
        #expect(error?.text.contains("larger than 10 bytes") == true)
    }

    @Test(arguments: ["garbage\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}", "HTTP/1.1 xyz OK\r\n\r\n"])
    func garbageBreaksTheProtocol(answer: String) async throws {
        #expect(try await failure(answer: answer, closes: false)?.kind == .protocol)
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"])
    func anEarlyEndIsClosed(answer: String) async throws {
        let error = try await failure(answer: answer)
        #expect(error?.kind == .closed, "\(String(describing: error))")
    }

    @Test func theDeadlineCoversTheBody() async throws {
        let error = try await failure(
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", closes: false, timeout: .milliseconds(100))
        // On a machine that is busy enough, the time may be over before the request is sent.
        guard case .timeout? = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aRefusedPortIsRefused() async throws {
        let port = try await RawServer.unusedPort()
        let error = await #expect(throws: DialFailure.self) { try await send("GET", "http://127.0.0.1:\(port)/") }
        #expect(error?.kind == .refused)
    }

    @Test func speaksTLS() async throws {
        let server = try await RawServer.start(tls: try TestCertificates.serverContext()) { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                connection.close()
            }
        }
        let url = "https://localhost:\(server.port)/"
        let insecure = DialOptions(tls: TLSOptions(insecureSkipVerify: true))
        #expect(try await send("GET", url, options: insecure).body == Array("ok".utf8))
        let error = await #expect(throws: DialFailure.self) { try await send("GET", url) }
        #expect(error?.kind == .tls)
        try await server.stop()
    }

    @Test func goesThroughAProxy() async throws {
        let proxy = try await RawServer.start { connection in
            connection.onRequest { connection, _ in
                connection.send("HTTP/1.1 200 OK\r\n\r\n")
                connection.onRequest { connection, head in
                    #expect(head.hasPrefix("GET /x HTTP/1.1\r\n"))
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }
            }
        }
        let options = DialOptions(proxy: ProxyOptions(host: "127.0.0.1", port: proxy.port))
        #expect(try await send("GET", "http://gateway.example/x", options: options).body == Array("ok".utf8))
        try await proxy.stop()
    }

    @Test(arguments: [
        HTTPHeaderField("X", "a\r\nY: b"), HTTPHeaderField("X Y", "a"), HTTPHeaderField("", "a"),
        HTTPHeaderField("Host", "elsewhere"), HTTPHeaderField("content-length", "1"),
    ])
    func aHeaderThatWouldBreakTheRequestIsNotSent(field: HTTPHeaderField) async throws {
        let error = await #expect(throws: DialFailure.self) {
            try await send("GET", "http://127.0.0.1:1/", headers: [field])
        }
        #expect(error?.kind == .other)
    }
}
