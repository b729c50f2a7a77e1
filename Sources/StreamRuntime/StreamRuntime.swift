public import Logging
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
import StreamModel
import StreamProfiles

/// Holds streams: spreads them over event loops, keeps their credentials, budgets and cursors, and changes what is
/// held when the plan changes. May be used from any thread.
public final class StreamRuntime: Sendable {
    let options: Options
    let listeners: ListenerSource
    let logger: Logger
    let group: any EventLoopGroup
    let state: NIOLockedValueBox<State>
    let surroundings: StreamDriver.Surroundings
    private let places: [ObjectIdentifier: LoopPlace]

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
        places = Dictionary(
            uniqueKeysWithValues: group.makeIterator().map { loop in
                (
                    ObjectIdentifier(loop),
                    LoopPlace(loop, timerSlack: options.timerSlack, stopwatch: options.stopwatch)
                )
            })
        let seed = options.seed ?? UInt64.random(in: .min ... .max)
        state = NIOLockedValueBox(State(random: SplitMix64(seed: seed)))
        if options.cursors != nil { saveCursorsEverySecond() }
    }

    /// Where the next stream is to live.
    func nextPlace() -> LoopPlace {
        let loop = group.next()
        return places[ObjectIdentifier(loop)]
            ?? LoopPlace(loop, timerSlack: options.timerSlack, stopwatch: options.stopwatch)
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
            // Its streams keep it for as long as they take to end; its token and its secret are not kept for longer.
            state.keepers = state.keepers.filter { plan.credentials[$0.key] != nil }
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

    // MARK: Requests

    /// Asks for a fresh cycle of a parked stream or a planned reconnect of a live one; false where there is none of
    /// that name.
    public func reconnect(_ stream: String) -> Bool {
        guard let held = state.withLockedValue({ $0.held[stream] }) else { return false }
        held.place.loop.execute {
            if case .running(let driver) = held.life.value { driver.reconnect() }
        }
        return true
    }

    /// Returns once each event loop has done what it was asked to do before: every stream of the plan was started, say.
    ///
    /// - Throws: where the event loops have ended.
    package func catchUp() async throws {
        for place in places.values {
            let promise = place.loop.makePromise(of: Void.self)
            place.work.add([.init({ promise.succeed() }, dropped: { promise.fail(EventLoopError.shutdown) })])
            try await promise.futureResult.get()
        }
    }
}
