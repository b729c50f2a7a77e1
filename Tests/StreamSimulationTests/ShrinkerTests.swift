import Testing

@testable import StreamSimulation

@Suite("Small scripts")
struct ShrinkerTests {
    @Test("what has no part in a failure is taken out")
    func shrinks() {
        // A stream that is told to end and that nobody calls back is not live at the end: the one fault that counts.
        var scenario = Scenario(seed: 7, events: 300)
        let plan = scenario.streams[0]
        scenario.streams = [plan]
        scenario.streams[0].service = .architect
        let innocent = (0..<6).map { index in
            Fault(id: index, at: Int64(index + 1) * 20_000_000_000, length: 0, stream: 0, kind: .strayNumber)
        }
        let deadly = Fault(
            id: 9, at: scenario.troubled + 600_000_000_000, length: 0, stream: 0,
            kind: .close(code: 1000, reason: "bye"))
        scenario.faults = innocent + [deadly]
        guard let violation = Simulation.run(scenario).violation else {
            Issue.record("nothing was broken")
            return
        }
        #expect(violation.checker == "recovery")
        var shrinker = Shrinker()
        let smallest = shrinker.shrink(scenario, violation)
        #expect(smallest.scenario.faults == [deadly])
        #expect(shrinker.runs < 40)
    }
}
