import Glibc
import MetricsRegistry
import Testing

@testable import ExpositionServer

/// Who shares a rendering with whom, and how old one may be.
@Suite struct SharingTests {
    /// A handler whose answers are kept, as by clients that do not read them, until they are let go.
    private final class Bench: Sendable {
        struct Kept {
            var number: Int
            var response: Response
        }

        let metrics = FakeMetrics()
        let handler: MetricsHandler
        let start = MonotonicTime.now()
        private let asked = Monitor(0)
        private let kept = Monitor<[Kept]>([])
        private let ended = Monitor<Set<Int>>([])

        init(limit: Int = 0) { handler = MetricsHandler(source: metrics, limit: limit) }

        /// Asks, `milliseconds` after the start, and waits for the answer; its number.
        func scrape(
            at milliseconds: Int = 0, accept: String? = nil, gzip: Bool = false, client: UInt64 = 1
        ) throws -> Int {
            let number = asked.withLock { asked in
                asked += 1
                return asked
            }
            var request = Request(method: "GET", target: try RequestTarget(parsing: "/metrics"))
            request.accept = accept
            request.acceptEncoding = gzip ? "gzip" : nil
            request.client = client
            // A connection that is ended lets its response go, as its polling thread does.
            request.endConnection = { [weak self] in
                self?.ended.withLock { _ = $0.insert(number) }
                self?.letGo(number)
            }
            handler.handle(request, now: start.advanced(byMilliseconds: milliseconds)) { [kept] response in
                kept.update { $0.append(Kept(number: number, response: response)) }
            }
            let isAnswered = kept.wait(until: .now().advanced(byMilliseconds: 60_000)) { kept in
                kept.contains { $0.number == number } ? true : nil
            }
            #expect(isAnswered == true)
            return number
        }

        /// The client of the answer `number` has read it.
        func letGo(_ number: Int) {
            // Its end takes the lock.
            let gone = kept.withLock { kept in
                let gone = kept.filter { $0.number == number }
                kept.removeAll { $0.number == number }
                return gone
            }
            withExtendedLifetime(gone) {}
        }

        var made: Int { metrics.state.withLock { $0.renderings } }
        var endedConnections: Set<Int> { ended.withLock { $0 } }

        /// The thread that renders lets go of a rendering a moment after it has answered.
        func waits(forRenderings count: Int) -> Bool {
            let deadline = MonotonicTime.now().advanced(byMilliseconds: 60_000)
            while handler.renderings != count, MonotonicTime.now() < deadline { sched_yield() }
            return handler.renderings == count
        }

        deinit { handler.stop() }
    }

    @Test func theThirdJoinsTheSecond() throws {
        let bench = Bench()
        let first = try bench.scrape()
        #expect(bench.waits(forRenderings: 1))
        let second = try bench.scrape()
        #expect(bench.waits(forRenderings: 2))
        #expect(bench.made == 2)
        for _ in 0..<6 { _ = try bench.scrape(at: 900) }
        #expect(bench.made == 2)
        #expect(bench.waits(forRenderings: 2))
        // When the first has been sent there is room for another, however fresh the second is.
        bench.letGo(first)
        #expect(bench.waits(forRenderings: 1))
        _ = try bench.scrape(at: 900)
        #expect(bench.made == 3)
        bench.letGo(second)
        #expect(bench.waits(forRenderings: 2))
    }

    @Test func nobodyIsToldWhatIsNoLongerFresh() throws {
        let bench = Bench()
        _ = try bench.scrape()
        _ = try bench.scrape()
        #expect(bench.made == 2)
        // Two clients that do not read their answers do not keep others from newer values.
        let later = 60_000
        _ = try bench.scrape(at: later)
        #expect(bench.made == 3)
        for step in 1...3 { _ = try bench.scrape(at: later + step * (MetricsHandler.freshMilliseconds + 60_000)) }
        #expect(bench.made == 6)
    }

    @Test func formatsAreNotMixed() throws {
        let bench = Bench()
        _ = try bench.scrape()
        _ = try bench.scrape()
        _ = try bench.scrape(accept: "application/openmetrics-text")
        #expect(bench.made == 3)
        _ = try bench.scrape(gzip: true)
        #expect(bench.made == 4)
        _ = try bench.scrape(gzip: true)
        _ = try bench.scrape(accept: "application/openmetrics-text")
        _ = try bench.scrape()
        #expect(bench.made == 4)
    }

    @Test func slowReadersKeepABoundedNumberAlive() throws {
        let bench = Bench()
        var numbers: [Int] = []
        // Each comes when what there is has become old, and none of them reads.
        for step in 0..<3 * MetricsHandler.maximumRenderings {
            numbers.append(try bench.scrape(at: step * 70_000))
            #expect(bench.handler.renderings <= MetricsHandler.maximumRenderings + 1)
        }
        #expect(bench.waits(forRenderings: MetricsHandler.maximumRenderings))
        #expect(bench.made == numbers.count)
        // The oldest have given way, and nobody else.
        let gone = numbers.dropLast(MetricsHandler.maximumRenderings)
        #expect(bench.endedConnections == Set(gone))
    }

    @Test func aScraperBesideSlowReadersIsAnsweredWithItsOwn() throws {
        let test = try TestServer(metrics: FakeMetrics(bytes: 12_000_000))
        defer { test.server.stop() }
        let slow = try (0..<4).map { _ in
            let client = try RawClient(port: test.port, receiveBufferBytes: 4096, source: 0x7F00_0002)
            client.request("GET", "/metrics")
            _ = try client.readHead()
            return client
        }
        #expect(test.metrics.state.withLock { $0.renderings } <= 4)
        let whole = try test.answer("GET", "/metrics")
        #expect(whole.status == 200)
        #expect(whole.body == test.metrics.body)
        withExtendedLifetime(slow) {}
    }

    @Test func aFastConnectionHasABoundedBuffer() throws {
        // The test's own connection is as near as can be.
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listening) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(listening, $0, size)
                _ = getsockname(listening, $0, &size)
            }
        }
        listen(listening, 1)
        let client = try RawClient(port: UInt16(bigEndian: address.sin_port))
        let accepted = accept(listening, nil, nil)
        defer { close(accepted) }
        SendBuffer.bound(accepted)
        var bytes: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &bytes, &length)
        #expect(bytes > 0)
        #expect(bytes <= 2 * SendBuffer.bytes)
        // The kernel lets go of its own adaptation once it has been told: a writer finds the end of it.
        let flags = fcntl(accepted, F_GETFL)
        _ = fcntl(accepted, F_SETFL, flags | Int32(O_NONBLOCK))
        var written = 0
        let piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = send(accepted, piece, piece.count, Int32(MSG_NOSIGNAL))
            if count <= 0 { break }
            written += count
        }
        getsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &bytes, &length)
        #expect(bytes <= 2 * SendBuffer.bytes)
        #expect(written > 0)
        withExtendedLifetime(client) {}
    }
}
