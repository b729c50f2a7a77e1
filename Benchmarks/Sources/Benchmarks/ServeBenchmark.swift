import ExpositionServer
import Glibc
import MetricsRegistry
import StreamMetrics
import Synchronization

/// The endpoint with the full catalogue, scraped from outside until its standard input ends. After each scrape every
/// value changes, and one stream in a hundred is taken away and another added; a further stream receives messages.
enum ServeBenchmark {
    /// Writes the port into `portFile`. `sender` is the port of a sender of messages; nil where none come.
    static func run(streams: Int, portFile: String, sender: Int?) {
        let source = Source(Population(streams: streams))
        let stream = sender.map { StreamUnderTest(port: $0, isNotification: false, listener: DeafListener()) }
        Worker.start { source.keepChanging() }
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
        while getchar() != EOF {}
        withExtendedLifetime(stream) { server.stop() }
        exit(0)
    }

    private final class Source: MetricsSource, ExporterAPI {
        private let population: Population
        /// Scrapes whose values have been noted so far.
        private let rounds = Atomic<Int>(1)

        init(_ population: Population) {
            self.population = population
            population.change(round: 1)
        }

        /// Beside the threads that encode: the next scrape finds everything changed.
        func keepChanging() {
            var changed = 1
            while true {
                let round = rounds.load(ordering: .acquiring)
                if round > changed {
                    changed = round
                    population.exchange(population.count / 100)
                    population.change(round: UInt64(round))
                }
                usleep(500)
            }
        }

        func contentType(accepting accept: String?) -> String { Negotiation.choose(accept: accept).contentType }

        func exposition(contentType: String) -> Exposition {
            defer { rounds.add(1, ordering: .releasing) }
            return population.exposition(round: UInt64(rounds.load(ordering: .relaxed)))
        }

        func unreadyReason() -> String? { nil }
        func indexPage(number: Int) async -> [UInt8] { [] }
        func reload() async throws {}
        func reconnect(stream: String) async -> ReconnectOutcome { .unknownStream }
        func streamsJSON(withHistory: Bool) async -> [UInt8] { [] }
        func auditLines(matching query: AuditQuery) async -> [UInt8] { [] }
        func followAudit(
            matching query: AuditQuery, deliver: @escaping @Sendable ([UInt8]) -> Void
        ) async -> AuditTail { AuditTail(newest: [], cancel: {}) }
        func followerDropped(lines: Int) {}
    }
}
