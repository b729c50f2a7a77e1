import Testing

@testable import HoldfastCommand

@Suite("Shards")
struct ShardTests {
    @Test(
        "who takes a stream is the same in every version of the program",
        arguments: [
            ("queue-events", [0, 0, 2, 2]), ("conversation-events", [0, 0, 0, 3]), ("", [0, 1, 2, 2]),
            ("ü", [0, 1, 1, 1]), ("stream-1", [0, 0, 2, 6]),
        ] as [(String, [Int])])
    func literals(name: String, owners: [Int]) {
        #expect([1, 2, 3, 8].map { Shard.owner(of: name, among: $0) } == owners)
    }

    @Test("exactly one shard takes each stream")
    func partition() throws {
        let shards = try (0..<7).map { try #require(Shard(argument: "\($0)/7")) }
        for number in 0..<500 {
            #expect(shards.filter { $0.takes("stream-\(number)") }.count == 1)
        }
    }

    @Test("more shards move as few streams as can be, and only to the new ones", arguments: [(3, 4), (3, 5), (9, 10)])
    func moves(before: Int, after: Int) {
        let count = 10_000
        var moved = 0
        for number in 0..<count {
            let old = Shard.owner(of: "stream-\(number)", among: before)
            let new = Shard.owner(of: "stream-\(number)", among: after)
            guard old != new else { continue }
            moved += 1
            #expect(new >= before)
        }
        let ideal = Double(after - before) / Double(after)
        #expect(abs(Double(moved) / Double(count) - ideal) < 0.02)
    }

    @Test("the load is even")
    func even() {
        var loads = [Int](repeating: 0, count: 4)
        for number in 0..<10_000 { loads[Shard.owner(of: "stream-\(number)", among: 4)] += 1 }
        #expect(loads.allSatisfy { (2_300...2_700).contains($0) }, "\(loads)")
    }

    @Test("INDEX/COUNT and nothing else", arguments: ["0/1", "3/4", "9999/10000"])
    func good(argument: String) {
        #expect(Shard(argument: argument) != nil)
    }

    @Test(
        "mistakes",
        arguments: ["", "/", "1", "4/4", "-1/4", "0/0", "0/10001", "1/2/3", "a/b", "1 /2", "0/99999999999999999999"])
    func bad(argument: String) {
        #expect(Shard(argument: argument) == nil)
    }

    @Test("how many of 10,000 streams move; the same figures as in docs/kubernetes.md")
    func table() throws {
        let names = (1...10_000).map { "stream-\($0)" }
        let counts = try #require(ShardCounts(argument: "3,4,5"))
        #expect(
            counts.lines(of: names) == [
                "  3 instances hold 3277, 3355, 3368",
                "  4 instances hold 2482, 2484, 2539, 2495; from 3 to 4, 2495 move",
                "  5 instances hold 1968, 2002, 2038, 1986, 2006; from 3 to 5, 3992 move",
            ])
        #expect(ShardCounts(argument: "1")?.lines(of: ["a"]) == ["  1 instance holds 1"])
        #expect(ShardCounts(argument: "20")?.lines(of: names).first?.hasSuffix(" each") == true)
    }

    @Test("numbers of instances and nothing else", arguments: ["", ",", "3,", "0", "-1", "x", "3,10001", "3 ,4"])
    func badCounts(argument: String) {
        #expect(ShardCounts(argument: argument) == nil)
    }
}

/// A StatefulSet changes its number of pods: what is held meanwhile. Each pod knows the number that it was started with.
@Suite("Shards while their number changes")
struct ShardTransitionTests {
    /// How many pods hold each of 1,000 streams, given what each running pod was started with.
    private func holders(_ pods: [Shard]) -> [Int] {
        (0..<1_000).map { number in pods.count { $0.takes("stream-\(number)") } }
    }

    private func shards(_ count: Int) throws -> [Shard] {
        try (0..<count).map { try #require(Shard(argument: "\($0)/\(count)")) }
    }

    @Test("in steady state, every stream is held exactly once", arguments: 1...9)
    func steady(count: Int) throws {
        #expect(holders(try shards(count)).allSatisfy { $0 == 1 })
    }

    @Test("more pods: the new ones start first, then the old ones restart from the last to the first")
    func growing() throws {
        let (before, after) = (try shards(3), try shards(4))
        var pods = before + [after[3]]
        // What the new pod takes is held twice until its former holder restarts; nothing is held less than once.
        #expect(Set(holders(pods)) == [1, 2])
        for index in (0..<3).reversed() {
            // While a pod is away, only what it alone held is not held.
            var without = pods
            without.remove(at: index)
            let away = zip(holders(without), (0..<1_000)).filter { $0.0 == 0 }
            #expect(away.allSatisfy { after[index].takes("stream-\($0.1)") })
            pods[index] = after[index]
            #expect(holders(pods).allSatisfy { $0 >= 1 })
        }
        #expect(holders(pods).allSatisfy { $0 == 1 })
    }

    @Test("fewer pods: the last ones end first, and what they held waits for its new holder to restart")
    func shrinking() throws {
        let (before, after) = (try shards(4), try shards(3))
        var pods = Array(before[..<3])
        let orphans = (0..<1_000).filter { before[3].takes("stream-\($0)") }
        #expect(holders(pods).count { $0 == 0 } == orphans.count)
        for index in (0..<3).reversed() {
            pods[index] = after[index]
            // Nothing is ever held twice on the way down.
            #expect(holders(pods).allSatisfy { $0 <= 1 })
        }
        #expect(holders(pods).allSatisfy { $0 == 1 })
    }
}
