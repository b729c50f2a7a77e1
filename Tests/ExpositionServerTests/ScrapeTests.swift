import CZlib
import Testing

@testable import ExpositionServer

@Suite struct ScrapeTests {
    @Test func theFormatIsTheSourcesChoice() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let answer = try test.answer(
            "GET", "/metrics", ["Accept: text/plain;q=0.1", "Accept: application/openmetrics-text"])
        #expect(answer["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(answer["Vary"] == "Accept, Accept-Encoding")
        #expect(answer["Content-Encoding"] == nil)
    }

    @Test func gzipRoundTrip() throws {
        let test = try TestServer(metrics: FakeMetrics(bytes: 300_000))
        defer { test.server.stop() }
        let answer = try test.answer("GET", "/metrics", ["Accept-Encoding: deflate, gzip;q=0.8"])
        #expect(answer["Content-Encoding"] == "gzip")
        #expect(answer.body.count < 100_000)
        #expect(Self.gunzip(answer.body, capacity: 400_000) == test.metrics.body)
        // The buffers come from a pool: the next scrape is as right as the first.
        #expect(try test.answer("GET", "/metrics").body == test.metrics.body)
        #expect(try test.answer("GET", "/metrics", ["Accept-Encoding: gzip;q=0"]).body == test.metrics.body)
    }

    @Test func scrapesShareTheRenderingUnderWay() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        test.metrics.hold()
        let clients = try (0..<5).map { _ in try test.client() }
        clients[0].request("GET", "/metrics")
        #expect(test.metrics.waits { $0.renderings == 1 })
        for client in clients.dropFirst() {
            client.request("GET", "/-/healthy")
            #expect(try client.readAnswer().status == 200)
            client.request("GET", "/metrics")
            // Answered only after the request before it on the same connection has been taken up.
        }
        // Whether all four have been taken up cannot be seen from here; two renderings are the most there can be.
        test.metrics.release()
        for client in clients { #expect(try client.readAnswer().text == "up 1\n") }
        #expect(test.metrics.state.withLock { $0.renderings } <= 2)
    }

    @Test func healthDoesNotWaitBehindAScrape() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        test.metrics.hold()
        let scraping = try (0..<4).map { _ in try test.client() }
        for client in scraping { client.request("GET", "/metrics") }
        #expect(test.metrics.waits { $0.renderings == 1 })
        for _ in 0..<4 { #expect(try test.answer("GET", "/-/healthy").status == 200) }
        test.metrics.release()
        for client in scraping { #expect(try client.readAnswer().status == 200) }
    }

    @Test func aboveTheLimitScrapesAreRefused() throws {
        let test = try TestServer { $0.maximumConcurrentScrapes = 1 }
        defer { test.server.stop() }
        test.metrics.hold()
        let first = try test.client()
        first.request("GET", "/metrics")
        #expect(test.metrics.waits { $0.renderings == 1 })
        let refused = try test.answer("GET", "/metrics")
        #expect(refused.status == 503)
        #expect(refused.text == "The limit of 1 concurrent scrapes has been reached; try again later.\n")
        test.metrics.release()
        #expect(try first.readAnswer().status == 200)
    }

    @Test func aReaderThatDoesNotReadGivesWay() throws {
        let ended = Monitor(0)
        let replies = Monitor<[Response]>([])
        let handler = MetricsHandler(source: FakeMetrics(), limit: 1)
        var request = Request(method: "GET", target: try RequestTarget(parsing: "/metrics"))
        request.endConnection = { ended.update { $0 += 1 } }
        func scrape(at now: MonotonicTime) -> Int {
            let count = replies.withLock { $0.count }
            handler.handle(request, now: now) { response in replies.update { $0.append(response) } }
            _ = replies.wait(until: .now().advanced(byMilliseconds: 10_000)) { $0.count > count ? true : nil }
            return replies.withLock { Int($0.last?.status ?? 0) }
        }
        #expect(scrape(at: .now()) == 200)
        // The first response is still held, as by a client that does not read it.
        #expect(scrape(at: .now()) == 503)
        #expect(scrape(at: .now().advanced(byMilliseconds: 5000)) == 200)
        #expect(ended.withLock { $0 } == 1)
        handler.stop()
        replies.withLock { $0.removeAll() }
        #expect(handler.count == 0)
    }

    @Test func acceptEncoding() {
        for header in ["gzip", "GZIP", "deflate, gzip", "gzip;q=1.0", "br;q=1, gzip; q=0.5", "x-gzip"] {
            #expect(AcceptEncoding.acceptsGzip(header), "\(header)")
        }
        for header in [nil, "", "identity", "*", "gzip;q=0", "gzip; q=0.000", "gzipped"] {
            #expect(!AcceptEncoding.acceptsGzip(header), "\(header ?? "none")")
        }
    }

    private static func gunzip(_ bytes: [UInt8], capacity: Int) -> [UInt8] {
        var stream = z_stream()
        inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { inflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: capacity)
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return inflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
        return Array(output[..<count])
    }
}
