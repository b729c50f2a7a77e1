import Holdfast

enum HoldingAStream {
    static func severalStreams(
        _ credential: CredentialSpecification, _ queues: StreamSpecification, _ conversations: StreamSpecification,
        _ logger: Logger, take: @escaping @Sendable (StreamElement) async -> Void
    ) async throws {
        let plan = RuntimePlan(streams: [], credentials: ["genesys": credential])
        let exporter = try Exporter(ExporterConfiguration(plan: plan), logger: logger)
        let queueEvents = try exporter.hold(queues)
        let conversationEvents = try exporter.hold(conversations, limit: 10_000)
        try exporter.start()

        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await element in queueEvents { await take(element) } }
            group.addTask { for await element in conversationEvents { await take(element) } }
        }
        await exporter.stop()
    }

    static func settings(_ url: String) throws -> StreamSpecification {
        try StreamSpecification(
            name: "presence", profile: "genesys-notifications", url: url, credential: "genesys",
            variables: ["subscriptions": ["v2.users.5f0c8f1e.presence"]],
            labels: [.init(name: "team", value: "ivr")],
            policy: { policy in
                policy.backoff.cap = .seconds(10)
                policy.reorderWindow = .seconds(5)
            })
    }

    static func end(_ messages: StreamMessages, _ take: (StreamElement) -> Void) async {
        messages.close()
        for await element in messages { take(element) }
    }
}
