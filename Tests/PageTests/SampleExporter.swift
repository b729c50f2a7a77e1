import AuditTrail
import ExpositionServer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import StreamMetrics
import StreamModel
import StreamRuntime

@testable import Holdfast

/// The real endpoint with the real page on a board that a test writes on: streams without a network.
final class SampleExporter: Sendable {
    let board = StreamBoard()
    let trail: AuditTrail
    let url: String
    private let server: ExpositionServer
    private let began: Instant

    init() throws {
        trail = try AuditTrail(AuditTrailConfiguration())
        let metrics = try StreamMetrics(version: "0", swift: "6", auditEvents: AuditEventName.allCases.map(\.rawValue))
        // Holds no stream, so that its loops never run anything.
        let runtime = StreamRuntime(
            options: .init(), group: MultiThreadedEventLoopGroup.singleton,
            listeners: .init(added: { _, _ in throw NoStreams() }, removed: { _ in }), logger: Logger(label: "sample"))
        let surface = ExporterSurface(
            metrics: metrics, trail: trail, board: board, runtime: runtime, wanted: NIOLockedValueBox(0),
            wall: .system)
        var options = ExpositionServer.Options()
        options.limits.stopGraceMilliseconds = 50
        server = ExpositionServer(options: options, metrics: surface, api: surface)
        try server.start(listenAddresses: [ListenAddress(host: "127.0.0.1", port: 0)])
        url = "http://\(server.boundAddresses[0])/"
        began = Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds))
    }

    private struct NoStreams: Error {}

    func stop() { server.stop() }

    /// The monotonic time `seconds` from the start of the test.
    func instant(_ seconds: Double) -> Instant { began + .fromSeconds(seconds) }

    func wall(_ seconds: Double) -> WallTime {
        WallTime(milliseconds: WallClock.system.now().milliseconds + Int64(seconds * 1_000))
    }

    /// A stream that has been live for the last hour.
    @discardableResult
    func addStream(
        _ name: String, profile: String = "genesys-architect", isSequenced: Bool = true, labels: [String: String] = [:],
        seed: UInt64 = 1, _ script: [Minute: [Step]] = [:]
    ) -> StreamBoard.Entry {
        let identity = StreamIdentity(
            name: name, profile: profile, clientID: "client-\(seed)",
            labels: labels.map { .init(name: $0.key, value: $0.value) })
        let entry = board.add(StreamStatus(identity, isSequenced: isSequenced, at: wall(-3_600)))
        var stream = SampleStream(exporter: self, identity: identity, entry: entry, seed: seed)
        stream.note(.started(lastSequence: nil), -3_600, isRecorded: false)
        stream.goLive(-3_599.8, outage: nil)
        for minute in 0..<60 {
            for step in script[minute] ?? [] { stream.perform(step, Double(minute - 60) * 60 + 20) }
            stream.receive()
            if minute < 59 { entry.endMinute(at: instant(Double(minute - 59) * 60)) }
        }
        return entry
    }

    /// Minutes from an hour ago: 59 is the one under way.
    typealias Minute = Int

    enum Step {
        case lose(UInt64)
        /// The connection is lost, and comes back after so many seconds.
        case outage(DisconnectReason, Double)
        /// The connection is lost, and so many retries have failed since.
        case down(DisconnectReason, retries: Int, ConnectFailureReason, detail: String)
        case exhausted
    }

    func emit(_ event: StreamEvent, of identity: StreamIdentity, at time: WallTime) {
        trail.append(EventRecord(time: time, fact: .stream(identity, event)))
    }
}

/// What happens to one stream, in its order.
struct SampleStream {
    let exporter: SampleExporter
    let identity: StreamIdentity
    let entry: StreamBoard.Entry
    let seed: UInt64
    private var generation: UInt64 = 1
    private var sequence: UInt64 = 0
    private var step: UInt64 = 0
    private var isLive = false

    init(exporter: SampleExporter, identity: StreamIdentity, entry: StreamBoard.Entry, seed: UInt64) {
        self.exporter = exporter
        self.identity = identity
        self.entry = entry
        self.seed = seed
    }

    func note(_ event: StreamEvent, _ seconds: Double, isRecorded: Bool = true) {
        let time = exporter.wall(seconds)
        entry.update { $0.note(event, at: exporter.instant(seconds), wall: time) }
        if isRecorded { exporter.emit(event, of: identity, at: time) }
    }

