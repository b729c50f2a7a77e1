import StreamModel

/// Makes inputs out of others: damaged, put together, repeated. The same seed always gives the same inputs.
struct Mutator {
    private var random: SplitMix64
    private let seeds: [[UInt8]]
    private let words: [[UInt8]]
    private let mostBytes: Int

    /// Numbers at the limits of what is counted with.
    private static let numbers = [
        "0", "-1", "1", "255", "256", "65535", "65536", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "18446744073709551615", "18446744073709551616", "1e999", "1.5", "-0",
    ].map { Array($0.utf8) }

    init(seed: UInt64, seeds: [[UInt8]], words: [String], mostBytes: Int) {
        random = SplitMix64(seed: seed)
        self.seeds = seeds.isEmpty ? [[]] : seeds
        self.words = words.map { Array($0.utf8) }
        self.mostBytes = mostBytes
    }

    /// The next input.
    mutating func next() -> [UInt8] {
        var bytes = pick(seeds)
        // Few changes mostly: behind the first mistake little is read.
        for _ in 0...Int.random(in: 0...Int.random(in: 0...5, using: &random), using: &random) {
            change(&bytes)
            if bytes.count > mostBytes { bytes.removeSubrange(mostBytes...) }
        }
        return bytes
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func place(in bytes: [UInt8]) -> Int {
        Int.random(in: 0...bytes.count, using: &random)
    }

    private mutating func range(in bytes: [UInt8], upTo most: Int) -> Range<Int> {
        let start = place(in: bytes)
        return start..<min(bytes.count, start + Int.random(in: 1...most, using: &random))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = place(in: bytes)
        switch Int.random(in: 0..<11, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count: bytes[place] = .random(in: 0...255, using: &random)
        case 2: bytes.insert(.random(in: 0...255, using: &random), at: place)
        case 3: bytes.removeSubrange(range(in: bytes, upTo: 30))
        case 4: bytes.insert(contentsOf: bytes[range(in: bytes, upTo: 60)], at: place)
        case 5: repeatPart(of: &bytes, at: place)
        case 6: bytes.replaceSubrange(numberNear(place, in: bytes), with: pick(Self.numbers))
        case 7:
            let other = pick(seeds)
            bytes.replaceSubrange(place..., with: other[self.place(in: other)...])
        case 8 where !words.isEmpty: bytes.replaceSubrange(range(in: bytes, upTo: 8), with: pick(words))
        case 9: bytes.removeSubrange(place...)
        default: if !words.isEmpty { bytes.insert(contentsOf: pick(words), at: place) }
        }
    }

    /// Depth and length: what is short here is there many times.
    private mutating func repeatPart(of bytes: inout [UInt8], at place: Int) {
        let part = Array(bytes[range(in: bytes, upTo: 6)])
        let times = Int.random(in: 2...Int.random(in: 2...300, using: &random), using: &random)
        bytes.insert(contentsOf: repeatElement(part, count: times).joined(), at: place)
    }

    /// The digits at `place` or after it; nothing where there are none.
    private func numberNear(_ place: Int, in bytes: [UInt8]) -> Range<Int> {
        guard let start = bytes[place...].firstIndex(where: { (0x30...0x39).contains($0) }) else {
            return place..<place
        }
        return start..<(bytes[start...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.count)
    }
}
