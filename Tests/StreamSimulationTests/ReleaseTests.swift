import Testing

@testable import StreamSimulation

/// What a campaign of hours must not keep.
@Suite("What simulations leave behind")
struct ReleaseTests {
    @Test("a world is freed when its run is over", arguments: UInt64(1)...4)
    func world(seed: UInt64) {
        weak var world: World?
        do {
            let run = World(Scenario(seed: seed, events: 400))
            world = run
            run.run()
            #expect(run.violation == nil)
            #expect(run.tally.lives > 0)
        }
        let isFreed = world == nil
        #expect(isFreed)
    }

    @Test("one that ended with something wrong is freed as well")
    func broken() {
        weak var world: World?
        do {
            let run = World(Scenario(seed: 1, events: 400))
            world = run
            run.at(600_000_000_000) { [unowned run] in run.fail("test", "broken on purpose") }
            run.run()
            #expect(run.violation?.checker == "test")
        }
        let isFreed = world == nil
        #expect(isFreed)
    }
}
