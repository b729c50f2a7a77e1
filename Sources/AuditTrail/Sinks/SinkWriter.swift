internal import StreamModel

/// A bounded queue of lines, and the thread that takes them to their destination.
///
/// Whoever offers a line never waits for the destination. Lines that failed stay at the head of the queue and are tried
/// again; when the queue is full the newest are dropped and counted, until half of it is free again. So the file keeps
/// its order, and the next line after those dropped is the one that names them.
final class SinkWriter: Sendable {
    let name: AuditSinkName
    private let limits: Limits
    private let hooks: AuditTrailHooks
    /// What there is to do: only the thread waits for it.
    private let state = Monitor(State())
    /// What has been done: only callers wait for it, and so many that are woken at once do not get in the thread's way.
    private let progress = Monitor(Progress())
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
        /// Lines dropped since the last report.
        var dropped: UInt64 = 0
        var tryWanted = false
        var synchronizationWanted = false
        var reopenWanted = false
        var isClosing = false
        /// Lines among those pending that somebody waits for.
        var awaited = 0
        /// How many lines were waited for when the last ones had been tried: so many are soon there again.
        var expected = 0
        /// The thread will look for lines by itself.
        var isGathering = false
    }

    private struct Progress {
        /// What the last trip to the disk took.
        var trip = Duration.zero
        /// Every line up to this ticket has been tried at least once.
        var tried: UInt64 = 0
        /// Every line up to this ticket was written, and forced to the disk where that is wanted.
        var settled: UInt64 = 0
        /// How often written lines could not be forced to the disk.
        var failedSynchronizations = 0
        var isFailing = false
        /// Somebody waited for longer than is bearable, and nothing has been tried since.
        var hangs = false
        var hasEnded = false
    }

    /// Starts the thread, where there is one, with `clock`; throws where the system has none left.
    init(
        name: AuditSinkName, destination: any LineDestination, limits: Limits, hooks: AuditTrailHooks,
        pace: SinkPace = .thread, clock: @escaping @Sendable () -> Instant = { SystemClock.monotonic }
    ) throws(AuditTrailError) {
        self.name = name
        self.limits = limits
        self.hooks = hooks
        if case .caller(let clock) = pace {
            now = clock
            ownWork = Monitor(Work(destination: destination))
            return
        }
        now = clock
        ownWork = nil
        let started = DetachedThread.start { [self] in run(destination) }
        if !started {
            throw AuditTrailError(
                description: "audit \(name.rawValue): no thread could be started; raise the limit of threads")
        }
    }

    // MARK: - For whoever appends

    /// Queues `line`; returns its ticket, or nil where it was dropped. Who then waits for it says so here already.
    func offer(_ line: AuditLine, isAwaited: Bool = false) -> UInt64? {
        let ticket: UInt64? = state.update(wakingIf: { state in
            let isFull = state.queuedLines >= limits.lines || state.queuedBytes + line.bytes.count > limits.bytes
            if state.isClosing || isFull || (state.dropped > 0 && !hasRoomAgain(state)) {
                state.dropped += 1
                return (false, nil)
            }
            let isFirstAwaited = isAwaited && !state.tryWanted
            state.pending.append(line)
            state.queuedLines += 1
            state.queuedBytes += line.bytes.count
            state.accepted += 1
            if isAwaited {
                state.tryWanted = true
                state.awaited += 1
            }
            return (wakesThread(state, isFirstAwaited: isFirstAwaited), state.accepted)
        })
        if ticket == nil { hooks.onDrop(name, 1) }
        return ticket
    }

    /// Whether the line that was just queued is one that the thread waits for: a first one, the last of those that are
    /// expected, or the first that somebody waits for.
    private func wakesThread(_ state: State, isFirstAwaited: Bool) -> Bool {
        if !state.isGathering { return state.pending.count == 1 || isFirstAwaited }
        if !hasRoomAgain(state) { return true }
        return state.expected > 0 ? state.pending.count == state.expected : isFirstAwaited
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
        if ownWork != nil { return _ = passTime() }
        let began = SystemClock.monotonic
        let deadline = began + limits.patience
        let beganToHang: Bool = progress.wait { progress, wait in
            if progress.tried >= ticket || progress.hasEnded || progress.hangs { return false }
            if SystemClock.monotonic >= deadline {
                progress.hangs = true
                return true
            }
            wait.deadline = deadline
            if progress.trip <= limits.spinFor { wait.spinUntil = began + limits.spinFor }
            return nil
        }
        if beganToHang {
            hooks.onNotice(
                name, "takes nothing and reports nothing; lines wait in memory, and streams do not wait for it")
        }
    }

    /// Has everything accepted so far written and forced to the disk; false where that was not done by `deadline`.
    func flush(until deadline: Instant) -> Bool {
        let failures = progress.withLock { $0.failedSynchronizations }
        let ticket = state.update { state in
            state.tryWanted = true
            state.synchronizationWanted = true
            return state.accepted
        }
        if ownWork != nil { _ = passTime() }
        return progress.wait { progress, wait in
            if progress.settled >= ticket { return progress.failedSynchronizations == failures }
            if progress.hasEnded || ownWork != nil || now() >= deadline { return false }
            wait.deadline = deadline
            return nil
        }
    }

    /// Lets go of the file and opens whatever has its name now.
    func reopen() {
        state.update { $0.reopenWanted = true }
    }

    /// Writes what is queued, then ends the thread; true where that was done by `deadline`.
    func close(until deadline: Instant) -> Bool {
        let ticket = state.update { state in
            state.isClosing = true
            return state.accepted
        }
        if ownWork != nil { _ = passTime() }
        return progress.wait { progress, wait in
            if progress.hasEnded { return progress.settled >= ticket }
            if ownWork != nil || now() >= deadline { return false }
            wait.deadline = deadline
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
        var written: UInt64 = 0
        var retryAt: Instant?
        var synchronizeAt: Instant?
        /// Until when further lines are given time to come.
        var gatherUntil: Instant?
        var spinUntil = Instant(nanoseconds: .min)
        var hasWork: Bool { next < batch.count }
    }

    private func run(_ destination: any LineDestination) {
        var work = Work(destination: destination)
        while true {
            let order = state.wait { state, wait in
                wait.spinUntil = work.spinUntil
                return nextOrder(&work, &state, &wait.deadline)
            }
            guard carryOut(order, &work) else { return }
        }
    }

    /// Does what there is to do, where no thread does; tells when there will be more of it.
    func passTime() -> Instant? {
        ownWork?.withLock { work in
            while true {
                var wake = Instant.distantFuture
                if progress.withLock({ $0.hasEnded }) { return nil }
                let order = state.withLock { nextOrder(&work, &$0, &wake) }
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
        return !state.tryWanted
    }

    private func write(_ work: inout Work) {
        let began = now()
        let (isClosing, accepted, awaited) = state.withLock { state in
            if !work.hasWork {
                work.batch = state.pending
                work.next = 0
                state.pending = []
            }
            state.tryWanted = false
            defer { state.awaited = 0 }
            return (state.isClosing, state.accepted, state.awaited)
        }
        let lines = work.batch[work.next...]
        let (count, error) = work.destination.write(lines)
        let bytes = lines.prefix(count).reduce(0) { $0 + $1.bytes.count }
        work.next += count
        if !work.hasWork {
            work.batch = []
            work.next = 0
        }
        work.written += UInt64(count)
        let ended = now()
        let expected = state.withLock { state in
            state.queuedLines -= count
            state.queuedBytes -= bytes
            // Those who are told now, and those who came meanwhile.
            state.expected = awaited + state.awaited
            return state.expected
        }
        let isUnsettled = work.destination.wantsSynchronization
        progress.update { progress in
            progress.trip = ended - began
            if !isUnsettled { progress.settled = work.written }
            // Behind a line that failed nothing can be written either: all of them have had their try.
            progress.tried = max(progress.tried, error == nil ? work.written : accepted)
            // Whoever gave up waiting was told so: tell them as well that it moves again.
            if progress.hangs { progress.isFailing = true }
            progress.hangs = false
        }
        report(error, &work)
        work.gatherUntil = nil
        if ownWork == nil, error == nil { gather(expected, from: ended, after: ended - began, &work) }
        if error != nil, isClosing { giveUp(&work) }
    }

    /// Gives further lines time to come before the next trip to the disk. Where some are expected a part of what the
    /// last trip took is well spent: without it those who have just been told would find that the others, who came
    /// meanwhile, have left without them, and the two groups would take turns for ever.
    private func gather(_ expected: Int, from ended: Instant, after trip: Duration, _ work: inout Work) {
        let time = expected > 0 ? min(trip / 2, limits.gatherFor) : limits.gatherFor
        work.gatherUntil = ended + time
        if expected > 0, trip <= limits.spinFor { work.spinUntil = ended + time }
    }

    private func synchronize(_ work: inout Work) {
        // Before it: whoever asks while it is under way means lines that may have come too late for it.
        state.withLock { $0.synchronizationWanted = false }
        let error = work.destination.synchronize()
        work.synchronizeAt = nil
        progress.update { progress in
            progress.settled = work.written
            if error != nil { progress.failedSynchronizations += 1 }
        }
        report(error, &work)
    }

    /// Says once that the destination fails, and once that it works again.
    private func report(_ error: FileError?, _ work: inout Work) {
        work.retryAt = error.map { _ in now() + limits.retryAfter }
        let wasFailing = progress.withLock { progress in
            defer { progress.isFailing = error != nil }
            return progress.isFailing
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
        let count = state.withLock { state in
            defer { state.pending = [] }
            return UInt64(lost + state.pending.count)
        }
        hooks.onDrop(name, count)
    }

    private func end(_ work: inout Work) {
        work.destination.close()
        progress.update { $0.hasEnded = true }
    }
}
