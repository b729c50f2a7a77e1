import Holdfast
import ServiceLifecycle
import UnixSignals

enum RunningAsAService {
    static func group(
        _ configuration: ExporterConfiguration, _ stream: StreamSpecification, _ logger: Logger,
        take: @escaping @Sendable (StreamElement) async throws -> Void
    ) async throws {
        let exporter = try Exporter(configuration, logger: logger)
        let reader = HeldStream(stream, on: exporter) { element in
            try await take(element)
        }
        let group = ServiceGroup(
            services: [exporter, reader], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }

    struct QueueReader: Service {
        let exporter: Exporter
        let stream: StreamSpecification
        let take: @Sendable (StreamElement) async -> Void

        func run() async throws {
            let messages = try exporter.hold(stream)
            await withGracefulShutdownHandler {
                for await element in messages { await take(element) }
            } onGracefulShutdown: {
                messages.close()
            }
        }
    }
}
