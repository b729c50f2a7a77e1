public import Logging
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
public import StreamModel
import StreamProfiles
public import StreamSupervisor

/// Holds streams: spreads them over event loops, keeps their credentials, budgets and cursors, and changes what is
/// held when the plan changes. May be used from any thread.
public final class StreamRuntime: Sendable {
    /// How a runtime works.
    public struct Options: Sendable {
        /// Handshakes allowed for each host and credential.
        public var budget = ConnectBudget.Limits()
        /// What opens connections.
        public var network: any StreamConnecting = NetworkConnecting()
        /// The wall clock.
        public var wall = WallClock.system
        /// Where cursors are kept; nil: nowhere, a restart begins anew.
        public var cursors: CursorStore?
        /// The process's environment, for tokens.
        public var environment: [String: String] = [:]
        /// Called with every token that was obtained, so that it can be kept out of logs.
        public var tokenObtained: @Sendable (String) -> Void = { _ in }
        /// How much later than due the timers of live streams may run, so that one wake-up serves many of them; zero:
        /// each at its own time. For thousands of streams with heartbeats the wake-ups are most of what being idle costs.
        public var timerSlack = Duration.zero
        /// Seeds all jitter; nil: a random seed.
        public var seed: UInt64?
        /// Saves cursors off the event loops, where a slow disk holds up nothing. A simulation does it in its own time.
        package var offload: @Sendable (@escaping @Sendable () -> Void) -> Void = { work in
            NIOThreadPool.singleton.submit { _ in work() }
        }

        /// The real network and clock, no cursors.
        public init() {}
    }

    /// Makes the listener of a stream, when the stream is about to start. The second closure is called once the stream
    /// is over and nothing more will be said of it.
    public struct ListenerSource: Sendable {
        package let added: @Sendable (StreamIdentity, StreamSpecification) throws -> any StreamListener
        package let removed: @Sendable (StreamIdentity) -> Void

        /// Listeners made by `added`, and let go by `removed`.
        public init(
            added: @escaping @Sendable (StreamIdentity, StreamSpecification) throws -> any StreamListener,
            removed: @escaping @Sendable (StreamIdentity) -> Void
        ) {
            self.added = added
            self.removed = removed
        }
    }

    /// A class: the table of ten thousand of them would otherwise be three times as large as what it holds.
    private final class Held: Sendable {
        let specification: StreamSpecification
        let credential: CredentialSpecification?
        /// Filled on the loop, before anything else that is asked of the stream there.
        let driver: NIOLoopBoundBox<StreamDriver?>
        let loop: any EventLoop

        init(_ specification: StreamSpecification, credential: CredentialSpecification?, loop: any EventLoop) {
            self.specification = specification
            self.credential = credential
            self.loop = loop
            driver = NIOLoopBoundBox.makeEmptyBox(eventLoop: loop)
        }
    }

    private struct State {
        var held: [String: Held] = [:]
        /// Streams that are being stopped, with what is to start in their place.
        var retiring: [String: StreamSpecification?] = [:]
        /// When these are over.
        var leaving: [String: EventLoopFuture<Void>] = [:]
        var keepers: [String: (specification: CredentialSpecification, keeper: CredentialKeeper)] = [:]
        var budgets: [String: BudgetKeeper] = [:]
        var plan = RuntimePlan(streams: [])
        /// How long a token must still be good, by the credential: the strictest of the profiles that share it decides.
        var validities: [String: Duration] = [:]
        /// The stream that was started last, and its host: the next one's is mostly the same.
        var lastHost: (stream: StreamSpecification, host: String)?
        var nextRequester: UInt64 = 0
        var random: SplitMix64
        var isStopping = false
        var saving: RepeatedTask?
    }

    private let options: Options
    private let listeners: ListenerSource
    private let logger: Logger
    private let group: any EventLoopGroup
    private let state: NIOLockedValueBox<State>
    private let surroundings: StreamDriver.Surroundings
    /// By event loop; empty where every stream has timers of its own.
    private let ticks: [ObjectIdentifier: NIOLoopBoundBox<LoopTicks>]

