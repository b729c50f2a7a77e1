/// A small seeded generator (S. Vigna, SplitMix64), and the draws that a simulation makes.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// A generator of its own for `purpose`, so that one more draw here changes nothing there.
    init(seed: UInt64, purpose: String) {
        var hash = FNV1a()
        hash.add(purpose.utf8)
        state = seed ^ hash.value
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// Whether something of this probability happens.
    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && unit() < probability
    }

    /// From 0 up to but without 1.
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A whole number of `range`.
    mutating func draw(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// One of `values`, which must not be empty.
    mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int(next() % UInt64(values.count))]
    }

    /// Nanoseconds between the two, both in seconds; every order of magnitude is as likely as the others.
    mutating func span(_ low: Double, _ high: Double) -> Int64 {
        Int64(logarithmic(low, high) * 1e9)
    }

    /// Between the two; every order of magnitude is as likely as the others.
    mutating func logarithmic(_ low: Double, _ high: Double) -> Double {
        low * power(high / low, unit())
    }

    /// Nanoseconds until the next event of a process with `rate` events a second (a Poisson process).
    mutating func wait(rate: Double) -> Int64 {
        Int64(min(1e17, -naturalLogarithm(1 - unit()) / rate * 1e9)) + 1
    }
}

/// The hash of G. Fowler, L. Noll and K.-P. Vo, 64 bits, variant 1a: by it two runs are known to be the same.
struct FNV1a {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            value ^= UInt64(byte)
            value &*= 0x0000_0100_0000_01B3
        }
    }
}
