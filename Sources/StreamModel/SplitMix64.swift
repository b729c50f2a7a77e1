/// The SplitMix64 generator (Steele, Lea, Flood 2014; S. Vigna): eight bytes of state, and the same numbers everywhere for
/// the same seed. For jitter, simulations and tests, which need spread and repetition; not for secrets.
package struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    /// What one step adds: the golden ratio of 2⁶⁴.
    @inlinable package static var increment: UInt64 { 0x9E37_79B9_7F4A_7C15 }

    @usableFromInline var state: UInt64

    /// A generator that starts from `seed`.
    @inlinable package init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    @inlinable package mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    /// A number in [0, 1).
    @inlinable package mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Spreads the bits of `value` over all 64: a bijection, so that two values never become the same.
    @inlinable package static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
