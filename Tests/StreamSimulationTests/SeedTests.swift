import NIOConcurrencyHelpers
import Testing

@testable import StreamSimulation

/// A few seconds of what `make simulate` does for as long as one likes.
@Suite("Simulated seeds")
struct SeedTests {
    @Test("nothing promised is broken, whatever goes wrong", arguments: UInt64(1)...12)
    func holds(seed: UInt64) {
        var summary = Simulation.Summary()
        let verdict = Simulation.run(seed: seed, events: 400, addingTo: &summary)
        #expect(verdict.checker == nil, "\(verdict.text)")
    }

    @Test("a seed gives the same run to the byte", arguments: [3, 5, 6] as [UInt64])
    func repeats(seed: UInt64) {
        let scenario = Scenario(seed: seed, events: 500)
        let first = Simulation.run(scenario)
        let second = Simulation.run(scenario)
        #expect(first.digest == second.digest)
        #expect(first.tally.steps == second.tally.steps)
        #expect(first.tally.auditLines > 0)
        #expect(Simulation.run(Scenario(seed: seed + 1, events: 500)).digest != first.digest)
    }

    @Test("among many seeds is every kind of fault")
    func variety() {
        let kinds = Set((1...300).flatMap { Scenario(seed: $0, events: 2_000).faults.map(\.kind.name) })
        #expect(kinds.count == 36, "\(kinds.sorted())")
    }

    @Test("among many seeds is every service, and both ways to send a heartbeat")
    func topologies() {
        let streams = (1...100).flatMap { Scenario(seed: $0, events: 2_000).streams }
        for service in [Scenario.Service.architect, .notify, .notifications] {
            #expect(streams.contains { $0.service == service })
        }
        #expect(Set(streams.filter { $0.service == .notifications }.map(\.pings)) == [false, true])
        #expect(Set((1...100).map { Scenario(seed: $0).loops }) == [1, 2, 4])
    }

    @Test("seeds that run at the same time come to what they come to alone")
    func parallel() {
        var campaign = Simulation.Campaign(first: 40)
        campaign.seeds = 4
        campaign.jobs = 3
        campaign.events = 200
        let digests = NIOLockedValueBox<[UInt64: UInt64]>([:])
        let (summary, broken) = campaign.run { verdict in
            digests.withLockedValue { $0[verdict.seed] = verdict.digest }
        }
        #expect(broken == nil)
        #expect(summary.seeds == 4)
        for seed in UInt64(40)...43 {
            let alone = Simulation.run(Scenario(seed: seed, events: 200))
            #expect(digests.withLockedValue { $0[seed] } == alone.digest, "seed \(seed)")
        }
    }
}
