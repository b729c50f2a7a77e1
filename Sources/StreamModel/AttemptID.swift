/// Tells one attempt from all others: what its audit lines, its log lines and its span have in common, and the lines of
/// the connection that it made.
///
/// 64 bits, drawn from the seed of the stream's randomness: the same seed gives the same identifiers, and two lives of
/// a process practically never the same ones.
public struct AttemptID: Hashable, Sendable, CustomStringConvertible {
    /// The bits; 0 where there is no attempt to name.
    public let rawValue: UInt64

    /// The identifier with these bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The identifier of the attempt that makes connection number `generation` of a stream whose seed is `seed`. Two
    /// generations of one stream never have the same (a bijection of the 64 bits; S. Vigna, SplitMix64); never 0.
    public init(seed: UInt64, generation: UInt64) {
        var value = seed &+ generation &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        value ^= value >> 31
        rawValue = value == 0 ? 1 : value
    }

    /// Sixteen hexadecimal digits, in lower case.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
