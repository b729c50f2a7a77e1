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
    /// A class, so that a message finds its matcher without a copy of it.
    final class Link {
        let generation: UInt64
        let connection: any StreamConnection
        let matcher: SharedMatcher
        let token: Token?
        /// What was measured before the socket was dialled.
        let phases: PhaseTimings
        /// What is sent on this connection is built from this.
        var attempt: StreamWire.Attempt
        var traffic: (received: UInt64, sent: UInt64) = (0, 0)

        init(
            generation: UInt64, connection: any StreamConnection, matcher: SharedMatcher, token: Token?,
            phases: PhaseTimings, attempt: StreamWire.Attempt
        ) {
            self.generation = generation
            self.connection = connection
            self.matcher = matcher
            self.token = token
            self.phases = phases
            self.attempt = attempt
        }
    }

    let identity: StreamIdentity
    let loop: any EventLoop
    let wire: StreamWire
    let surroundings: Surroundings
    private let ticks: LoopTicks?
    let listener: any StreamListener
    private let budget: BudgetKeeper
    let credential: CredentialKeeper?
    let requester: UInt64

    var machine: StreamMachine
    private var random: SplitMix64
    var links: [UInt64: Link] = [:]
    /// The link that the last message came on: the next one nearly always comes on the same.
    private var recentLink: Link?
    var tokens: [UInt64: Token] = [:]
    private var permits: [UInt64: UInt64] = [:]
    var preparation: Preparation?
    var prepared: PreparedSession?
    /// What the service's own messages have given that a resume needs: a session's identifier, an address.
    var captured: [String: VariableValue] = [:]

    private var isHandling = false
    private var waitingInputs: [StreamInput] = []
    /// Without a task: one of the loop's ticks.
    private var timer: (at: Instant, task: Scheduled<Void>?)?
    private var receivedMessage = false
    private var lastMessageAt: WallTime?
    private var batchNow: Instant?
    private var offeredSequence: UInt64?
    private var nextOffer = Instant(nanoseconds: .min)
    private var retirement: (() -> Void)?
    private var isRetired = false
    /// The attempt that made the live connection, as far as events were told.
    private var liveAttempt: (id: AttemptID, generation: UInt64)?

    init(
        _ specification: StreamSpecification, identity: StreamIdentity, cursor: Cursor?, listener: any StreamListener,
        budget: BudgetKeeper, credential: CredentialKeeper?, requester: UInt64, seed: UInt64,
        surroundings: Surroundings, ticks: LoopTicks? = nil, loop: any EventLoop
    ) {
        self.identity = identity
        self.loop = loop
        self.listener = listener
        self.budget = budget
        self.credential = credential
        self.requester = requester
        self.surroundings = surroundings
        self.ticks = ticks
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

    private func step(_ input: StreamInput) {
        let now = loop.instant
        let actions = machine.handle(input, at: now, using: &random)
        for action in actions { perform(action, at: now) }
    }

    private func afterwards() {
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

    private func countTraffic(_ link: Link) {
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
        if let ticks, machine.state == .live, let tick = ticks.tick(for: deadline) {
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

    // MARK: Orders

    private func perform(_ action: StreamAction, at now: Instant) {
        switch action {
        case .emit(let event): emit(event, at: now)
        case .requestPermit(let generation): requestPermit(generation)
        case .releasePermit(let generation):
            if let ticket = permits.removeValue(forKey: generation) { budget.release(ticket) }
        case .requestToken(let generation, let notBefore):
            if let credential {
                credential.want(requester, attempt: generation, notBefore: notBefore)
            } else {
                handle(.tokenObtained(generation: generation))
            }
        case .discardToken(let generation, let status, let detail): discardToken(generation, status, detail)
        case .discardPrepared: prepared = nil
        case .openTransport(let generation, let resuming): openTransport(generation, resuming: resuming)
        case .subscribe(let generation): send(.open, on: generation)
        case .resume(let generation, let lastSequence, let directive):
            links[generation]?.attempt.lastSequence = lastSequence
            links[generation]?.attempt.startsOver = directive == .reset
            send(.resume, on: generation)
        case .sendHeartbeat(let generation): sendHeartbeat(on: generation)
        case .sendPing(let generation): _ = links[generation]?.connection.sendPing()
        case .closeTransport(let generation, let code, let reason):
            links[generation]?.connection.close(code: code, reason: reason)
        case .abort(let generation): abort(generation)
        case .endProcess: surroundings.endProcess(identity.name)
        }
    }

    func emit(_ event: StreamEvent, at now: Instant) {
        log(event)
        if case .live(let attempt, _, _) = event { liveAttempt = (attempt.id, attempt.generation) }
        if case .connectionLost = event { liveAttempt = nil }
        listener.streamDid(event, at: now, wall: surroundings.wall.now())
        switch event {
        case .live:
            credential?.accepted(requester)
            saveCursor()
        case .stopped, .connectionLost, .retriesExhausted, .sequenceReset: saveCursor()
        default: break
        }
    }

    private func requestPermit(_ generation: UInt64) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        permits[generation] = budget.request(on: loop) { waited in
            let driver = bound.value
            guard driver.permits[generation] != nil else { return }
            if waited > .zero { driver.listener.streamWaitedForBudget(waited) }
            driver.handle(.permitGranted(generation: generation))
        }
    }

    private func discardToken(_ generation: UInt64, _ status: Int?, _ detail: String) {
        guard let token = links[generation]?.token ?? tokens[generation] else { return }
        credential?.refused(requester, generation: token.generation, status: status, detail: detail)
    }

    private func abort(_ generation: UInt64) {
        if preparation?.generation == generation {
            preparation?.cancel()
            preparation = nil
        }
        credential?.forgo(requester, attempt: generation)
        guard let link = links[generation] else { return }
        link.connection.abort()
        countTraffic(link)
        links[generation] = nil
        if recentLink === link { recentLink = nil }
        // The token outlives its connection for as long as it takes to say that it was refused.
        if let token = link.token { tokens[generation] = token }
    }

    // MARK: Connections

    func connectionOpened(_ generation: UInt64, phases: PhaseTimings) {
        let before = links[generation]?.phases ?? PhaseTimings()
        handle(.transportOpened(generation: generation, before.merging(phases)))
    }

    func connectionFailed(_ generation: UInt64, _ failure: DialFailure) {
        let phases = (links[generation]?.phases ?? PhaseTimings()).merging(PhaseTimings(failure.phases))
        let meaning = wire.failure(for: failure, wall: surroundings.wall.now())
        handle(.transportFailed(generation: generation, meaning, phases))
    }

    func connectionReceived(_ generation: UInt64, _ messages: UnsafeBufferPointer<WebSocketMessage>) {
        guard let link = link(generation) else { return }
        receivedMessage = true
        let now = batchNow ?? loop.instant
        batchNow = now
        let takesRuns = wire.replies.isEmpty && !listener.wantsMessages
        var next = 0
        while next < messages.count {
            var facts: MessageFacts?
            if takesRuns, !isHandling {
                facts = Self.takeRun(of: messages, from: &next, on: link, by: &machine, at: now)
                if next == messages.count { return }
            }
            let payload = messages[next].payload
            receive(
                facts ?? Self.facts(of: payload, on: link, isLive: machine.liveGeneration == generation), of: payload,
                on: link, at: now)
            next += 1
            // A connection that was given up meanwhile tells of nothing more.
            guard links[generation] === link else { return }
        }
    }

    /// Counts messages as long as each is the next one of a live connection, as nearly every one is: nothing follows
    /// from it, and nothing is asked. Gives the facts of the first that is not; `next` is its index.
    ///
    /// The machine is lent as a whole: asking for it anew would cost each message an exclusivity check.
    private static func takeRun(
        of messages: UnsafeBufferPointer<WebSocketMessage>, from next: inout Int, on link: Link,
        by machine: inout StreamMachine, at now: Instant
    ) -> MessageFacts? {
        let generation = link.generation
        let isLive = machine.liveGeneration == generation
        while next < messages.count {
            let facts = facts(of: messages[next].payload, on: link, isLive: isLive)
            guard machine.receiveInOrder(facts, from: generation, at: now) else { return facts }
            next += 1
        }
        return nil
    }

    @inline(__always)
    private static func facts(
        of payload: UnsafeRawBufferPointer, on link: Link, isLive: Bool
    ) -> MessageFacts {
        var facts = link.matcher.facts(of: payload)
        // What acknowledges also while live, as any event may, is an event from then on.
        if isLive, facts.role == .acknowledgment { facts.role = .event }
        return facts
    }

    private func receive(_ facts: MessageFacts, of payload: UnsafeRawBufferPointer, on link: Link, at now: Instant) {
        let generation = link.generation
        if !isHandling, wire.replies.isEmpty, machine.receiveInOrder(facts, from: generation, at: now) {
            if listener.wantsMessages { listener.streamReceived(facts, payload: payload) }
            return
        }
        if facts.role != .event, !wire.profile.captures.isEmpty { capture(from: payload, on: generation) }
        if !wire.replies.isEmpty { reply(to: payload, on: link) }
        let wasLive = machine.liveGeneration == generation
        let countedBefore = machine.continuity.tallies.received
        if isHandling {
            waitingInputs.append(.messageReceived(generation: generation, facts))
        } else {
            let actions = machine.handle(
                .messageReceived(generation: generation, facts), at: now, using: &random)
            if !actions.isEmpty { performAll(actions, at: now) }
        }
        guard listener.wantsMessages else { return }
        // Handed on is what was counted: the first message that proves a connection live, and what only the old one of
        // two connections brought, are; what was flushed, or both brought, is not again.
        let isCounted = isHandling ? wasLive : machine.continuity.tallies.received != countedBefore
        if isCounted { listener.streamReceived(facts, payload: payload) }
    }

    @inline(__always)
    private func link(_ generation: UInt64) -> Link? {
        if let recentLink, recentLink.generation == generation { return recentLink }
        recentLink = links[generation]
        return recentLink
    }

    /// Keeps what a message that is no data gives: a greeting's heartbeat interval, a session's identifier.
    private func capture(from payload: UnsafeRawBufferPointer, on generation: UInt64) {
        let new = wire.profile.captures(from: Array(payload))
        captured.merge(new) { _, new in new }
        guard let name = wire.profile.heartbeat.intervalVariable, case .integer(let milliseconds)? = new[name] else {
            return
        }
        handle(.heartbeatIntervalNamed(generation: generation, .milliseconds(milliseconds)))
    }

    /// Answers a message that asks for it.
    private func reply(to payload: UnsafeRawBufferPointer, on link: Link) {
        for reply in wire.replies where reply.matcher.facts(of: payload).role == .acknowledgment {
            do {
                var attempt = link.attempt
                attempt.captured.merge(captured) { _, new in new }
                attempt.captured.merge(reply.rule.captures(from: Array(payload))) { _, new in new }
                attempt.timestamp = surroundings.wall.now()
                attempt.lastSequence = machine.continuity.tallies.highest
                send(try reply.rule.message(variables: wire.variables(of: attempt)), on: link.connection)
            } catch {
                log(warning: "a reply of profile \(wire.profile.name) cannot be built: \(error)")
            }
        }
    }

    private func performAll(_ actions: [StreamAction], at now: Instant) {
        isHandling = true
        for action in actions { perform(action, at: now) }
        while !waitingInputs.isEmpty { step(waitingInputs.removeFirst()) }
        isHandling = false
        // Not left to the end of the batch: a connection that was just given up tells of none.
        afterwards()
    }

    func connectionReceivedPong(_ generation: UInt64) {
        handle(.pongReceived(generation: generation))
    }

    func connectionReadCompleted(_ generation: UInt64) {
        afterwards()
    }

    func connectionClosed(_ generation: UInt64, _ closure: WebSocketClosure) {
        handle(.transportClosed(generation: generation, wire.closure(closure)))
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

    private func log(_ event: StreamEvent) {
        StreamLog.write(event, stream: identity.name, live: liveAttempt, to: surroundings.logger)
    }
}
