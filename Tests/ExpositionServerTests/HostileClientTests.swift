import Testing

@testable import ExpositionServer

@Suite struct HostileClientTests {
    @Test func malformedRequestsEndTheirConnectionOnly() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let requests = [
            "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET / /metrics HTTP/1.1\r\n\r\n",
            "GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", " / HTTP/1.1\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nNoColon\r\nHost: x\r\n\r\n", "GET \\metrics HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET /metrics HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]
        let clients = try requests.map { request in
            let client = try test.client()
            client.send(request)
            shutdownSending(client)
            return client
        }
        #expect(try test.answer("GET", "/metrics").status == 200)
        // Some are answered, some wait for the rest of what they take for a request; none outlives its time.
        for (client, request) in zip(clients, requests) {
            let text = try test.textUntilOverdue(client)
            #expect(!text.hasPrefix("HTTP/1.1 200"), "\(request.debugDescription): \(text)")
        }
        #expect(try test.answer("GET", "/metrics").status == 200)
    }

    @Test func oversizedHeadsAreRefused() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        for head in [
            "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Filler: \(String(repeating: "a", count: 100_000))\r\n\r\n",
            "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /metrics HTTP/1.1\r\nHost: x\r\n\(String(repeating: "A: b\r\n", count: 20_000))\r\n",
        ] {
            let client = try test.client()
            client.send(head)
            let text = try client.read(through: "\r\n")
            #expect(
                text.isEmpty || ["413", "414", "431"].contains { text.hasPrefix("HTTP/1.1 \($0)") },
                "\(text.prefix(80))")
        }
        #expect(try test.answer("GET", "/metrics").status == 200)
    }

    @Test func bodiesAreBounded() throws {
        let test = try TestServer { $0.lifecycleEnabled = true }
        defer { test.server.stop() }
        let small = try test.answer("POST", "/-/reload", body: String(repeating: "a", count: 65_536))
        #expect(small.status == 200)
        let announced = try test.client()
        announced.send("POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n")
        #expect(try announced.readAnswer().status == 413)
        let chunked = try test.client()
        chunked.send("POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<5 { chunked.send("4000\r\n\(String(repeating: "a", count: 16384))\r\n") }
        chunked.send("0\r\n\r\n")
        #expect(try chunked.readAnswer().status == 413)
        let endless = try test.client()
        endless.send("POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<80 { endless.send("4000\r\n\(String(repeating: "a", count: 16384))\r\n") }
        #expect(try endless.isClosedByServer())
    }

    @Test func slowRequestsBlockNobody() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let slow = try (0..<20).map { _ in
            let client = try test.client()
            client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Sl")
            return client
        }
        #expect(try test.answer("GET", "/metrics").status == 200)
        slow[0].send("ow: 1\r\n\r\n")
        #expect(try slow[0].readAnswer().status == 200)
        // The others never finish: their time runs out.
        for client in slow.dropFirst() { #expect(try test.textUntilOverdue(client) == "") }
    }

    /// Nothing but the end of the client's side ends these connections here: whatever else could has no time to.
    @Test(arguments: [
        "", "G", "GET", "\r\n\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Sl",
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    ])
    func aClientThatEndsItsSideInTheMiddleIsLetGo(text: String) throws {
        let test = try TestServer { $0.limits.idleTimeoutSeconds = 3600 }
        defer { test.server.stop() }
        // Where both come at once matters, and where they do not.
        for _ in 0..<5 {
            let client = try test.client()
            client.setReceiveTimeout(milliseconds: 40_000)
            client.send(text)
            shutdownSending(client)
            #expect(try !client.read(through: "\u{FFFF}").contains("200"))
        }
        #expect(try test.answer("GET", "/metrics").status == 200)
    }

    @Test func aClientThatEndsItsSideIsStillAnswered() throws {
        let test = try TestServer(metrics: FakeMetrics(bytes: 500_000)) { $0.limits.idleTimeoutSeconds = 3600 }
        defer { test.server.stop() }
        for count in [1, 3, 40] {
            let client = try test.client()
            client.setReceiveTimeout(milliseconds: 40_000)
            let request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
            client.send(String(repeating: request, count: count) + "GET /metrics HTTP")
            shutdownSending(client)
            for _ in 0..<count { #expect(try client.readAnswer().body == test.metrics.body) }
            #expect(try client.read(through: "\u{FFFF}") == "")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let client = try test.client()
        let targets = ["/-/healthy", "/metrics", "/nothing", "/api/v1/streams", "/-/ready"]
        client.send(targets.map { "GET \($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for status in [200, 200, 404, 200, 200] { #expect(try client.readAnswer().status == status) }
    }

    @Test func theLongestIdleConnectionsGiveWay() throws {
        let test = try TestServer { $0.limits.connections = 40 }
        defer { test.server.stop() }
        var idle: [RawClient] = []
        for _ in 0..<200 { idle.append(try test.client()) }
        #expect(try test.answer("GET", "/metrics").status == 200)
        #expect(try idle[0].isClosedByServer())
        #expect(test.server.connectionCount <= 40)
    }

    @Test func clientsThatLeaveInTheMiddle() throws {
        let test = try TestServer(metrics: FakeMetrics(bytes: 2_000_000))
        defer { test.server.stop() }
        test.metrics.hold()
        for _ in 0..<10 {
            let client = try test.client()
            client.request("GET", "/metrics")
        }
        #expect(test.metrics.waits { $0.renderings == 1 })
        test.metrics.release()
        for _ in 0..<10 {
            let client = try test.client(receiveBufferBytes: 4096)
            client.request("GET", "/metrics")
            _ = try client.readHead()
        }
        #expect(try test.answer("GET", "/metrics").body == test.metrics.body)
    }
}
