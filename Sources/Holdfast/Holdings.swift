import NIOConcurrencyHelpers
import StreamRuntime

/// What an exporter is to hold: the streams of its plan, and those that an application reads.
struct Holdings: Sendable {
    enum Phase: Sendable {
        case prepared
        case running
        case stopped
    }

    struct Reader: Sendable {
        let id: UInt64
        let stream: StreamSpecification
    }

    var plan: RuntimePlan
    var readers: [Reader] = []
    var phase = Phase.prepared
    private var nextReader: UInt64 = 0

    init(plan: RuntimePlan) {
        self.plan = plan
    }

    /// Everything to be held. A stream that is read stays, also where a new plan has one of its name.
    var wanted: RuntimePlan {
        guard !readers.isEmpty else { return plan }
        let names = Set(readers.map(\.stream.name))
        var wanted = plan
        wanted.streams.removeAll { names.contains($0.name) }
        wanted.streams += readers.map(\.stream)
        return wanted
    }

    /// The number of a new reader of `stream`.
    mutating func admit(_ stream: StreamSpecification) throws(ExporterError) -> UInt64 {
        if phase == .stopped { throw .stopped }
        let isTaken =
            plan.streams.contains { $0.name == stream.name } || readers.contains { $0.stream.name == stream.name }
        if isTaken { throw .nameTaken(stream.name) }
        if let credential = stream.credential, plan.credentials[credential] == nil {
            throw .unknownCredential(credential, stream: stream.name)
        }
        nextReader += 1
        return nextReader
    }
}

/// Who reads an exporter's events.
final class EventQueues: Sendable {
    private struct State {
        var queues: [UInt64: ElementQueue<AuditElement>] = [:]
        var observations: [EventObservation] = []
        var next: UInt64 = 0
        var isEnded = false
    }

    private let state = NIOLockedValueBox(State())

    func nextID() -> UInt64 {
        state.withLockedValue { state in
            state.next += 1
            return state.next
        }
    }

    func add(_ queue: ElementQueue<AuditElement>, _ id: UInt64) {
        let isEnded = state.withLockedValue { state in
            if !state.isEnded { state.queues[id] = queue }
            return state.isEnded
        }
        if isEnded { queue.end() }
    }

    func remove(_ id: UInt64) {
        state.withLockedValue { _ = $0.queues.removeValue(forKey: id) }
    }

    func add(_ observation: EventObservation) {
        state.withLockedValue { state in
            state.observations.removeAll { $0.task.isCancelled }
            state.observations.append(observation)
        }
    }

    /// Ends every sequence, and waits until the callbacks have had what waited for them, `limit` long at most.
    func end(within limit: Duration) async {
        let (queues, observations) = state.withLockedValue { state in
            state.isEnded = true
            defer { state.queues = [:] }
            return (Array(state.queues.values), state.observations)
        }
        for queue in queues { queue.end() }
        guard !observations.isEmpty else { return }
        let (settled, settling) = AsyncStream.makeStream(of: Void.self)
        // No task group: it would wait for a callback that never returns.
        Task {
            for observation in observations { await observation.finished() }
            settling.finish()
        }
        let timer = Task {
            // Not `sleep(for:)`: where that is cancelled, optimized code of Swift 6.3 aborts (swiftlang/swift#86204).
            try? await Task.sleep(until: .now + limit, clock: .continuous)
            settling.finish()
        }
        for await _ in settled {}
        timer.cancel()
    }
}
