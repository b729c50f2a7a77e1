import Foundation
import StreamModel

/// The answer of `GET /api/v1/streams`: what the page shows, as JSON.
enum StreamsDocument {
    private struct Document: Encodable {
        let time: String
        let streams: [Stream]
    }

    private struct Stream: Encodable {
        let stream: String
        let profile: String
        let clientId: String
        let labels: [String: String]
        let state: String
        let stateSince: String
        let startedAt: String
        let continuity: Double?
        let coverage: Double?
        let retryCount: Int
        let attempts: UInt64
        let nextAttemptAt: String?
        let received: UInt64
        let expected: UInt64
        let lost: UInt64
        let pending: UInt64
        let duplicate: UInt64
        let reordered: UInt64
        let late: UInt64
        let gaps: UInt64
        let resets: UInt64
        let lastSequence: UInt64?
        let lastMessageAt: String?
        let lastOutage: Outage?
        let lastFailure: Failure?
        let heartbeatRttSeconds: Double?
        let phasesSeconds: [String: Double]?
    }

    private struct Outage: Encodable {
        let beganAt: String
        let cause: String
        let durationSeconds: Double?
    }

    private struct Failure: Encodable {
        let at: String
        let reason: String
        let detail: String
    }

    static func render(_ streams: [StreamStatus], at now: Instant, wall: WallTime) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let document = Document(time: text(wall), streams: streams.map { stream($0, at: now) })
        guard let data = try? encoder.encode(document) else { return Array("{\"streams\":[]}".utf8) }
        return Array(data) + [0x0A]
    }

    private static func stream(_ status: StreamStatus, at now: Instant) -> Stream {
        let (observed, covered) = status.coverage.times(at: now)
        let tallies = status.tallies
        return Stream(
            stream: status.identity.name, profile: status.identity.profile, clientId: status.identity.clientID,
            labels: Dictionary(status.identity.labels.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
            state: status.state.rawValue, stateSince: text(status.stateSince), startedAt: text(status.startedAt),
            continuity: status.isSequenced ? tallies.continuity : nil,
            coverage: observed > .zero ? covered.seconds / observed.seconds : nil, retryCount: status.retryCount,
            attempts: status.attempts, nextAttemptAt: status.nextAttemptAt.map(text), received: tallies.received,
            expected: tallies.expected, lost: tallies.lost, pending: tallies.pending, duplicate: tallies.duplicate,
            reordered: tallies.reordered, late: tallies.late, gaps: tallies.gaps, resets: tallies.resets,
            lastSequence: tallies.highest, lastMessageAt: status.lastMessageAt.map(text),
            lastOutage: status.outage.map {
                Outage(beganAt: text($0.began), cause: $0.cause, durationSeconds: $0.duration?.seconds)
            },
            lastFailure: status.lastFailure.map { Failure(at: text($0.at), reason: $0.reason, detail: $0.detail) },
            heartbeatRttSeconds: status.heartbeatRoundTrip?.seconds,
            phasesSeconds: status.phases.map { phases in
                Dictionary(phases.measured.map { ($0.phase.rawValue, $0.duration.seconds) }, uniquingKeysWith: { $1 })
            })
    }

    /// RFC 3339 in UTC, to the millisecond.
    static func text(_ time: WallTime) -> String {
        Date(timeIntervalSince1970: Double(time.milliseconds) / 1000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
