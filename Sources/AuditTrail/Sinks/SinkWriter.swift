package import StreamModel

/// What keeps a ``SinkWriter`` going.
package enum SinkPace: Sendable {
    /// A thread of its own, by the system's clock.
    case thread
    /// Whoever uses the trail, by this clock: nothing happens but within a call. For simulations, whose time is their own.
    case caller(clock: @Sendable () -> Instant)
}

/// A bounded queue of lines, and the thread that takes them to their destination.
///
/// Whoever offers a line never waits for the destination. Lines that failed stay at the head of the queue and are tried
/// again; when the queue is full the newest are dropped and counted, until half of it is free again. So the file keeps
/// its order, and the next line after those dropped is the one that names them.
final class SinkWriter: Sendable {
    /// What the writer is bounded by, and when it acts of its own accord.
    struct Limits: Sendable {
        var lines: Int
        var bytes: Int
        /// How long after a failure the next try comes by itself.
        var retryAfter = Duration.seconds(1)
        /// How long whoever appends waits for a line to be tried. A disk that hangs for longer is not waited for again
        /// until it has moved.
        var patience = Duration.seconds(1)
        /// How long written lines may go without being forced to the disk.
        var synchronizeAfter = Duration.seconds(1)
        /// How long lines that nobody waits for gather before they are written together: a wake of the thread for each
        /// of them costs whoever appends more than all the rest.
        var gatherFor = Duration.milliseconds(1)
    }

    let name: AuditSinkName
    private let limits: Limits
    private let hooks: AuditTrailHooks
    private let state = Monitor(State())
    /// Nil where a thread has the work.
    private let ownWork: Monitor<Work>?
    private let now: @Sendable () -> Instant

    private struct State {
        /// Lines that the thread has not taken yet.
        var pending: [AuditLine] = []
        /// Everything accepted and not yet written, taken or not.
        var queuedLines = 0
        var queuedBytes = 0
        /// Lines accepted since the start; the number of the newest is its ticket.
        var accepted: UInt64 = 0
        /// Every line up to this ticket has been tried at least once.
        var tried: UInt64 = 0
        /// Every line up to this ticket was written, and forced to the disk where that is wanted.
        var settled: UInt64 = 0
        var written: UInt64 = 0
        /// Lines dropped since the last report.
        var dropped: UInt64 = 0
        /// How often written lines could not be forced to the disk.
        var failedSynchronizations = 0
        var isFailing = false
        /// Somebody waited for longer than is bearable, and nothing has been tried since.
        var hangs = false
        var tryWanted = false
        var synchronizationWanted = false
        var reopenWanted = false
        var isClosing = false
        var hasEnded = false
        /// How many wait for a line of theirs to be tried; and how many did when the last ones were.
        var waiting = 0
        var expected = 0
        /// The thread will look for lines by itself.
        var isGathering = false
    }

    /// Starts the thread, where there is one; throws where the system has none left.
    init(
        name: AuditSinkName, destination: any LineDestination, limits: Limits, hooks: AuditTrailHooks,
        pace: SinkPace = .thread
    ) throws(AuditTrailError) {
        self.name = name
        self.limits = limits
        self.hooks = hooks
        if case .caller(let clock) = pace {
            now = clock
            ownWork = Monitor(Work(destination: destination))
            return
        }
        now = { SystemClock.monotonic }
        ownWork = nil
        let started = DetachedThread.start { [self] in run(destination) }
        if !started {
            throw AuditTrailError(
                description: "audit \(name.rawValue): no thread could be started; raise the limit of threads")
        }
    }

    // MARK: - For whoever appends

    /// Queues `line`; returns its ticket, or nil where it was dropped.
    func offer(_ line: AuditLine) -> UInt64? {
        let ticket: UInt64? = state.update(wakingIf: { state in
            let isFull = state.queuedLines >= limits.lines || state.queuedBytes + line.bytes.count > limits.bytes
            if state.isClosing || isFull || (state.dropped > 0 && !hasRoomAgain(state)) {
                state.dropped += 1
                return (false, nil)
            }
            state.pending.append(line)
            state.queuedLines += 1
            state.queuedBytes += line.bytes.count
            state.accepted += 1
            // The thread only ever waits for a first line, for those that are expected, or for a moment to pass.
            let count = state.pending.count
            let wakes =
                state.isGathering ? count == state.expected || !hasRoomAgain(state) : count == 1
            return (wakes, state.accepted)
        })
        if ticket == nil { hooks.onDrop(name, 1) }
        return ticket
    }

