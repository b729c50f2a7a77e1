// The unsafe pointers to payloads are valid during the call, and only handed on in it: copying each message would cost
// more than reading it.

import Credentials
import Logging
import NIOCore
import StreamModel
import StreamProfiles
import StreamSupervisor
import WebSocketCodec
import WebSocketTransport

/// Runs one ``StreamMachine`` on one event loop: carries out its orders and hands it the facts.
///
/// Everything here happens on that loop. The driver decides nothing; what is decided is decided by the machine.
final class StreamDriver: StreamConnectionDelegate {
    /// What all drivers share.
    final class Surroundings: Sendable {
        let network: any StreamConnecting
        let wall: WallClock
        let logger: Logger
        let cursors: CursorStore?
        /// The retries of a stream with `on_exhausted: exit` are used up.
        let endProcess: @Sendable (String) -> Void

        init(
            network: any StreamConnecting, wall: WallClock, logger: Logger, cursors: CursorStore?,
            endProcess: @escaping @Sendable (String) -> Void
        ) {
            self.network = network
            self.wall = wall
            self.logger = logger
            self.cursors = cursors
            self.endProcess = endProcess
        }
    }

    /// An attempt's connection, the successor in a hand-over, and the one that drains.
    ///
    /// A class, so that a message finds its reader without a copy of it.
    final class Link {
        let generation: UInt64
        let connection: any StreamConnection
        let reader: MessageReader
        let token: Token?
        /// What was measured before the socket was dialled.
        let phases: PhaseTimings
        /// What is sent on this connection is built from this.
        var attempt: StreamWire.Attempt
        var traffic: (received: UInt64, sent: UInt64) = (0, 0)

        init(
            generation: UInt64, connection: any StreamConnection, reader: MessageReader, token: Token?,
            phases: PhaseTimings, attempt: StreamWire.Attempt
        ) {
            self.generation = generation
            self.connection = connection
            self.reader = reader
            self.token = token
            self.phases = phases
            self.attempt = attempt
        }
    }

    let identity: StreamIdentity
    let loop: any EventLoop
    let wire: StreamWire
    let surroundings: Surroundings
    let place: LoopPlace
    let listener: any StreamListener
    let budget: BudgetKeeper
    let credential: CredentialKeeper?
    let requester: UInt64

    var machine: StreamMachine
    var random: SplitMix64
    var links: [UInt64: Link] = [:]
    /// The link that the last message came on: the next one nearly always comes on the same.
    var recentLink: Link?
    var tokens: [UInt64: Token] = [:]
    var permits: [UInt64: UInt64] = [:]
    var preparation: Preparation?
    var prepared: PreparedSession?
    /// What the service's own messages have given that a resume needs: a session's identifier, an address.
    var captured: [String: VariableValue] = [:]

    var isHandling = false
    var waitingInputs: [StreamInput] = []
    /// Without a task: one of the loop's ticks.
    private var timer: (at: Instant, task: Scheduled<Void>?)?
    var receivedMessage = false
    private var lastMessageAt: WallTime?
    var batchNow: Instant?
    private var offeredSequence: UInt64?
    private var nextOffer = Instant(nanoseconds: .min)
    private var retirement: (() -> Void)?
    private var isRetired = false
    /// The attempt that made the live connection, as far as events were told.
    var liveAttempt: (id: AttemptID, generation: UInt64)?

    init(
        _ specification: StreamSpecification, identity: StreamIdentity, cursor: Cursor?, listener: any StreamListener,
        budget: BudgetKeeper, credential: CredentialKeeper?, requester: UInt64, seed: UInt64,
        surroundings: Surroundings, place: LoopPlace
    ) {
        self.identity = identity
        loop = place.loop
        self.listener = listener
        self.budget = budget
        self.credential = credential
        self.requester = requester
        self.surroundings = surroundings
        self.place = place
        wire = StreamWire(specification, clientID: identity.clientID)
        // What the service gave in messages of its own did not outlive the process: without it, nothing can be resumed.
        let cursor = wire.resumeNeedsCaptures ? nil : cursor
        machine = StreamMachine(
            policy: specification.policy, lastSequence: cursor?.lastSequence, resumesSession: cursor != nil,
            attemptSeed: seed ^ Self.attemptSalt)
        random = SplitMix64(seed: seed)
    }

