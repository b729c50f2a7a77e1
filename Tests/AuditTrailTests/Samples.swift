import StreamModel

@testable import AuditTrail

/// Facts to make lines of.
enum Samples {
    static let identity = StreamIdentity(name: "queue-events", profile: "genesys-architect", clientID: "c-1")
    static let time = WallTime(milliseconds: 1_795_342_502_113)

    static func attempt(reconnect: Bool, cause: String = "closed_abnormal") -> StreamEvent.Attempt {
        .init(
            id: AttemptID(rawValue: 0x4F1C_9D20_77B3_0A5E), generation: 3, number: 1, retryCount: 2,
            isReconnect: reconnect, isResume: reconnect,
            delay: .milliseconds(2_140), cause: reconnect ? cause : "")
    }

    static var phases: PhaseTimings {
        var phases = PhaseTimings()
        phases[.dns] = .microseconds(1_000)
        phases[.tcp] = .microseconds(2_050)
        phases[.ack] = .nanoseconds(147_999_600)
        return phases
    }

    static func outcome(
        _ status: AttemptStatus, continuity: Double? = 0.9987, lastSequence: UInt64? = 41
    ) -> StreamEvent.AttemptOutcome {
        .init(
            status: status, latency: .nanoseconds(147_500_000), phases: phases, continuity: continuity,
            lastSequence: lastSequence)
    }

    static let failure = AttemptFailure(
        reason: .closed, httpStatus: 503, closeCode: 1006, detail: "went away", consequence: .retry)

    static func loss(_ reason: DisconnectReason = .closedAbnormal, detail: String = "bye") -> StreamEvent {
        .connectionLost(
            .init(
                attempt: AttemptID(rawValue: 0xA1), generation: 1, reason: reason, closeCode: 1006, detail: detail,
                liveFor: .seconds(90),
                lastSequence: 41))
    }

    /// Every stream event, with and without what is optional.
    static var streamEvents: [StreamEvent] {
        let range = SequenceRange(42, 44)
        return [
            .started(lastSequence: nil), .started(lastSequence: 41), .stateChanged(.live),
            .attemptStarted(attempt(reconnect: true)),
            .attemptFailed(attempt(reconnect: false), outcome(.failure), failure),
            .attemptFailed(
                attempt(reconnect: false), outcome(.timeout, continuity: nil, lastSequence: nil),
                AttemptFailure(reason: .timeout)),
            .attemptFailed(attempt(reconnect: true), outcome(.failure), failure),
            .attemptFailed(attempt(reconnect: true, cause: ""), outcome(.timeout), AttemptFailure(reason: .ackTimeout)),
            .resumeAcknowledged(attempt(reconnect: true), latency: .milliseconds(148)),
            .subscriptionsRejected(.init(["v2.a", "v2.\"b\""], reason: "no permission")),
            .subscriptionsRejected(.init((0..<30).map { "t\($0)" }, reason: "")), .bufferFlushed(count: 7),
            .reconnected(attempt(reconnect: true), outcome(.success)),
            .live(attempt(reconnect: false), phases, outage: nil),
            .live(attempt(reconnect: true), PhaseTimings(), outage: .milliseconds(2_500)), .held, loss(),
            .connectionLost(
                .init(
                    generation: 1, reason: .planned, closeCode: nil, detail: "", liveFor: .zero, lastSequence: nil)),
            .backoffScheduled(delay: .milliseconds(1_337), retry: 1, cause: "closed_abnormal"),
            .gapOpened(range, channel: 0), .gapOpened(range, channel: 0xAB), .gapClosed(range, channel: 0),
            .messagesLost(range, channel: 0, continuity: 0.5), .messagesLost(range, channel: .max, continuity: 1),
            .sequenceReset(previousHighest: .max, baseline: 1, channel: 0), .heartbeatAnswered(roundTrip: .seconds(1)),
            .heartbeatMissed(after: .seconds(10)), .silenceDetected(after: .seconds(35)),
            .handover(.init(phase: .planned, cause: .notice)), .handover(.init(phase: .failed, cause: .rollover)),
            .retriesExhausted(retries: 10, cause: "refused", willRearmAfter: nil),
            .retriesExhausted(retries: 10, cause: "refused", willRearmAfter: .seconds(900)), .stopped(.requested),
            .stopped(.finalClose(code: 1000)), .stopped(.hopeless(.forbidden)),
        ] + ResumeOutcome.allCases.map { .resumeSettled($0) }
    }

    /// Every fact, whether it makes a line or not.
    static var facts: [EventRecord.Fact] {
        let credentialEvents: [CredentialEvent] = [
            .requestEnded(.ok), .refreshed(expiry: nil), .refreshed(expiry: WallTime(milliseconds: 0)),
            .rejected(.init(cause: .invalidClient, status: 401, detail: "invalid_client: no such client")),
            .rejected(.init(cause: .refusedToken, status: 4401, detail: "")),
            .rejected(.init(cause: .authRejected, status: nil, detail: "no")),
        ]
        return streamEvents.map { .stream(identity, $0) }
            + credentialEvents.map { .credential(name: "genesys", stream: identity, $0) }
            + [
                .configurationReloaded(success: true, detail: ""),
                .configurationReloaded(success: false, detail: "holdfast.yml:3:5: unknown key \"profil\""),
            ]
    }

    static func record(_ event: StreamEvent, stream: String = "queue-events") -> EventRecord {
        var identity = identity
        identity.name = stream
        return EventRecord(time: time, fact: .stream(identity, event))
    }

    /// A small line, number `number`.
    static func line(_ number: UInt64, _ event: StreamEvent = .bufferFlushed(count: 1)) -> AuditLine {
        guard let line = AuditLineEncoder(redact: { $0 }).line(number, for: record(event)) else {
            preconditionFailure("the sample makes no line")
        }
        return line
    }
}

extension AuditLine {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
