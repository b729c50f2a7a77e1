import StreamModel

/// A seeded generator, and the draws that a simulation makes.
struct SeededRandom: RandomNumberGenerator {
    private var generator: SplitMix64

    init(seed: UInt64) {
        generator = SplitMix64(seed: seed)
    }

    /// A generator of its own for `purpose`, so that one more draw here changes nothing there.
    init(seed: UInt64, purpose: String) {
        var hash = FNV1a()
        hash.add(purpose.utf8)
        generator = SplitMix64(seed: seed ^ hash.value)
        _ = next()
    }

    mutating func next() -> UInt64 {
        generator.next()
    }

    /// Whether something of this probability happens.
    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && unit() < probability
    }

    /// From 0 up to but without 1.
    mutating func unit() -> Double {
        generator.unit()
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
