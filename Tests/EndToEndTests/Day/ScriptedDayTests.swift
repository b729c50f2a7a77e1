import Foundation
import Testing

extension EndToEnd {
    /// A day of the architect gateway: whatever can go wrong, on a script, and every figure as the definitions say.
    @Test func aDayOfTheArchitectGateway() async throws {
        try await story {
            let day = try ScriptedDay()
            try day.begin()
            try day.morning()
            try day.refusals()
            try day.noon()
            try day.afternoon()
            try day.otherStreams()
            try day.roughStreams()
            try day.evening()
            try day.judge()
        }
    }
}

/// The script, and the judge of what the program made of it.
final class ScriptedDay {
    let gateway: MockGateway
    let folder: Folder
    let exporter: Exporter
    let queue = DayModel("queue-events", base: 20, cap: 100)
    let talk = DayModel("conversation-events", base: 20, cap: 100)
    let pulse = DayModel("pulse", base: 20, cap: 100)
    let quiet = DayModel("quiet", base: 20, cap: 100)
    let rough = DayModel("rough", base: 20, cap: 100)
    let began = Date()
    var clientID = ""
    /// The token of the newest handshake of each stream.
    var tokens: [String: String] = [:]
    /// The tokens of the streams' first handshakes.
    var firstTokens: [String] = []
    /// The connections that are live in the end.
    var peer: Peer
    var roughPeer: Peer

    init() throws {
        gateway = try MockGateway()
        folder = try Folder()
        exporter = try Exporter(
            Self.configuration(gateway, folder), in: folder, environment: ["HOLDFAST_E2E_SECRET": "not-so-secret"])
        peer = Peer(try Socket(port: gateway.port))
        roughPeer = peer
    }

    static func configuration(_ gateway: MockGateway, _ folder: Folder) -> String {
        func stream(_ name: String, _ extra: String = "") -> String {
            """
              - name: \(name)
                profile: genesys-architect
                url: \(gateway.url(name))
                credential: genesys
                subscriptions: [queueEvents]
            \(extra)
            """
        }
        return """
            credentials:
              genesys:
                type: oauth2_client_credentials
                token_url: \(gateway.tokenURL)
                client_id: day
                client_secret_env: DAY_SECRET
                scope: architect:read
            defaults:
              backoff: {base: 20ms, cap: 100ms, multiplier: 2, jitter: {kind: none}, max_attempts: 0, reset_after: 1h}
              heartbeat: {interval: 1h, timeout: 10s}
              connect_timeout: 60s
              ack_timeout: 1500ms
              reorder_window: 300ms
              max_message_size: 4KiB
            streams:
            \(stream("queue-events", "    labels: {team: ivr}"))
            \(stream("conversation-events", "    backoff: {reset_after: 50ms}"))
            \(stream("pulse", "    heartbeat: {interval: 100ms, timeout: 1500ms}"))
            \(stream("quiet", "    silence_timeout: 300ms"))
            \(stream("rough"))
            audit:
              stdout: true
              file: {path: \(folder.file("audit.jsonl")), fsync: always}
            """.replacingOccurrences(of: "DAY_SECRET", with: "HOLDFAST_E2E_SECRET")
    }
}
