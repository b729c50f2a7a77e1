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
}