    /// Identifiers of attempts are not what the jitter is drawn from.
    private static let attemptSalt: UInt64 = 0x6174_7465_6D70_7473

    // MARK: Facts

    /// Hands a fact to the machine and carries out what it orders. A fact that comes about while orders are carried
    /// out waits until they are: the machine is never entered twice.
    func handle(_ input: StreamInput) {
        guard !isHandling else {
            waitingInputs.append(input)
            return
        }
        isHandling = true
        step(input)
        while !waitingInputs.isEmpty { step(waitingInputs.removeFirst()) }
        isHandling = false
        afterwards()
    }

    func step(_ input: StreamInput) {
        let now = loop.instant
        let actions = machine.handle(input, at: now, using: &random)
        for action in actions { perform(action, at: now) }
    }

    func afterwards() {
        publish()
        reschedule()
    }

    private func publish() {
        if receivedMessage {
            receivedMessage = false
            lastMessageAt = surroundings.wall.now()
        }
        batchNow = nil
        for link in links.values { countTraffic(link) }
        listener.streamCounted(machine.continuity.tallies, lastMessageAt: lastMessageAt)
        if surroundings.cursors != nil, machine.continuity.tallies.highest != offeredSequence {
            offerCursorNowAndThen()
        }
        if let finished = retirement, isFinished {
            retirement = nil
            finished()
        }
    }

    /// Cursors are offered at most once a second: what a crash then costs is a second's messages received again.
    private func offerCursorNowAndThen() {
        let now = loop.instant
        guard now >= nextOffer else { return }
        nextOffer = now + .seconds(1)
        saveCursor()
    }

    func countTraffic(_ link: Link) {
        let traffic = link.connection.traffic
        guard traffic != link.traffic else { return }
        listener.streamMoved(
            received: traffic.received &- link.traffic.received, sent: traffic.sent &- link.traffic.sent)
        link.traffic = traffic
    }

    /// Sets the timer for the machine's next deadline. One that is set for earlier stays: a deadline that moved back,
    /// as the silence deadline does with every message, costs nothing until it would have been due.
    private func reschedule() {
        guard let deadline = machine.nextDeadline else {
            timer?.task?.cancel()
            timer = nil
            return
        }
        if let timer, timer.at <= deadline { return }
        timer?.task?.cancel()
        // Delays before attempts are not met on common ticks: they were spread on purpose.
        if let ticks = place.ticks?.value, machine.state == .live, let tick = ticks.tick(for: deadline) {
            ticks.wake(self, on: tick)
            timer = (tick, nil)
            return
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let task = loop.schedule(at: deadline) { bound.value.timerFired() }
        timer = (deadline, task)
    }

    /// One of the loop's ticks is here; another one is waited for where the deadline moved forward meanwhile.
    func tickPassed(_ tick: Instant) {
        guard let timer, timer.task == nil, timer.at == tick else { return }
        timerFired()
    }

    private func timerFired() {
        timer = nil
        if let deadline = machine.nextDeadline, deadline <= loop.instant {
            handle(.deadlineReached)
        } else {
            reschedule()
        }
    }

    // MARK: The end

    /// The machine has stopped and every socket of it is closed.
    private var isFinished: Bool { machine.state == .stopped && links.isEmpty }

    /// Stops the stream; `finished` is called once its sockets are closed.
    func retire(finished: @escaping () -> Void) {
        retirement = { [self] in
            credential?.leave(requester)
            finished()
        }
        isRetired = true
        handle(.stopRequested)
    }

    /// A person asks for a reconnect; too late for a stream that was told to end.
    func reconnect() {
        guard !isRetired else { return }
        handle(.reconnectRequested)
    }

    /// Remembers where the stream is, so that another life of the process can resume it.
    func saveCursor() {
        guard let cursors = surroundings.cursors, machine.hasResumableSession, !wire.resumeNeedsCaptures else { return }
        offeredSequence = machine.continuity.settledThrough
        cursors.offer(Cursor(stream: identity.name, clientID: identity.clientID, lastSequence: offeredSequence))
    }

    func log(warning text: String) {
        surroundings.logger.warning(
            "\(text)", metadata: StreamLog.metadata(stream: identity.name, attempt: liveAttempt))
    }

    func log(_ event: StreamEvent) {
        StreamLog.write(event, stream: identity.name, live: liveAttempt, to: surroundings.logger)
    }
}
