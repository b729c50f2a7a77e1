import Testing

@testable import ExpositionServer

/// While an attack lasts, a scrape from another client is answered. How quickly is measured by
/// `scripts/attack-endpoint.py`; here it is enough that it is.
@Suite struct AttackTests {
    private static let attacker: UInt32 = 0x7F00_0002

    /// `count` connections of the attacker that send `text` and read nothing.
    private func crowd(
        _ test: TestServer, _ count: Int, _ text: String = "", receiveBufferBytes: Int32? = nil
    ) throws -> [RawClient] {
        try (0..<count).map { _ in
            let client = try RawClient(
                port: test.port, receiveBufferBytes: receiveBufferBytes, source: Self.attacker)
            if !text.isEmpty { client.send(text) }
            return client
        }
    }

    private func isScraped(_ test: TestServer) throws -> Bool {
        let answer = try test.answer("GET", "/metrics")
        return answer.status == 200 && answer.body == test.metrics.body
    }

    private static let scrape = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func scrapesThatAreNotRead() throws {
        let test = try TestServer(metrics: FakeMetrics(bytes: 4_000_000)) { $0.maximumConcurrentScrapes = 8 }
        defer { test.server.stop() }
        // More than there are places, and none of them old enough to be called slow.
        let crowd = try crowd(test, 30, Self.scrape, receiveBufferBytes: 4096)
        for _ in 0..<3 { #expect(try isScraped(test)) }
        withExtendedLifetime(crowd) {}
    }

    @Test func placesAreTakenFromWhoHasMost() throws {
        let metrics = FakeMetrics()
        let handler = MetricsHandler(source: metrics, limit: 4)
        defer { handler.stop() }
        metrics.hold()
        defer { metrics.release() }
        let answers = Monitor([UInt64: [UInt32]]())
        let ended = Monitor([UInt64]())
        let target = try RequestTarget(parsing: "/metrics")
        func ask(_ client: UInt64) {
            var request = Request(method: "GET", target: target)
            request.client = client
            request.endConnection = { ended.withLock { $0.append(client) } }
            handler.handle(request) { answer in answers.update { $0[client, default: []].append(answer.status) } }
        }
        for _ in 0..<5 { ask(1) }
        #expect(answers.withLock { $0[1] } == [503])
        ask(2)
        ask(2)
        #expect(ended.withLock { $0 } == [1, 1])
        // Now they have two each: who asks for a third does not get it from the other.
        ask(2)
        #expect(answers.withLock { $0[2] } == [503])
        metrics.release()
        #expect(answers.wait(until: .now().advanced(byMilliseconds: 60_000)) { $0[2]?.count == 3 ? true : nil } == true)
        #expect(answers.withLock { $0[2] } == [503, 200, 200])
    }

    @Test func pipelinesThatAreNotRead() throws {
        let test = try TestServer(metrics: FakeMetrics(bytes: 200_000))
        defer { test.server.stop() }
        let crowd = try crowd(test, 10, String(repeating: Self.scrape, count: 100), receiveBufferBytes: 4096)
        for _ in 0..<3 { #expect(try isScraped(test)) }
        withExtendedLifetime(crowd) {}
    }

    @Test func followersThatDoNotRead() throws {
        let snapshot = String(repeating: "{\"filler\":\"0123456789\"}\n", count: 40_000)
        let test = try TestServer(exporter: FakeExporter(snapshot: snapshot)) {
            $0.limits.followers = 40
            $0.limits.followerQueueBytesInTotal = 4 * 1024 * 1024
        }
        defer { test.server.stop() }
        let crowd = try crowd(
            test, 60, "GET /api/v1/audit?follow=true HTTP/1.1\r\nHost: x\r\n\r\n", receiveBufferBytes: 4096)
        #expect(test.exporter.waits { $0.publish.count == 40 })
        let line = String(repeating: "x", count: 10_000) + "\n"
        // More than the kernel's own buffers hold, however large it lets them grow.
        for _ in 0..<600 { test.exporter.publish(line) }
        #expect(try isScraped(test))
        // What waits for all of them is bounded; the rest is counted.
        #expect(test.exporter.state.withLock { $0.dropped } > 1000)
        withExtendedLifetime(crowd) {}
    }

    @Test func slowAndIdleConnections() throws {
        let test = try TestServer { $0.limits.connections = 200 }
        defer { test.server.stop() }
        var all = try crowd(test, 100, "GET /metrics HTTP/1.1\r\nX-Slow: ")
        all += try crowd(test, 100, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na")
        all += try crowd(test, 200)
        for _ in 0..<3 { #expect(try isScraped(test)) }
        #expect(test.server.connectionCount <= 200)
        withExtendedLifetime(all) {}
    }

    /// Requests of which two readers could believe different things. What follows them must never be answered as a
    /// request of its own where the first reader takes it for a body, and a reload must not come about.
    @Test(arguments: [
        "POST /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: +44\r\n\r\n",
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 44, 44\r\n\r\n",
        "POST /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "POST /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "POST /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "GET /-/healthy HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 44\r\n\r\n0\r\n\r\n",
    ])
    func smuggling(request: String) throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let client = try RawClient(port: test.port, source: Self.attacker)
        client.send(request + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        shutdownSending(client)
        let text = try test.textUntilOverdue(client)
        #expect(!text.contains("HTTP/1.1 404"), "\(request.debugDescription): \(text)")
        #expect(try isScraped(test))
    }

    @Test func aCrowdIsServedToo() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let crowd = try crowd(test, 300)
        // Those that come last have waited for others that have come later still.
        for _ in 0..<3 { #expect(try isScraped(test)) }
        for client in crowd { client.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n") }
        for client in crowd { #expect(try client.readAnswer().status == 200) }
        #expect(test.server.connectionCount >= 300)
    }

    @Test func clientsHaveTheirOwnThreads() {
        let placement = ClientPlacement(daemons: 2)
        let first = placement.daemon(for: 1)
        for _ in 0..<10 { placement.opened(1, daemon: first) }
        #expect(placement.daemon(for: 1) == first)
        let second = placement.daemon(for: 2)
        #expect(second != first)
        // Many are too many to remember; where nobody is, room is made.
        for client in 3...10_000 as ClosedRange<UInt64> { _ = placement.daemon(for: client) }
        #expect(placement.daemon(for: 1) == first)
        for _ in 0..<10 { placement.closed(1, daemon: first) }
    }
}
