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
        #expect(kinds.count == 30, "\(kinds.sorted())")
    }
}