    /// A runtime that holds nothing yet.
    ///
    /// - Parameters:
    ///   - group: the event loops; the caller shuts them down after ``stop(within:)``.
    ///   - ended: called when the retries of a stream with `on_exhausted: exit` are used up.
    public init(
        options: Options, group: any EventLoopGroup, listeners: ListenerSource, logger: Logger,
        ended: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.options = options
        self.listeners = listeners
        self.logger = logger
        self.group = group
        surroundings = StreamDriver.Surroundings(
            network: options.network, wall: options.wall, logger: logger, cursors: options.cursors, endProcess: ended)
        var ticks: [ObjectIdentifier: NIOLoopBoundBox<LoopTicks>] = [:]
        if options.timerSlack > .zero {
            for loop in group.makeIterator() {
                ticks[ObjectIdentifier(loop)] = NIOLoopBoundBox.makeBoxSendingValue(
                    LoopTicks(loop: loop, interval: options.timerSlack), eventLoop: loop)
            }
        }
        self.ticks = ticks
        let seed = options.seed ?? UInt64.random(in: .min ... .max)
        state = NIOLockedValueBox(State(random: SplitMix64(seed: seed)))
        if options.cursors != nil { saveCursorsEverySecond() }
    }

    // MARK: The plan

    /// Holds what `plan` names: starts what is new, stops what is gone, restarts what changed, leaves the rest alone.
    @discardableResult
    public func apply(_ plan: RuntimePlan) -> PlanChanges {
        var changes = PlanChanges()
        var starting: [StreamSpecification] = []
        var stopping: [Held] = []
        state.withLockedValue { state in
            guard !state.isStopping else { return }
            state.plan = plan
            state.validities = Self.validities(plan)
            let wanted = Dictionary(plan.streams.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            for (name, held) in state.held.sorted(by: { $0.key < $1.key }) where wanted[name] == nil {
                changes.removed.append(name)
                state.retiring[name] = .some(nil)
                stopping.append(held)
            }
            for name in state.retiring.keys { state.retiring[name] = .some(wanted[name]) }
            for stream in plan.streams where state.retiring[stream.name] == nil {
                if let held = state.held[stream.name] {
                    let credential = stream.credential.flatMap { plan.credentials[$0] }
                    if held.specification == stream, held.credential == credential {
                        changes.untouched.append(stream.name)
                    } else {
                        changes.restarted.append(stream.name)
                        state.retiring[stream.name] = stream
                        stopping.append(held)
                    }
                } else {
                    changes.added.append(stream.name)
                    starting.append(stream)
                }
            }
            for held in stopping { state.held[held.specification.name] = nil }
        }
        replace(stopping)
        start(starting)
        return changes
    }

    private static func validities(_ plan: RuntimePlan) -> [String: Duration] {
        var validities: [String: Duration] = [:]
        for stream in plan.streams {
            guard let credential = stream.credential else { continue }
            let validity = stream.profile.token.minimumValidity
            validities[credential] = max(validity, validities[credential] ?? .zero)
        }
        return validities
    }

    /// Stops a stream; done once its sockets are closed and its listener was told.
    private func retire(_ held: Held) -> EventLoopFuture<Void> {
        held.loop.flatSubmit { [listeners] in
            let promise = held.loop.makePromise(of: Void.self)
            guard let driver = held.driver.value else {
                promise.succeed()
                return promise.futureResult
            }
            driver.retire {
                listeners.removed(driver.identity)
                promise.succeed()
            }
            return promise.futureResult
        }
    }

    /// Stops streams that the plan no longer has as they were, and starts what the plan has in their place by then.
    private func replace(_ stopping: [Held]) {
        for (_, held) in Dictionary(grouping: stopping, by: { ObjectIdentifier($0.loop) }) {
            guard let loop = held.first?.loop else { continue }
            let leaving = held.map { ($0, loop.makePromise(of: Void.self)) }
            for (held, over) in leaving { follow(held, until: over.futureResult) }
            // Thousands that are closed at once would keep the others of their loop waiting.
            Spread.over(leaving, on: loop) { [self] held, over in
                retire(held).cascade(to: over)
            } dropped: { _, over in
                over.fail(EventLoopError.shutdown)
            }
        }
    }

    private func follow(_ held: Held, until over: EventLoopFuture<Void>) {
        let name = held.specification.name
        state.withLockedValue { $0.leaving[name] = over }
        over.whenComplete { [self] _ in
            let (successor, isStopping) = state.withLockedValue { state in
                state.leaving[name] = nil
                return (state.retiring.removeValue(forKey: name) ?? nil, state.isStopping)
            }
            // Forgotten only now: the last thing that a stream does is to say where it was.
            guard let successor else {
                options.cursors?.forget(name)
                return
            }
            if !isStopping { start([successor]) }
        }
    }

    /// Streams that are handed to their event loop together: each would otherwise wake it, and more at once would hold up
    /// those that run there already.
    private static let startBatch = 64

    private func start(_ streams: [StreamSpecification]) {
        var batches: [ObjectIdentifier: (loop: any EventLoop, streams: [Starting])] = [:]
        for stream in streams {
            guard let starting = prepare(stream) else { continue }
            let loop = starting.held.loop
            let key = ObjectIdentifier(loop)
            batches[key, default: (loop, [])].streams.append(starting)
            if batches[key]?.streams.count == Self.startBatch, let batch = batches.removeValue(forKey: key) {
                begin(batch.streams, on: loop)
            }
        }
        for (loop, streams) in batches.values { begin(streams, on: loop) }
    }

    /// A stream that is held, but does not run yet.
    private struct Starting: Sendable {
        let held: Held
        let identity: StreamIdentity
        let cursor: Cursor?
        let listener: any StreamListener
        let share: Share
    }

    /// Takes a stream up; nil where its listener refuses it, or all is ending.
    private func prepare(_ stream: StreamSpecification) -> Starting? {
        let cursor = options.cursors?.cursor(of: stream.name)
        let identity = StreamIdentity(
            name: stream.name, profile: stream.profile.name,
            clientID: stream.clientID ?? cursor?.clientID ?? Self.randomIdentifier(), labels: stream.labels)
        let listener: any StreamListener
        do {
            listener = try listeners.added(identity, stream)
        } catch {
            logger.error("stream not started: \(error)", metadata: ["stream": "\(stream.name)"])
            return nil
        }
        let loop = group.next()
        // Held from here on, and not from when the loop gets to it: the next plan must find it.
        let starting: Starting? = state.withLockedValue { state in
            guard !state.isStopping else { return nil }
            let share = self.share(of: stream, &state)
            let held = Held(stream, credential: share.credential, loop: loop)
            state.held[stream.name] = held
            return Starting(held: held, identity: identity, cursor: cursor, listener: listener, share: share)
        }
        if starting == nil { listeners.removed(identity) }
        return starting
    }

    private func begin(_ streams: [Starting], on loop: any EventLoop) {
        // A listener's calls, too, begin on the stream's own loop.
        let ticks = ticks[ObjectIdentifier(loop)]
        loop.execute { [surroundings] in
            for starting in streams {
                let stream = starting.held.specification
                let share = starting.share
                let driver = StreamDriver(
                    stream, identity: starting.identity, cursor: starting.cursor, listener: starting.listener,
                    budget: share.budget, credential: share.keeper, requester: share.requester, seed: share.seed,
                    surroundings: surroundings, ticks: ticks?.value, loop: loop)
                if let keeper = share.keeper, let name = stream.credential {
                    keeper.join(share.requester, driver.credentialClient(name))
                }
                starting.held.driver.value = driver
                driver.handle(.started)
            }
        }
    }

    /// What a stream shares with others, and what tells it from them.
    private struct Share {
        let budget: BudgetKeeper
        let keeper: CredentialKeeper?
        let credential: CredentialSpecification?
        let requester: UInt64
        let seed: UInt64
    }

    private func share(of stream: StreamSpecification, _ state: inout State) -> Share {
        state.nextRequester += 1
        return Share(
            budget: budget(for: stream, &state), keeper: keeper(for: stream, &state),
            credential: stream.credential.flatMap { state.plan.credentials[$0] }, requester: state.nextRequester,
            seed: state.random.next())
    }

    private func keeper(for stream: StreamSpecification, _ state: inout State) -> CredentialKeeper? {
        guard let name = stream.credential, let given = state.plan.credentials[name] else { return nil }
        let specification = given.good(for: state.validities[name] ?? .zero)
        if let known = state.keepers[name], known.specification == specification { return known.keeper }
        let keeper = CredentialKeeper(
            name: name, credential: specification.credential(environment: options.environment),
            network: options.network, wall: options.wall, loop: group.next(), tokenObtained: options.tokenObtained)
        state.keepers[name] = (specification, keeper)
        return keeper
    }

    private func budget(for stream: StreamSpecification, _ state: inout State) -> BudgetKeeper {
        let key = host(of: stream, &state) + "\u{0}" + (stream.credential ?? "")
        if let known = state.budgets[key] { return known }
        let keeper = BudgetKeeper(options.budget, loop: group.next())
        state.budgets[key] = keeper
        return keeper
    }

    /// The host of a stream whose address is that of the last one is not worked out again: parsing an address is most of
    /// what starting a stream costs here.
    private func host(of stream: StreamSpecification, _ state: inout State) -> String {
        if let (last, host) = state.lastHost, last.sharedProfile === stream.sharedProfile, last.url == stream.url,
            last.url != nil || last.variables == stream.variables
        {
            return host
        }
        let host = StreamWire(stream, clientID: "", matching: false).host
        state.lastHost = (stream, host)
        return host
    }

    /// 128 random bits, written as a UUID is.
    private static func randomIdentifier() -> String {
        var random = SystemRandomNumberGenerator()
        var high: UInt64 = random.next()
        var low: UInt64 = random.next()
        // Unsafe, and sound: each of the 36 bytes is written, and is ASCII.
        return String(unsafeUninitializedCapacity: 36) { text in
            for place in 0..<36 {
                guard ![8, 13, 18, 23].contains(place) else {
                    text[place] = UInt8(ascii: "-")
                    continue
                }
                let digit = UInt8(high >> 60)
                text[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                high = high << 4 | low >> 60
                low <<= 4
            }
            return 36
        }
    }

    // MARK: Requests

    /// Asks for a fresh cycle of a parked stream or a planned reconnect of a live one; false where there is none of
    /// that name.
    public func reconnect(_ stream: String) -> Bool {
        guard let held = state.withLockedValue({ $0.held[stream] }) else { return false }
        held.loop.execute { held.driver.value?.reconnect() }
        return true
    }

    // MARK: The end

    /// Stops every stream (close frames are sent) and saves the cursors; returns when all sockets are closed, or after
    /// `limit`.
    public func stop(within limit: Duration) async {
        try? await stopping(within: limit).get()
        saveCursors()
    }

    /// Stops every stream; done when all sockets are closed, or after `limit`.
    package func stopping(within limit: Duration) -> EventLoopFuture<Void> {
        let (all, leaving, saving) = state.withLockedValue { state in
            state.isStopping = true
            defer { state.held = [:] }
            // In a settled order, so that the same run is told in the same way.
            let held = state.held.values.sorted { $0.specification.name < $1.specification.name }
            return (held, Array(state.leaving.values), state.saving)
        }
        saving?.cancel()
        let loop = group.next()
        let done = loop.makePromise(of: Void.self)
        let deadline = loop.scheduleTask(in: .nanoseconds(limit.nanoseconds)) { done.succeed() }
        EventLoopFuture.andAllComplete(all.map(retire) + leaving, on: loop).whenComplete { _ in
            deadline.cancel()
            done.succeed()
        }
        return done.futureResult
    }

    // MARK: Cursors

    private func saveCursorsEverySecond() {
        let task = group.next().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [weak self] _ in
            // The disk is slow; an event loop does not wait for it.
            self?.options.offload { [weak self] in self?.saveCursors() }
        }
        state.withLockedValue { $0.saving = task }
    }

    package func saveCursors() {
        do {
            try options.cursors?.save()
        } catch {
            logger.error("\(error)")
        }
    }
}
