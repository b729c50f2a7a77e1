import Holdfast

// What the articles of the library show; compiled here, so that it stays true.

enum GettingStarted {
    static func process(_ message: StreamMessage) async throws {}

    static func holdQueueEvents(secret: String) async throws {
        let stream = try StreamSpecification(
            name: "queue-events", profile: "genesys-architect", credential: "genesys",
            variables: ["environment": "usw2.pure.cloud", "subscriptions": ["queueEvents"]])
        let credential = CredentialSpecification.oauth(
            OAuthConfiguration(
                environment: "usw2.pure.cloud", clientID: "6b1f9f0e-4a0d-4d7c-9d53-1a2b3c4d5e6f",
                clientSecret: Secret(secret)))
        let logger = Logger(label: "orders")

        try await withHeldStream(stream, credentials: ["genesys": credential], logger: logger) { messages in
            for await element in messages {
                switch element {
                case .message(let message): try await process(message)
                case .gap(let range): logger.error("never got \(range.count) events from \(range.first) on")
                case .reset(let baseline): logger.error("numbered anew from \(baseline)")
                case .interrupted(let reason): logger.warning("interrupted: \(reason.rawValue)")
                case .restored(let outage): logger.info("back after \(outage)")
                case .dropped(let count): logger.error("too slow: \(count) elements dropped")
                }
            }
        }
    }

    static func withAnEndpoint(
        _ stream: StreamSpecification, _ credentials: [String: CredentialSpecification], _ logger: Logger
    ) async throws {
        try await withHeldStream(stream, credentials: credentials, logger: logger) { configuration in
            configuration.listenAddresses = [try ListenAddress(parsing: ":10046")]
            configuration.stateDirectory = "/var/lib/orders"
            configuration.audit.file = AuditFileConfiguration(path: "/var/log/orders/audit.jsonl")
        } _: { messages in
            for await case .message(let message) in messages { try await process(message) }
        }
    }
}
