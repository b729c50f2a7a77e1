import Dispatch
import NIOConcurrencyHelpers
import StreamModel

extension Simulation {
    /// Many seeds, one after the other or several at a time: each is a run of its own, on one thread.
    public struct Campaign: Sendable {
        /// The first seed; those that follow are the numbers after it.
        public var first: UInt64
        /// How many seeds to run at most.
        public var seeds = Int.max
        /// For how many seconds to begin further ones.
        public var seconds = Double.infinity
        /// How many at a time.
        public var jobs = 1
        /// About how many messages each is to have.
        public var events = 20_000.0

        /// One seed after the other, from `first` on, for ever.
        public init(first: UInt64) { self.first = first }

        private struct State {
            var summary = Summary()
            var begun = 0
            var broken: Verdict?
        }

        /// Runs until there is something wrong or the limits are reached. `done` is called with what came of each seed,
        /// one at a time and in no order.
        ///
        /// - Returns: what was gone through, and what was wrong, the lowest of the seeds that were under way.
        public func run(done: @escaping @Sendable (Verdict) -> Void = { _ in }) -> (Summary, Verdict?) {
            let state = NIOLockedValueBox(State())
            DispatchQueue.concurrentPerform(iterations: max(1, jobs)) { _ in
                while let seed = next(state) {
                    var own = Summary()
                    let verdict = Simulation.run(seed: seed, events: events, shrinks: false, addingTo: &own)
                    state.withLockedValue { state in
                        state.summary.tally.add(own.tally)
                        if verdict.checker != nil, verdict.seed < state.broken?.seed ?? .max { state.broken = verdict }
                        done(verdict)
                    }
                }
            }
            return state.withLockedValue { ($0.summary, $0.broken) }
        }

        private func next(_ state: NIOLockedValueBox<State>) -> UInt64? {
            state.withLockedValue { state in
                guard state.broken == nil, state.begun < seeds, state.summary.wallSeconds < seconds else { return nil }
                defer { state.begun += 1 }
                return first &+ UInt64(state.begun)
            }
        }
    }
}
