import AuditTrail
import StreamModel

/// The answer of `GET /api/v1/streams`: what the page shows, as JSON. What is not known is left out.
enum StreamsDocument {
    static func render(
        _ lines: [StreamBoard.Line], withHistory: Bool = false, at now: Instant, wall: WallTime
    ) -> [UInt8] {
        var writer = JSONWriter(capacity: 64 + lines.count * (withHistory ? 1_800 : 1_100))
        writer.object { writer in
            writer.array("streams") { writer in
                for line in lines {
                    writer.object { write(line, withHistory: withHistory, at: now, to: &$0) }
                }
            }
            writer.write("time", wall)
            writer.write("version", HoldfastVersion.current)
        }
        return writer.bytes + [0x0A]
    }

    private static func write(
        _ line: StreamBoard.Line, withHistory: Bool, at now: Instant, to writer: inout JSONWriter
    ) {
        let status = line.status
        writer.write("stream", status.identity.name)
        writer.write("profile", status.identity.profile)
        writer.write("clientId", status.identity.clientID)
        writer.object("labels") { writer in
            for label in status.identity.labels { writer.write(key: label.name, label.value) }
        }
        writer.write("state", status.state.rawValue)
        writer.write("stateSince", status.stateSince)
        writer.write("startedAt", status.startedAt)
        writer.write("liveSince", status.liveSince)
        writer.write("nextAttemptAt", status.nextAttemptAt)
        writeContinuity(status, to: &writer)
        let (observed, covered) = status.coverage.times(at: now)
        writer.write("coverage", status.coverage.share(at: now))
        writer.write("observedSeconds", observed.seconds)
        writer.write("coveredSeconds", covered.seconds)
        writeConnecting(status, to: &writer)
        if withHistory { write(line.history.points(status, at: now), to: &writer) }
    }

    private static func writeContinuity(_ status: StreamStatus, to writer: inout JSONWriter) {
        let tallies = status.tallies
        if status.isSequenced { writer.write("continuity", tallies.continuity) }
        writer.write("received", tallies.received)
        writer.write("expected", tallies.expected)
        writer.write("lost", tallies.lost)
        writer.write("pending", tallies.pending)
        writer.write("duplicate", tallies.duplicate)
        writer.write("reordered", tallies.reordered)
        writer.write("late", tallies.late)
        writer.write("gaps", tallies.gaps)
        writer.write("resets", tallies.resets)
        writer.write("lastSequence", tallies.highest)
        writer.write("lastMessageAt", status.lastMessageAt)
    }

    private static func writeConnecting(_ status: StreamStatus, to writer: inout JSONWriter) {
        writer.write("retryCount", status.retryCount)
        writer.write("attempts", status.attempts)
        writer.write("retries", status.retries)
        writer.write("reconnects", status.reconnects)
        writer.write("reconnectLatencySeconds", status.lastReconnectLatency?.seconds)
        if let outage = status.outage {
            writer.object("lastOutage") { writer in
                writer.write("beganAt", outage.began)
                writer.write("cause", outage.cause)
                writer.write("closeCode", outage.closeCode)
                if !outage.detail.isEmpty { writer.write("detail", outage.detail) }
                writer.write("durationSeconds", outage.duration?.seconds)
            }
        }
        if let failure = status.lastFailure {
            writer.object("lastFailure") { writer in
                writer.write("at", failure.at)
                writer.write("reason", failure.reason)
                writer.write("detail", failure.detail)
            }
        }
        writer.write("heartbeatRttSeconds", status.heartbeatRoundTrip?.seconds)
        if let phases = status.phases {
            writer.object("phasesSeconds") { writer in
                for (phase, duration) in phases.measured { writer.write(phase.key, duration.seconds) }
            }
        }
    }

    private static func write(_ points: [StreamHistory.Point], to writer: inout JSONWriter) {
        writer.object("lastHour") { writer in
            writer.write("intervalSeconds", StreamHistory.interval.components.seconds)
            writer.array("continuity") { writer in
                for point in points { writer.element(share: point.continuity) }
            }
            writer.array("coverage") { writer in
                for point in points { writer.element(share: point.coverage) }
            }
            writer.array("received") { writer in
                for point in points { writer.element(point.received) }
            }
        }
    }

    /// RFC 3339 in UTC, to the millisecond.
    static func text(_ time: WallTime) -> String {
        var bytes: [UInt8] = []
        CivilTime.append(time, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ConnectPhase {
    fileprivate var key: StaticString {
        switch self {
        case .token: "token"
        case .prepare: "prepare"
        case .dns: "dns"
        case .tcp: "tcp"
        case .tls: "tls"
        case .upgrade: "upgrade"
        case .ack: "ack"
        }
    }
}
