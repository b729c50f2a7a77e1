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

    private struct Held {
        let specification: StreamSpecification
        let credential: CredentialSpecification?
        /// Filled on the loop, before anything else that is asked of the stream there.
        let driver: NIOLoopBoundBox<StreamDriver?>
        let loop: any EventLoop
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
        var nextRequester: UInt64 = 0
        var random: StreamRandom
        var isStopping = false
        var saving: RepeatedTask?
    }

    private let options: Options
    private let listeners: ListenerSource
    private let logger: Logger
    private let group: any EventLoopGroup
    private let state: NIOLockedValueBox<State>
    private let ended: @Sendable (String) -> Void

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
        self.ended = ended
        let seed = options.seed ?? UInt64.random(in: .min ... .max)
        state = NIOLockedValueBox(State(random: StreamRandom(seed: seed)))
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
        for stream in starting { start(stream) }
        return changes
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
            if !isStopping { start(successor) }
        }
    }

    private func start(_ stream: StreamSpecification) {
        let cursor = options.cursors?.cursor(of: stream.name)
        let identity = StreamIdentity(
            name: stream.name, profile: stream.profile.name,
            clientID: stream.clientID ?? cursor?.clientID ?? Self.randomIdentifier(), labels: stream.labels)
        let listener: any StreamListener
        do {
            listener = try listeners.added(identity, stream)
        } catch {
            logger.error("stream not started: \(error)", metadata: ["stream": "\(stream.name)"])
            return
        }
        let loop = group.next()
        // Held from here on, and not from when the loop gets to it: the next plan must find it.
        let started: (share: Share, box: NIOLoopBoundBox<StreamDriver?>)? = state.withLockedValue { state in
            guard !state.isStopping else { return nil }
            let share = self.share(of: stream, &state)
            let box = NIOLoopBoundBox<StreamDriver?>.makeEmptyBox(eventLoop: loop)
            state.held[stream.name] = Held(
                specification: stream, credential: share.credential, driver: box, loop: loop)
            return (share, box)
        }
        guard let (share, box) = started else { return listeners.removed(identity) }
        // A listener's calls, too, begin on the stream's own loop.
        loop.execute { [self] in
            let driver = StreamDriver(
                stream, identity: identity, cursor: cursor, listener: listener, budget: share.budget,
                credential: share.keeper, requester: share.requester, seed: share.seed, surroundings: surroundings,
                loop: loop)
            if let keeper = share.keeper, let name = stream.credential {
                keeper.join(share.requester, driver.credentialClient(name))
            }
            box.value = driver
            driver.handle(.started)
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

    private var surroundings: StreamDriver.Surroundings {
        StreamDriver.Surroundings(
            network: options.network, wall: options.wall, logger: logger, cursors: options.cursors, endProcess: ended)
    }

    private func keeper(for stream: StreamSpecification, _ state: inout State) -> CredentialKeeper? {
        guard let name = stream.credential, let given = state.plan.credentials[name] else { return nil }
        // The strictest of the profiles that share the credential decides how long a token must still be good.
        let validity = state.plan.streams.filter { $0.credential == name }.map(\.profile.token.minimumValidity).max()
        let specification = given.good(for: validity ?? .zero)
        if let known = state.keepers[name], known.specification == specification { return known.keeper }
        let keeper = CredentialKeeper(
            name: name, credential: specification.credential(environment: options.environment),
            network: options.network, wall: options.wall, loop: group.next(), tokenObtained: options.tokenObtained)
        state.keepers[name] = (specification, keeper)
        return keeper
    }

    private func budget(for stream: StreamSpecification, _ state: inout State) -> BudgetKeeper {
        let key = StreamWire(stream, clientID: "", matching: false).host + "\u{0}" + (stream.credential ?? "")
        if let known = state.budgets[key] { return known }
        let keeper = BudgetKeeper(options.budget, loop: group.next())
        state.budgets[key] = keeper
        return keeper
    }

    private static func randomIdentifier() -> String {
        var random = SystemRandomNumberGenerator()
        let hexadecimal = (0..<2).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        var identifier = ""
        for (index, digit) in hexadecimal.enumerated() {
            if [8, 12, 16, 20].contains(index) { identifier += "-" }
            identifier.append(digit)
        }
        return identifier
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
