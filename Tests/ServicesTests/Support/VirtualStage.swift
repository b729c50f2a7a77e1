import ConfigurationReader
import Credentials
import Holdfast
import Logging
import NIOCore
import NIOEmbedded
import StreamModel
import StreamRuntime
import Testing

@testable import HoldfastCommand

/// A configuration, held by the real runtime against a ``VirtualService``, hours of it in a moment.
final class VirtualStage {
    let loop = EmbeddedEventLoop()
    let service = VirtualService()
    let record = StreamRecord()
    private let runtime: StreamRuntime

    /// - Parameter text: the configuration file; must be without mistakes.
    init(_ text: String, environment: [String: String] = ["TOKEN": "t-0"], seed: UInt64 = 7) throws {
        let read = ConfigurationFile.load(text: text, file: "c.yml", environment: environment)
        let configuration = try #require(read.configuration, "\(read.diagnostics.map(\.description))")
        var options = StreamRuntime.Options()
        options.network = service
        options.environment = environment
        options.seed = seed
        options.wall = WallClock { [loop] in
            WallTime(milliseconds: 1_790_000_000_000 + Int64(loop.now.uptimeNanoseconds / 1_000_000))
        }
        let logs = record.logs
        runtime = StreamRuntime(
            options: options, group: loop,
            listeners: .init(added: { [record] _, _ in record }, removed: { _ in }),
            logger: Logger(label: "test") { _ in logs })
        self.configuration = configuration
    }

    private let configuration: ExporterConfiguration

    /// Starts the streams.
    func start() {
        runtime.apply(configuration.plan)
        loop.run()
    }

    /// Lets time pass.
    func pass(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        loop.advanceTime(by: .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }

    var now: Instant { Instant(nanoseconds: Int64(loop.now.uptimeNanoseconds)) }

    /// Runs `body` every `interval` from now on.
    func every(_ interval: TimeAmount, _ body: @escaping (VirtualStage) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let run = NIOLoopBound(body, eventLoop: loop)
        _ = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in run.value(bound.value) }
    }
}

/// What was told of a stream. `@unchecked Sendable`: on the one thread of the test.
final class StreamRecord: StreamListener, @unchecked Sendable {
    private(set) var events: [(event: StreamEvent, at: Instant)] = []
    private(set) var tallies = StreamTallies()
    private(set) var messages: [String] = []
    let logs = RecordedLogs()

    func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime) { events.append((event, instant)) }
    func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime) {}
    func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?) { self.tallies = tallies }
    func streamMoved(received: UInt64, sent: UInt64) {}
    func streamWaitedForBudget(_ duration: Duration) {}
    var wantsMessages: Bool { true }
    func streamReceived(_ facts: MessageFacts, payload: UnsafeRawBufferPointer) {
        messages.append(String(decoding: payload, as: UTF8.self))
    }

    /// The states entered, in order.
    var states: [StreamState] {
        events.compactMap { if case .stateChanged(let state) = $0.event { state } else { nil } }
    }

    var losses: [DisconnectReason] {
        events.compactMap { if case .connectionLost(let loss) = $0.event { loss.reason } else { nil } }
    }

    var failures: [AttemptFailure] {
        events.compactMap { if case .attemptFailed(_, _, let failure) = $0.event { failure } else { nil } }
    }

    var handovers: [StreamEvent.Handover.Phase] {
        events.compactMap { if case .handover(let handover) = $0.event { handover.phase } else { nil } }
    }

    var resumes: [ResumeOutcome] {
        events.compactMap { if case .resumeSettled(let outcome) = $0.event { outcome } else { nil } }
    }

    var delays: [Duration] {
        events.compactMap { if case .backoffScheduled(let delay, _, _) = $0.event { delay } else { nil } }
    }

    /// How often the stream became live.
    var lives: Int { events.count { if case .live = $0.event { true } else { false } } }
}

/// Log lines, kept. `@unchecked Sendable`: on the one thread of the test.
final class RecordedLogs: LogHandler, @unchecked Sendable {
    private(set) var lines: [String] = []
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level) \(event.message)")
    }
}
