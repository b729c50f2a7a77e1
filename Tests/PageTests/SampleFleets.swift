import StreamModel

@testable import Holdfast

/// Fleets to look at.
extension SampleExporter {
    private static let queues = [
        "queue-events-emea", "queue-events-apac", "queue-events-amer", "conversation-events", "routing-status",
        "agent-presence", "callback-events", "ivr-flow-outcomes", "billing-notifications", "survey-results",
        "wfm-adherence", "quality-evaluations",
    ]

    private func addHealthy(except names: Set<String> = []) {
        for (index, name) in Self.queues.enumerated() where !names.contains(name) {
            let profile = index < 6 ? "genesys-architect" : index < 10 ? "genesys-notify" : "genesys-notifications"
            addStream(
                name, profile: profile, isSequenced: index < 10, labels: ["team": index % 2 == 0 ? "ivr" : "routing"],
                seed: UInt64(index + 1), index == 4 ? [12: [.outage(.planned, 0.2)]] : [:])
        }
    }

    /// Everything is well.
    func addHealthyFleet() { addHealthy() }

    /// Some streams hurt, each in its own way.
    func addTroubledFleet() {
        addHealthy(except: [
            "queue-events-apac", "conversation-events", "agent-presence", "billing-notifications", "wfm-adherence",
        ])
        addStream(
            "wfm-adherence", profile: "genesys-notifications", isSequenced: false, labels: ["team": "wfm"], seed: 21,
            [40: [.outage(.heartbeat, 14)], 46: [.outage(.heartbeat, 9)]])
        addStream(
            "agent-presence", labels: ["team": "routing"], seed: 22,
            [31: [.lose(3)], 44: [.outage(.closedAbnormal, 2.4), .lose(17)]])
        addStream(
            "queue-events-apac", labels: ["team": "ivr"], seed: 23,
            [
                50: [.outage(.closedAbnormal, 4.1)],
                56: [.down(.closedAbnormal, retries: 5, .gatewayError, detail: "502 Bad Gateway")],
            ])
        addStream(
            "billing-notifications", profile: "genesys-notify", labels: ["team": "billing"], seed: 24,
            [
                48: [
                    .lose(2), .down(.token, retries: 10, .forbidden, detail: "missing permission notifications:topic"),
                    .exhausted,
                ]
            ])
        addStream(
            "conversation-events", labels: ["team": "routing"], seed: 25,
            [59: [.down(.heartbeat, retries: 1, .timeout, detail: "no answer to the upgrade within 10 s")]])
    }

    /// More than anybody looks through by hand.
    func addLargeFleet(_ count: Int) {
        for index in 0..<count {
            let number = String(String(index + 100_000).dropFirst())
            let script: [Minute: [Step]] =
                switch index % 500 {
                case 7: [55: [.down(.closedAbnormal, retries: 3, .refused, detail: "connection refused")]]
                case 113: [20: [.lose(4)], 33: [.outage(.heartbeat, 11)]]
                case 444: [30: [.down(.token, retries: 10, .forbidden, detail: ""), .exhausted]]
                default: [:]
                }
            addStream(
                "queue-\(number)", profile: index % 3 == 0 ? "genesys-notify" : "genesys-architect",
                labels: ["region": ["emea", "apac", "amer"][index % 3]], seed: UInt64(index), script)
        }
    }
}
