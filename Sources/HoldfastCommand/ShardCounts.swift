import ArgumentParser

/// Numbers of instances to compare, such as `3,4,5`: what changing the number would move.
struct ShardCounts: Equatable, Sendable, ExpressibleByArgument {
    let counts: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let counts = parts.compactMap { Int($0) }.filter { (1...Shard.limit).contains($0) }
        guard !parts.isEmpty, counts.count == parts.count, counts.count <= 16 else { return nil }
        self.counts = counts
    }

    /// For each number: how many of the streams each instance holds, and how many move there from the first number.
    func lines(of streams: [String]) -> [String] {
        let before = streams.map { Shard.owner(of: $0, among: counts[0]) }
        return counts.enumerated().map { position, count in
            let after = position == 0 ? before : streams.map { Shard.owner(of: $0, among: count) }
            var loads = [Int](repeating: 0, count: count)
            for shard in after { loads[shard] += 1 }
            let held =
                count <= 8
                ? loads.map(String.init).joined(separator: ", ")
                : "\(loads.min() ?? 0) to \(loads.max() ?? 0) each"
            let moved = zip(before, after).count { $0 != $1 }
            let movement = position == 0 ? "" : "; from \(counts[0]) to \(count), \(moved) move"
            return "  \(count) \(count == 1 ? "instance holds" : "instances hold") \(held)\(movement)"
        }
    }
}
