import ExpositionServer
import Glibc
import MetricsRegistry
import StreamMetrics
import Synchronization

/// The endpoint with the full catalogue, scraped from outside, until it is asked to end.
enum ServeBenchmark {
    /// Writes the port into `portFile`; prints at the end: nanoseconds of processor time since the start.
    static func run(streams: Int, portFile: String) {
        let source = Source(Population(streams: streams))
        let server = ExpositionServer(metrics: source, api: source)
        do {
            try server.start(listenAddresses: [ListenAddress(parsing: "127.0.0.1:0")])
        } catch {
            fail("cannot listen: \(error)")
        }
        guard let file = fopen(portFile, "w"), let address = server.boundAddresses.first else {
            fail("cannot write \(portFile)")
        }
        fputs("\(address)".split(separator: ":").last.map { "\($0)\n" } ?? "", file)
        fclose(file)
        let began = processorNanoseconds()
        var waited = 0
        while !source.ended.load(ordering: .relaxed), waited < 6000 {
            usleep(10_000)
            waited += 1
        }
        print(Int(processorNanoseconds() - began))
        server.stop()
    }

    private final class Source: MetricsSource, ExporterAPI {
        let ended = Atomic(false)
        private let population: Population
        private let round = Atomic<Int>(1)

        init(_ population: Population) {
            self.population = population
            population.change(round: 1)
        }

        func contentType(accepting accept: String?) -> String { Negotiation.choose(accept: accept).contentType }

        func render(contentType: String, into buffer: ExpositionBuffer) {
            let round = UInt64(round.add(1, ordering: .relaxed).newValue)
            population.encode(round: round, into: buffer)
        }

        func unreadyReason() -> String? {
            ended.store(true, ordering: .relaxed)
            return nil
        }

        func indexPage() async -> [UInt8] { [] }
        func reload() async throws {}
        func reconnect(stream: String) async -> ReconnectOutcome { .unknownStream }
        func streamsJSON() async -> [UInt8] { [] }
        func auditLines(matching query: AuditQuery) async -> [UInt8] { [] }
        func followAudit(
            matching query: AuditQuery, deliver: @escaping @Sendable ([UInt8]) -> Void
        ) async -> AuditSubscription { AuditSubscription(newest: [], cancel: {}) }
        func followerDropped(lines: Int) {}
    }
}