    /// How many lines were dropped, once there is room to say so; asking takes the count.
    func takeDropped() -> UInt64? {
        state.withLock { state in
            if state.dropped == 0 || state.isClosing || !hasRoomAgain(state) { return nil }
            defer { state.dropped = 0 }
            return state.dropped
        }
    }

    private func hasRoomAgain(_ state: State) -> Bool {
        state.queuedLines <= limits.lines / 2 && state.queuedBytes <= limits.bytes / 2
    }

    /// Waits until the line with `ticket` has been tried once: it is on the disk now, or the disk fails and the line
    /// waits for it to get better. A disk that neither takes it nor fails holds up nobody for longer than ``Limits``
    /// allow.
    func waitUntilTried(_ ticket: UInt64) {
        let deadline = SystemClock.monotonic + limits.patience
        let isPatient = state.update(wakingIf: { state in
            // Who gathers what is expected was woken by the line itself.
            let wakes = !state.tryWanted && !(state.isGathering && state.expected > 0)
            state.tryWanted = true
            if !state.hangs { state.waiting += 1 }
            return (wakes, !state.hangs)
        })
        if ownWork != nil {
            state.withLock { $0.waiting = 0 }
            return _ = passTime()
        }
        guard isPatient else { return }
        defer { state.withLock { $0.waiting -= 1 } }
        let beganToHang: Bool = state.wait { state, wake in
            if state.tried >= ticket || state.hasEnded || state.hangs { return false }
            if SystemClock.monotonic >= deadline {
                state.hangs = true
                return true
            }
            wake = deadline
            return nil
        }
        if beganToHang {
            hooks.onNotice(
                name, "takes nothing and reports nothing; lines wait in memory, and streams do not wait for it")
        }
    }

    /// Has everything accepted so far written and forced to the disk; false where that was not done by `deadline`.
    func flush(until deadline: Instant) -> Bool {
        let (ticket, failures) = state.update { state in
            state.tryWanted = true
            state.synchronizationWanted = true
            return (state.accepted, state.failedSynchronizations)
        }
        if ownWork != nil { _ = passTime() }
        return state.wait { state, wake in
            if state.settled >= ticket { return state.failedSynchronizations == failures }
            if state.hasEnded || ownWork != nil || now() >= deadline { return false }
            wake = deadline
            return nil
        }
    }

    /// Lets go of the file and opens whatever has its name now.
    func reopen() {
        state.update { $0.reopenWanted = true }
    }

    /// Writes what is queued, then ends the thread; true where that was done by `deadline`.
    func close(until deadline: Instant) -> Bool {
        state.update { $0.isClosing = true }
        if ownWork != nil { _ = passTime() }
        return state.wait { state, wake in
            if state.hasEnded { return state.settled >= state.accepted }
            if ownWork != nil || now() >= deadline { return false }
            wake = deadline
            return nil
        }
    }

    // MARK: - The thread

    private enum Order {
        case write
        case synchronize
        case reopen
        case end
    }

    /// What the thread alone knows.
    private struct Work {
        var destination: any LineDestination
        /// Lines taken from the queue; those before `next` are written.
        var batch: [AuditLine] = []
        var next = 0
        var retryAt: Instant?
        var synchronizeAt: Instant?
        /// Until when further lines are given time to come.
        var gatherUntil: Instant?
        var hasWork: Bool { next < batch.count }
    }

    private func run(_ destination: any LineDestination) {
        var work = Work(destination: destination)
        while true {
            let order = state.wait { state, wake in nextOrder(&work, &state, &wake) }
            guard carryOut(order, &work) else { return }
        }
    }

    /// Does what there is to do, where no thread does; tells when there will be more of it.
    func passTime() -> Instant? {
        ownWork?.withLock { work in
            while true {
                var wake = Instant.distantFuture
                let order = state.withLock { state in
                    state.hasEnded ? nil : nextOrder(&work, &state, &wake)
                }
                guard let order, carryOut(order, &work) else { return wake == .distantFuture ? nil : wake }
            }
        }
    }

    /// Does what was ordered; false where that was the end.
    private func carryOut(_ order: Order, _ work: inout Work) -> Bool {
        switch order {
        case .write: write(&work)
        case .synchronize: synchronize(&work)
        case .reopen: report(work.destination.reopen(), &work)
        case .end: end(&work)
        }
        return order != .end
    }

