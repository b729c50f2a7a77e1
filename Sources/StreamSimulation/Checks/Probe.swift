import StreamModel
import StreamRuntime
import WebSocketTransport

/// Watches one stream in one life of the process: hears everything that its listener hears and everything that its
/// connections do, keeps its own account of both, and says where a promise did not hold.
///
/// Unchecked: everything of a simulation happens on the thread that runs it.
final class Probe: StreamListener, @unchecked Sendable {
    /// An attempt under way, as the simulation sees it.
    struct PendingAttempt {
        let facts: StreamEvent.Attempt
        let began: Int64
        /// The first request that prepares it was sent.
        var preparingAt: Int64?
        var dialedAt: Int64?
        var openedAt: Int64?
        /// What subscribes or resumes was sent.
        var askedAt: Int64?
        var isAcknowledged = false
        var token = ""
        /// The least delay that the gateway asked for after it.
        var floor: Int64 = 0
        /// The reason that its end must be told with.
        var expectedFailure: ConnectFailureReason?
    }

    /// The live connection, as the simulation sees it.
    struct LiveConnection {
        let generation: UInt64
        let since: Int64
        var lastMessage: Int64
        var lastPong: Int64
        /// The heartbeat that waits for its answer.
        var unanswered: (number: Int, at: Int64)?
        /// When the next heartbeat is to be sent.
        var heartbeatDue: Int64
        /// When its channel was begun to be made.
        var preparedAt: Int64
        /// When it is of age at the latest, and is replaced.
        var agesBy = Int64.max
        /// When a hand-over that failed is tried again at the latest, where the service announced that it will close.
        var repeatsBy = Int64.max
        var wasNoticed = false
        var hasHeld = false
        let token: String
        var expectedLoss: DisconnectReason?
    }

    struct Counts {
        var attempts = 0
        var failures: [ConnectFailureReason: Int] = [:]
        var disconnects: [DisconnectReason: Int] = [:]
        var reconnects = 0
        var retries = 0
        var exhausted = 0
        var resumes: [ResumeOutcome: Int] = [:]
        var resumesAcknowledged = 0
        var answeredHeartbeats = 0
        var missedHeartbeats = 0
        var handovers: [String: Int] = [:]
        /// Of handshakes with a token that was not obtained for them.
        var cachedTokensRefused = 0
        var budgetWait: Int64 = 0
        var received: UInt64 = 0
        var sent: UInt64 = 0
    }

    let index: Int
    let name: String
    unowned let life: ProcessLife
    unowned let world: World
    let policy: StreamPolicy
    let plan: Scenario.StreamPlan
    private let station: any StreamListener

    var ledger: Ledger
    var counts = Counts()
    var attempt: PendingAttempt?
    var live: LiveConnection?
    /// The live connection that a hand-over has just replaced.
    var replaced: LiveConnection?
    /// The connection that a hand-over retired, while what it delivers counts.
    var draining: UInt64?
    /// Why a hand-over to a second connection is under way.
    var handover: StreamEvent.Handover.Cause?
    /// When the newest channel was begun to be made.
    var preparedAt: Int64 = 0
    /// The answer to a heartbeat that is being told, until it was taken.
    var answer: (generation: UInt64, number: Int)?
    var state = StreamState.idle
    var generation: UInt64 = 0
    /// Consecutive retries since the stream last held, by the simulation's own count.
    var retries = 0
    /// The delay that was drawn for the next attempt, and when.
    var scheduled: (delay: Int64, at: Int64)?
    var previousDelay: Int64?
    var lostAt: Int64?
    var fellAt: Int64?
    /// A failure that asked for the longest delay, or for a floor.
    var longestDelayAllowed = false
    var floor: Int64 = 0
    var hasSession = false
    var watchesResume: (highest: UInt64?, lost: UInt64, resets: UInt64)?
    var observedSince: Int64?
    var observed: Int64 = 0
    var covered: Int64 = 0
    var askedByPerson = false
    var tokenRefusals = 0
    var hasEnded = false
    var lastFailureWasFinal = false
    var isRemoved = false
    var liveStateSince: Int64 = 0
    private var isDirty = false
    /// What could be saved after each message of this step.
    var settledOfStep: [UInt64] = []
    /// When it tries anew by itself, the last time that it gave up.
    var rearmsAt: Int64?
    var lastCursor: UInt64?
    private var before = StreamTallies()

