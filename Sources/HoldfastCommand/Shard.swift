import ArgumentParser
import StreamModel

/// The part of the streams that this instance takes, by rendezvous hashing (D. Thaler and C. Ravishankar, 1998): every
/// shard scores every stream, and the highest score takes it. When the number of shards changes from n to n + 1, only
/// one stream in n + 1 moves, and only to the new shard.
struct Shard: Hashable, Sendable, ExpressibleByArgument {
    /// This instance: 0 to `count` − 1.
    let index: Int
    /// How many instances there are.
    let count: Int

    /// The largest number of shards; a score is computed for each of them and stream.
    static let limit = 10_000

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), (1...Self.limit).contains(count),
            (0..<count).contains(index)
        else { return nil }
        self.index = index
        self.count = count
    }

    /// Whether this instance takes the stream `name`.
    func takes(_ name: String) -> Bool {
        Self.owner(of: name, among: count) == index
    }

    /// The shard that takes the stream `name` where there are `count`.
    static func owner(of name: String, among count: Int) -> Int {
        // FNV-1a over the name, then mixed with the shard: stable over versions, platforms and processes.
        var hash = FNV1a()
        hash.add(name.utf8)
        var best = (shard: 0, score: UInt64.min)
        for shard in 0..<count {
            let score = SplitMix64.mix(hash.value ^ SplitMix64.mix(UInt64(shard) &+ SplitMix64.increment))
            if shard == 0 || score > best.score { best = (shard, score) }
        }
        return best.shard
    }
}