    /// What is to be done now; nil where nothing is, with the time at which there may be something without a call.
    private func nextOrder(_ work: inout Work, _ state: inout State, _ wake: inout Instant) -> Order? {
        if state.reopenWanted {
            state.reopenWanted = false
            work.retryAt = nil
            return .reopen
        }
        let now = now()
        state.isGathering = false
        if let until = work.gatherUntil, now < until, gathers(work, state) {
            state.isGathering = true
            wake = until
        } else if work.hasWork || !state.pending.isEmpty {
            if work.retryAt.map({ now >= $0 }) ?? true || state.tryWanted || state.isClosing { return .write }
            wake = work.retryAt ?? .distantFuture
        } else {
            state.tryWanted = false
        }
        if work.destination.wantsSynchronization {
            let due = work.synchronizeAt ?? now + limits.synchronizeAfter
            work.synchronizeAt = due
            if now >= due || state.synchronizationWanted || state.isClosing { return .synchronize }
            wake = min(wake, due)
        } else {
            state.synchronizationWanted = false
        }
        return state.isClosing && !work.hasWork && state.pending.isEmpty ? .end : nil
    }

    /// Whether further lines are worth waiting for.
    private func gathers(_ work: Work, _ state: State) -> Bool {
        if work.hasWork || state.isClosing || state.synchronizationWanted || !hasRoomAgain(state) { return false }
        // Whoever has just been told that a line is on the disk soon comes with the next one: all of them share one
        // trip to the disk. One alone waits for nobody.
        if state.expected > 0 { return state.pending.count < state.expected }
        return state.waiting == 0 && !state.tryWanted
    }

    private func write(_ work: inout Work) {
        let began = now()
        let (isClosing, accepted) = state.withLock { state in
            if !work.hasWork {
                work.batch = state.pending
                work.next = 0
                state.pending = []
            }
            state.tryWanted = false
            return (state.isClosing, state.accepted)
        }
        let lines = work.batch[work.next...]
        let (count, error) = work.destination.write(lines)
        let bytes = lines.prefix(count).reduce(0) { $0 + $1.bytes.count }
        work.next += count
        if !work.hasWork {
            work.batch = []
            work.next = 0
        }
        let isUnsettled = work.destination.wantsSynchronization
        state.update { state in
            state.queuedLines -= count
            state.queuedBytes -= bytes
            state.written += UInt64(count)
            if !isUnsettled { state.settled = state.written }
            // Behind a line that failed nothing can be written either: all of them have had their try.
            state.tried = error == nil ? max(state.tried, state.written) : max(state.tried, accepted)
            state.expected = state.waiting
            // Whoever gave up waiting was told so: tell them as well that it moves again.
            if state.hangs { state.isFailing = true }
            state.hangs = false
        }
        report(error, &work)
        if ownWork == nil { work.gatherUntil = error == nil ? gatherUntil(began) : nil }
        if error != nil, isClosing { giveUp(&work) }
    }

    /// A small part of what the disk takes for one trip is well spent on sharing the next.
    private func gatherUntil(_ began: Instant) -> Instant {
        let end = now()
        let isAwaited = state.withLock { $0.expected > 0 }
        return end + (isAwaited ? min((end - began) / 8, limits.gatherFor) : limits.gatherFor)
    }

    private func synchronize(_ work: inout Work) {
        let error = work.destination.synchronize()
        work.synchronizeAt = nil
        state.update { state in
            state.synchronizationWanted = false
            state.settled = state.written
            if error != nil { state.failedSynchronizations += 1 }
        }
        report(error, &work)
    }

    /// Says once that the destination fails, and once that it works again.
    private func report(_ error: FileError?, _ work: inout Work) {
        work.retryAt = error.map { _ in now() + limits.retryAfter }
        let wasFailing = state.update { state in
            defer { state.isFailing = error != nil }
            return state.isFailing
        }
        if let error, !wasFailing {
            hooks.onNotice(name, "\(error); lines wait in memory and are tried again")
        } else if error == nil, wasFailing {
            hooks.onNotice(name, "works again")
        }
    }

    /// The process ends and the destination still fails: what waits is lost, and counted.
    private func giveUp(_ work: inout Work) {
        let lost = work.batch.count - work.next
        work.batch = []
        work.next = 0
        let count = state.update { state in
            defer { state.pending = [] }
            return UInt64(lost + state.pending.count)
        }
        hooks.onDrop(name, count)
    }

    private func end(_ work: inout Work) {
        work.destination.close()
        state.update { $0.hasEnded = true }
    }
}
