internal import StreamModel

/// Decides when the steps of a script strike. No clock and no randomness but the script's seed: the same script, times
/// and facts give the same decisions.
///
/// Times are durations since the gateway's start.
struct FaultEngine: Sendable {
    /// The most steps that a script and what is injected may have together.
    static let maximumSteps = 10_000

    private struct Progress {
        var step: FaultStep
        var random: SplitMix64
        /// When the step's own time began.
        var origin: Duration
        /// The next time at which it strikes; nil where time does not trigger it, or no longer.
        var next: Duration?
        /// How many times its time has come, or how many facts it has counted.
        var occurrences: Int = 0
        /// How many times it struck.
        var strikes: Int = 0

        var isSpent: Bool {
            if let limit = step.limit { strikes >= limit } else { false }
        }
    }

    private let period: Duration?
    private let seed: UInt64
    private var steps: [Progress] = []
    /// Steps added so far: also what a step's generator is derived from.
    private var added: UInt64 = 0

    /// The decisions of `script`.
    init(script: FaultScript) {
        period = script.period
        seed = script.seed
        for step in script.steps { add(step, at: .zero) }
    }

    /// Takes in a further step, whose time begins at `now`; false where there are too many.
    @discardableResult
    mutating func add(_ step: FaultStep, at now: Duration) -> Bool {
        if steps.count >= Self.maximumSteps {
            steps.removeAll { $0.isSpent || ($0.step.trigger.isTimed && $0.next == nil) }
        }
        guard steps.count < Self.maximumSteps else { return false }
        var seeder = SplitMix64(seed: seed &+ added &* 0xD134_2543_DE82_EF95)
        added += 1
        var progress = Progress(step: step, random: SplitMix64(seed: seeder.next()), origin: now)
        progress.next = Self.nextTime(&progress, period: now == .zero ? period : nil)
        steps.append(progress)
        return true
    }

    /// When ``due(at:)`` should be called next; nil where time triggers nothing more.
    var nextDeadline: Duration? {
        steps.lazy.filter { !$0.isSpent }.compactMap(\.next).min()
    }

    /// The steps that strike up to `now`, in the order of their times; at most 1,000 in one call, so that a clock that
    /// leaps can't make it last: ``nextDeadline`` then lies in the past.
    mutating func due(at now: Duration) -> [FaultStep] {
        var struck: [FaultStep] = []
        for _ in 0..<1_000 {
            var earliest: Int?
            for index in steps.indices where !steps[index].isSpent {
                guard let next = steps[index].next, next <= now else { continue }
                if let best = earliest, let bestTime = steps[best].next, bestTime <= next { continue }
                earliest = index
            }
            guard let index = earliest else { return struck }
            steps[index].occurrences += 1
            if Self.strikes(&steps[index]) { struck.append(steps[index].step) }
            let repeats = steps[index].origin == .zero ? period : nil
            steps[index].next = Self.nextTime(&steps[index], period: repeats)
        }
        return struck
    }

    /// The steps that strike with a handshake. To be called before the handshake is answered.
    mutating func handshakeBegan(_ stream: StreamFacts) -> [FaultStep] {
        count(stream) { step in
            guard case .connect(let number) = step.trigger, !step.scope.namesSession else { return nil }
            return .some(number)
        }
    }

    /// The steps that strike with a subscription or a resume. To be called before it is acknowledged.
    mutating func subscriptionBegan(_ stream: StreamFacts) -> [FaultStep] {
        count(stream) { step in
            guard case .connect(let number) = step.trigger, step.scope.namesSession else { return nil }
            return .some(number)
        }
    }

    /// The steps that strike with an event. To be called before it is numbered.
    mutating func eventBegan(_ stream: StreamFacts) -> [FaultStep] {
        count(stream) { step in
            guard case .message(let number) = step.trigger else { return nil }
            return .some(number)
        }
    }

    /// Counts a fact for every step that `number` gives an answer for.
    private mutating func count(_ stream: StreamFacts, number: (FaultStep) -> Int??) -> [FaultStep] {
        var struck: [FaultStep] = []
        for index in steps.indices {
            guard let wanted = number(steps[index].step), !steps[index].isSpent,
                steps[index].step.scope.matches(stream)
            else { continue }
            steps[index].occurrences += 1
            if let wanted, wanted != steps[index].occurrences { continue }
            if Self.strikes(&steps[index]) { struck.append(steps[index].step) }
        }
        return struck
    }

    /// Draws whether a step whose time has come strikes.
    private static func strikes(_ progress: inout Progress) -> Bool {
        let drawn = progress.random.unit()
        guard drawn < progress.step.probability else { return false }
        progress.strikes += 1
        return true
    }

    private static func nextTime(_ progress: inout Progress, period: Duration?) -> Duration? {
        switch progress.step.trigger {
        case .at(let time):
            if progress.occurrences == 0 { return progress.origin + time }
            guard let period, period > .zero else { return nil }
            return progress.origin + time + period * progress.occurrences
        case .every(let interval, let jitter):
            // An interval of nothing would never let time go on.
            let interval = max(interval, .milliseconds(1))
            let spread = min(max(jitter, .zero), interval / 2).inSeconds
            let offset = (progress.random.unit() * 2 - 1) * spread
            let nominal = progress.origin + interval * (progress.occurrences + 1)
            return nominal + .nanoseconds(Int64((offset * 1e9).rounded()))
        case .connect, .message:
            return nil
        }
    }
}

extension FaultTrigger {
    /// Whether time triggers it.
    fileprivate var isTimed: Bool {
        switch self {
        case .at, .every: true
        case .connect, .message: false
        }
    }
}
