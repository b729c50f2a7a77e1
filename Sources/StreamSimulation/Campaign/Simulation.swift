import StreamModel

/// Runs what seeds decide, and tells what came of it.
public enum Simulation {
    /// What came of one scenario.
    struct Outcome: Sendable {
        var violation: Violation?
        /// Of every byte of the trail and of every scrape: two runs with the same digest are the same run.
        var digest: UInt64
        var tally: CampaignTally
    }

    static func run(_ scenario: Scenario) -> Outcome {
        let world = World(scenario)
        world.run()
        world.tally.seeds = 1
        return Outcome(violation: world.violation, digest: world.digest.value, tally: world.tally)
    }

    /// What one seed came to.
    public struct Verdict: Sendable {
        /// The seed.
        public let seed: UInt64
        /// The checker that noticed something; nil where nothing was wrong.
        public let checker: String?
        /// A hash of every byte of the trail and of every scrape.
        public let digest: UInt64
        /// Seconds simulated.
        public let virtualSeconds: Double
        /// What to read: the digest, or what broke and the smallest script found that breaks it.
        public let text: String
    }

    /// Simulates what `seed` decides.
    ///
    /// - Parameters:
    ///   - events: about how many messages there are to be.
    ///   - shrinks: whether to look for a small script where something is wrong.
    ///   - summary: what the run is added to.
    public static func run(
        seed: UInt64, events: Double = 20_000, shrinks: Bool = true, addingTo summary: inout Summary
    ) -> Verdict {
        let scenario = Scenario(seed: seed, events: events)
        let outcome = run(scenario)
        summary.tally.add(outcome.tally)
        let digest = String(outcome.digest, radix: 16)
        guard let violation = outcome.violation else {
            return Verdict(
                seed: seed, checker: nil, digest: outcome.digest, virtualSeconds: outcome.tally.virtualSeconds,
                text: "seed \(seed): digest \(digest), \(Fault.seconds(scenario.length)), "
                    + "\(scenario.faults.count) faults, nothing wrong")
        }
        var text = "seed \(seed): digest \(digest)\n\(violation)\n"
        if shrinks {
            var shrinker = Shrinker()
            let smallest = shrinker.shrink(scenario, violation)
            text += "the smallest script found, in \(shrinker.runs) runs, breaks it so:\n\(smallest.violation)\n"
            text += "\(smallest.scenario)"
        }
        text += "again: make simulate SEED=\(seed)"
        return Verdict(
            seed: seed, checker: violation.checker, digest: outcome.digest,
            virtualSeconds: outcome.tally.virtualSeconds, text: text)
    }

    /// The script of a seed, to read.
    public static func script(seed: UInt64, events: Double = 20_000) -> String {
        "\(Scenario(seed: seed, events: events))"
    }

    /// What many runs have gone through.
    public struct Summary: Sendable {
        var tally = CampaignTally()
        private let began = Stopwatch.seconds

        /// Nothing yet.
        public init() {}

        /// Seconds simulated.
        public var virtualSeconds: Double { tally.virtualSeconds }
        /// Seeds simulated.
        public var seeds: Int { tally.seeds }
        /// Seconds that passed since it was made.
        public var wallSeconds: Double { Stopwatch.seconds - began }

        /// Figures: a table in Markdown.
        public var text: String {
            let year = 365.25 * 86_400
            let wall = wallSeconds
            var lines = [
                ("seeds", "\(tally.seeds)"),
                ("virtual years of the process", rounded(tally.virtualSeconds / year)),
                ("virtual hours of the process", rounded(tally.virtualSeconds / 3_600)),
                ("virtual years of live streams", rounded(tally.streamSeconds / year)),
                ("seconds it took", rounded(wall)),
                ("virtual seconds a second", rounded(tally.virtualSeconds / max(wall, 1e-9))),
                ("things that happened", "\(tally.steps)"),
                ("messages sent", "\(tally.messagesSent)"),
                ("messages delivered", "\(tally.messagesDelivered)"),
                ("handshakes", "\(tally.attempts)"),
                ("lives of the process", "\(tally.lives)"),
                ("lines of the trail", "\(tally.auditLines)"),
                ("scrapes compared", "\(tally.comparisons)"),
            ]
            lines += tally.faults.sorted { $0.key < $1.key }.map { ("fault: \($0.key)", "\($0.value)") }
            lines += tally.reached.sorted { $0.key < $1.key }.map { ("reached: \($0.key)", "\($0.value)") }
            return "| | |\n|---|---|\n" + lines.map { "| \($0.0) | \($0.1) |\n" }.joined()
        }

        private func rounded(_ value: Double) -> String {
            String(Double(Int64(value * 1000)) / 1000)
        }
    }
}
