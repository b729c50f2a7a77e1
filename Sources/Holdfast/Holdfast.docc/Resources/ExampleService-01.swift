import Foundation
import Holdfast
import Logging

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

        let credential = CredentialSpecification.oauth(
            OAuthConfiguration(
                tokenURL: environment["TOKEN_URL"] ?? "http://127.0.0.1:9400/oauth/token",
                clientID: environment["CLIENT_ID"] ?? "any",
                clientSecret: Secret(environment["CLIENT_SECRET"] ?? "any")))
        let stream = try StreamSpecification(
            name: "queue-events", profile: "genesys-architect",
            url: environment["STREAM_URL"] ?? "ws://127.0.0.1:9400/api/v2/architect/websocket",
            credential: "gateway", variables: ["subscriptions": ["queueEvents"]],
            policy: { $0.backoff.base = .milliseconds(250) })
    }
}