    private func attempt(_ retry: Int) -> StreamEvent.Attempt {
        .init(
            generation: generation, number: max(1, retry), retryCount: retry, isReconnect: retry > 0,
            isResume: retry > 0, delay: .milliseconds(1_200), cause: retry > 0 ? "closed_abnormal" : "")
    }

    private var phases: PhaseTimings {
        var phases = PhaseTimings()
        let jitter = Int64(seed % 17)
        phases[.token] = .microseconds(81_000 + jitter * 900)
        phases[.dns] = .microseconds(2_100 + jitter * 70)
        phases[.tcp] = .microseconds(11_400 + jitter * 210)
        phases[.tls] = .microseconds(24_900 + jitter * 330)
        phases[.upgrade] = .microseconds(38_200 + jitter * 410)
        phases[.ack] = .microseconds(52_700 + jitter * 530)
        return phases
    }

    mutating func goLive(_ seconds: Double, outage: Double?) {
        let attempt = attempt(outage == nil ? 0 : 1)
        note(.attemptStarted(attempt), seconds, isRecorded: false)
        if let outage {
            let outcome = StreamEvent.AttemptOutcome(
                status: .success, latency: .milliseconds(148), phases: phases, continuity: 1, lastSequence: sequence)
            note(.reconnected(attempt, outcome), seconds)
            note(.live(attempt, phases, outage: .fromSeconds(outage)), seconds)
        } else {
            note(.live(attempt, phases, outage: nil), seconds, isRecorded: false)
        }
        note(.stateChanged(.live), seconds)
        note(.held, seconds, isRecorded: false)
        note(.heartbeatAnswered(roundTrip: .microseconds(21_300)), seconds, isRecorded: false)
        isLive = true
    }

    /// What comes in a minute: a wave, so that there is a line to see.
    mutating func receive() {
        guard isLive else { return }
        step += 1
        let wave = [0, 12, 25, 31, 30, 22, 9, 3][Int((step / 4 + seed) % 8)]
        let count = UInt64(40 + wave + Int((seed &* 31 &+ step &* 7) % 9))
        sequence += count
        entry.update {
            $0.tallies.received += count
            if $0.isSequenced {
                $0.tallies.unique += count
                $0.tallies.highest = sequence
            }
            $0.lastMessageAt = exporter.wall(-1)
        }
    }

    mutating func perform(_ step: SampleExporter.Step, _ seconds: Double) {
        switch step {
        case .lose(let count):
            entry.update {
                $0.tallies.lost += count
                $0.tallies.gaps += 1
            }
            sequence += count
            note(
                .messagesLost(
                    SequenceRange(sequence - count + 1, sequence), channel: 0,
                    continuity: entry.current.tallies.continuity), seconds)
        case .outage(let reason, let length):
            lose(reason, seconds)
            goLive(seconds + length, outage: length)
        case .down(let reason, let retries, let failure, let detail):
            lose(reason, seconds)
            for retry in 1...retries {
                let time = seconds * Double(retries - retry + 1) / Double(retries + 1)
                fail(retry, failure, detail: detail, time)
            }
        case .exhausted:
            note(.stateChanged(.exhausted), seconds)
            note(.retriesExhausted(retries: 10, cause: "forbidden", willRearmAfter: .seconds(900)), seconds)
        }
    }

    private mutating func lose(_ reason: DisconnectReason, _ seconds: Double) {
        isLive = false
        note(
            .connectionLost(
                .init(
                    generation: generation, reason: reason, closeCode: reason == .closedAbnormal ? 1006 : nil,
                    detail: reason == .closedAbnormal ? "the connection ended without a close frame" : "",
                    liveFor: .seconds(60), lastSequence: sequence)), seconds)
        note(.stateChanged(.backingOff), seconds)
        generation += 1
    }

    private mutating func fail(_ retry: Int, _ reason: ConnectFailureReason, detail: String, _ seconds: Double) {
        let attempt = attempt(retry)
        let outcome = StreamEvent.AttemptOutcome(
            status: .failure, latency: .milliseconds(90), phases: PhaseTimings(), continuity: 1, lastSequence: sequence)
        note(.attemptStarted(attempt), seconds)
        note(
            .attemptFailed(
                attempt, outcome,
                AttemptFailure(reason: reason, httpStatus: reason == .forbidden ? 403 : nil, detail: detail)), seconds)
        note(.backoffScheduled(delay: .seconds(28), retry: retry + 1, cause: reason.rawValue), seconds)
        note(.stateChanged(.backingOff), seconds)
        generation += 1
    }
}