    init(_ index: Int, _ life: ProcessLife, _ policy: StreamPolicy, _ station: any StreamListener) {
        self.index = index
        self.life = life
        self.policy = policy
        self.station = station
        name = "s\(index)"
        world = life.world
        plan = life.world.scenario.streams[index]
        ledger = Ledger(window: policy.reorderWindow.nanoseconds)
        lastCursor = life.cursors?.cursor(of: name)?.lastSequence
    }

    var now: Int64 { world.now }
    var isSequenced: Bool { plan.service == .architect }
    var isChanneled: Bool { plan.service == .notifications }
    /// Whether the process slept not long ago, so that what was due may be late.
    var mayBeLate: Bool { life.lastWoke > life.bornAt }

    /// Whether messages come so often that the stream can stay live.
    var canStayLive: Bool {
        isChanneled || plan.silenceTimeout == 0 || Double(plan.silenceTimeout) / 1e9 > 25 / plan.rate
    }

    /// Whether nothing but a person or another life gets it going again.
    var isParked: Bool { state == .stopped || (state == .exhausted && policy.rearmAfter == .zero) }

    /// Whether it need not be live yet: there are seven minutes from when nothing stands in its way any more.
    var mayStillRecover: Bool {
        guard let quiet = world.quietSince else { return true }
        return now - max(quiet, life.bornAt, rearmsAt ?? 0) <= 420_000_000_000
    }

    func fail(_ checker: String, _ message: String) {
        world.fail(checker, message, stream: name)
    }

    func personAsked() { askedByPerson = true }

    func end() {
        if let since = live?.since { world.tally.streamSeconds += Double(now - since) / 1e9 }
        let cases: [(String, UInt64)] = [
            ("message late", ledger.late), ("message reordered", ledger.reordered),
            ("message duplicate", ledger.duplicate), ("message flushed", ledger.flushed), ("gap", ledger.gapCount),
            ("numbering anew", ledger.resets), ("retries exhausted", UInt64(counts.exhausted)),
            ("heartbeat missed", UInt64(counts.missedHeartbeats)),
            ("heartbeat answered", UInt64(counts.answeredHeartbeats)),
            ("cached token refused", UInt64(counts.cachedTokensRefused)),
        ]
        for (name, count) in cases where count > 0 { world.tally.reached[name, default: 0] += Int(clamping: count) }
        for (phase, count) in counts.handovers { world.tally.reached["hand-over \(phase)", default: 0] += count }
        for (outcome, count) in counts.resumes {
            world.tally.reached["resume \(outcome.rawValue)", default: 0] += count
        }
    }

    // MARK: StreamListener

