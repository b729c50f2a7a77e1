/// The SplitMix64 generator (Steele, Lea, Flood 2014): eight bytes of state, so that every one of a million clients
/// has its own, and the same on every platform.
struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    private(set) var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The generator of one client (or other participant) of a run.
    init(seed: UInt64, participant: Int) {
        var mixer = SplitMix64(seed: seed ^ (UInt64(truncatingIfNeeded: participant) &* 0xD1B5_4A32_D192_ED03))
        state = mixer.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in [0, 1).
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}
