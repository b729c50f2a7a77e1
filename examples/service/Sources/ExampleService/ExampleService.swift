import Foundation
import Holdfast
import HoldfastMetrics
import Logging
import Metrics
import ServiceLifecycle

/// Holds the queue events of a contact centre, and keeps count of the queues: a service of one file.
///
///     STREAM_URL=ws://127.0.0.1:9400/api/v2/architect/websocket \
///     TOKEN_URL=http://127.0.0.1:9400/oauth/token CLIENT_ID=any CLIENT_SECRET=any swift run ExampleService
///
/// With `holdfast gateway` beside it, no account is needed.
@main
struct ExampleService {
    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        let logger = Logger(label: "example") { StreamLogHandler.standardError(label: $0) }

        // The application's own metrics come out of the same endpoint as those of the stream.
        let metrics = RegistryMetricsFactory(logger: logger)
        MetricsSystem.bootstrap(metrics)

        let credential = CredentialSpecification.oauth(
            OAuthConfiguration(
                tokenURL: environment["TOKEN_URL"] ?? "http://127.0.0.1:9400/oauth/token",
                clientID: environment["CLIENT_ID"] ?? "any",
                clientSecret: Secret(environment["CLIENT_SECRET"] ?? "any")))
        var configuration = ExporterConfiguration(
            plan: RuntimePlan(streams: [], credentials: ["gateway": credential]))
        configuration.registry = metrics.registry
        configuration.listenAddresses = [try ListenAddress(parsing: environment["LISTEN"] ?? "127.0.0.1:0")]
        let exporter = try Exporter(configuration, logger: logger)

        let stream = try StreamSpecification(
            name: "queue-events", profile: "genesys-architect",
            url: environment["STREAM_URL"] ?? "ws://127.0.0.1:9400/api/v2/architect/websocket",
            credential: "gateway", variables: ["subscriptions": ["queueEvents"]],
            policy: { $0.backoff.base = .milliseconds(250) })
        let ledger = Ledger()
        let reader = HeldStream(stream, on: exporter) { await ledger.take($0) }

        // The exporter first: a group shuts its services down in the opposite order.
        try await ServiceGroup(
            services: [exporter, reader], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ).run()
        await ledger.conclude()
    }
}