    func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime) {
        if life.isGone { return }
        station.streamDid(event, at: instant, wall: wall)
        isDirty = true
        if world.violation == nil { check(event) }
    }

    func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime) {
        if life.isGone { return }
        station.credentialDid(event, credential: credential, wall: wall)
    }

    func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?) {
        if life.isGone { return }
        station.streamCounted(tallies, lastMessageAt: lastMessageAt)
        isDirty = true
        if world.violation == nil { compare(tallies) }
    }

    func streamMoved(received: UInt64, sent: UInt64) {
        if life.isGone { return }
        station.streamMoved(received: received, sent: sent)
        counts.received += received
        counts.sent += sent
    }

    func streamWaitedForBudget(_ duration: Duration) {
        if life.isGone { return }
        station.streamWaitedForBudget(duration)
        counts.budgetWait += duration.nanoseconds
    }

    // MARK: Counters

    private func compare(_ tallies: StreamTallies) {
        if ledger.runIsDue(at: now), let run = ledger.run, tallies.duplicate == ledger.duplicate + run.count {
            ledger.endRun()
        }
        expect("received", tallies.received, ledger.received)
        expect("unique", tallies.unique, ledger.unique)
        expect("lost", tallies.lost, ledger.lost)
        expect("late", tallies.late, ledger.late)
        expect("reordered", tallies.reordered, ledger.reordered)
        expect("duplicate", tallies.duplicate, ledger.duplicate)
        expect("flushed", tallies.flushed, ledger.flushed)
        expect("pending", tallies.pending, ledger.pending)
        expect("gaps", tallies.gaps, ledger.gapCount)
        expect("resets", tallies.resets, ledger.resets)
        if tallies.highest != ledger.highest {
            fail("ledger", "the highest number is \(show(tallies.highest)), and it was \(show(ledger.highest))")
        }
        if !ledger.notes.isEmpty { fail("ledger", "not told: \(ledger.notes)") }
        if tallies.expected != tallies.unique + tallies.lost {
            fail("arithmetic", "expected is \(tallies.expected), unique \(tallies.unique), lost \(tallies.lost)")
        }
        if !(0...1).contains(tallies.continuity) { fail("arithmetic", "continuity is \(tallies.continuity)") }
        if tallies.lost < before.lost { fail("arithmetic", "lost fell from \(before.lost) to \(tallies.lost)") }
        if tallies.expected < before.expected { fail("arithmetic", "expected fell to \(tallies.expected)") }
        before = tallies
    }

    private func expect(_ what: String, _ value: UInt64, _ expected: UInt64) {
        if value != expected { fail("ledger", "\(what) is \(value), and it was \(expected)") }
    }

    func show(_ value: UInt64?) -> String { value.map(String.init) ?? "none" }

    // MARK: The course of time

    func endStep() {
        guard isDirty, world.violation == nil else { return }
        isDirty = false
        checkCursor()
        settledOfStep.removeAll(keepingCapacity: true)
    }

    func endInstant() {
        if let live {
            if let unanswered = live.unanswered, now - unanswered.at >= policy.heartbeat.timeout.nanoseconds {
                fail("heartbeat", "heartbeat \(unanswered.number) is unanswered, and the connection still live")
            }
            if now >= live.heartbeatDue { fail("heartbeat", "none was sent, an interval after the last one") }
            let silence = policy.silenceTimeout.nanoseconds
            if silence > 0, now - live.lastMessage >= silence {
                fail("silence", "still live, though no message came since \(Fault.seconds(live.lastMessage))")
            }
            if !live.hasHeld, now - live.since >= policy.backoff.resetAfter.nanoseconds {
                fail("proof", "live since \(Fault.seconds(live.since)) and its retry count is not 0 again")
            }
            if now > min(live.agesBy, live.repeatsBy), attempt == nil {
                fail("handover", "the connection is of age or about to be closed, and is not replaced")
            }
        }
        guard ledger.run != nil || !ledger.gaps.isEmpty else { return }
        if let due = ledger.due, due <= now { fail("overdue", "a gap was to be given up at \(due): \(ledger.gaps[0])") }
        if ledger.runIsDue(at: now) { fail("overdue", "low numbers are still in question") }
    }

    /// A cursor lies before whatever is still waited for, so that the next life asks for that again; where nothing is,
    /// it names the highest number counted.
    private func checkCursor() {
        guard let cursor = life.cursors?.cursor(of: name)?.lastSequence, cursor != lastCursor else { return }
        lastCursor = cursor
        if cursor != ledger.settledThrough, !settledOfStep.contains(cursor) {
            fail("cursor", "the cursor says \(cursor), and all is settled through \(show(ledger.settledThrough))")
        }
    }

    /// Looks for what should have happened long ago.
    func lookForStuck() {
        guard !hasEnded, now - life.lastWoke > 1_000_000_000 else { return }
        let slack: Int64 = 1_000_000_000
        if let live {
            let interval = policy.heartbeat.interval.nanoseconds
            let alive = max(live.lastPong, life.lastWoke)
            if interval > 0, now - alive > interval + policy.heartbeat.timeout.nanoseconds + slack {
                fail("heartbeat", "still live, though the peer was last heard at \(Fault.seconds(live.lastPong))")
            }
        }
        if let scheduled, attempt == nil, live == nil, now - max(scheduled.at + scheduled.delay, life.lastWoke) > slack
        {
            fail("pacing", "no attempt, though its delay is long over")
        }
        if let attempt, now - max(attempt.began, life.lastWoke) > 3_600_000_000_000 {
            fail("deadline", "attempt \(attempt.facts.number) has been under way for an hour")
        }
        if live == nil, canStayLive, !mayStillRecover, !life.isStopping {
            fail("recovery", "not live though nothing has been wrong for minutes: \(state.rawValue)")
        }
    }
}
