import StreamModel

@testable import StreamSupervisor

/// Drives a machine in virtual time: what a runtime would do, with the test as the gateway.
struct MachineDriver {
    var machine: StreamMachine
    var now = Instant(nanoseconds: 1_000_000_000)
    var rng: SplitMix64
    /// Everything ordered since the last `drain`.
    private(set) var actions: [StreamAction] = []
    /// Every event since the start.
    private(set) var events: [StreamEvent] = []

    init(_ policy: StreamPolicy, seed: UInt64 = 1, lastSequence: UInt64? = nil) {
        machine = StreamMachine(policy: policy, lastSequence: lastSequence)
        rng = SplitMix64(seed: seed)
    }

    var generation: UInt64 { machine.generation }
    var tallies: StreamTallies { machine.continuity.tallies }

    mutating func handle(_ input: StreamInput) {
        let new = machine.handle(input, at: now, using: &rng)
        actions += new
        for case .emit(let event) in new { events.append(event) }
    }

    mutating func drain() -> [StreamAction] {
        defer { actions = [] }
        return actions
    }

    /// Lets `duration` pass, handing in every deadline on the way at its own time.
    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            handle(.deadlineReached)
        }
        now = end
    }

    /// Lets time pass until the next deadline, and hands it in.
    mutating func passToDeadline() {
        guard let deadline = machine.nextDeadline else { return }
        now = max(now, deadline)
        handle(.deadlineReached)
    }

    /// Brings the attempt under way as far as the open socket.
    mutating func open() {
        handle(.permitGranted(generation: generation))
        handle(.tokenObtained(generation: generation))
        var phases = PhaseTimings()
        phases[.tcp] = .milliseconds(1)
        handle(.transportOpened(generation: generation, phases))
    }

    mutating func acknowledge() {
        message(.acknowledgment)
    }

    mutating func goLive() {
        if machine.state == .idle { handle(.started) }
        open()
        acknowledge()
    }

    mutating func message(_ role: MessageFacts.Role, _ sequence: UInt64? = nil) {
        handle(.messageReceived(generation: generation, MessageFacts(role: role, sequence: sequence)))
    }

    mutating func receive(_ sequences: some Sequence<UInt64>) {
        for sequence in sequences { message(.event, sequence) }
    }

    mutating func close(_ code: UInt16 = 1006, _ meaning: Closure.Meaning = .plain, reason: String = "") {
        let origin: Closure.Origin = code == 1006 ? .endOfStream : .peer
        handle(
            .transportClosed(
                generation: generation, Closure(origin: origin, code: code, reason: reason, meaning: meaning)))
    }

    /// Waits out the backoff that is under way, and brings the retry as far as the open socket.
    mutating func retryAndOpen() {
        passToDeadline()
        open()
    }
}

extension StreamPolicy {
    /// The rules of `genesys-architect`, with a jitter that leaves no doubt.
    static var architect: StreamPolicy {
        var policy = StreamPolicy()
        policy.backoff.jitter = .additive(ratio: 0.4)
        policy.backoff.maxAttempts = 10
        policy.rearmAfter = .zero
        policy.sequence = .contiguous(startsAt: nil)
        policy.resumable = true
        policy.renewsTokenOnReconnect = true
        return policy
    }
}

extension StreamEvent {
    var isLoss: Bool { if case .messagesLost = self { true } else { false } }
    var isGap: Bool { if case .gapOpened = self { true } else { false } }
    var delay: Duration? { if case .backoffScheduled(let delay, _, _) = self { delay } else { nil } }
    var lossReason: DisconnectReason? { if case .connectionLost(let loss) = self { loss.reason } else { nil } }
    var failure: AttemptFailure? { if case .attemptFailed(_, _, let failure) = self { failure } else { nil } }
    var resumeOutcome: ResumeOutcome? { if case .resumeSettled(let outcome) = self { outcome } else { nil } }
}
