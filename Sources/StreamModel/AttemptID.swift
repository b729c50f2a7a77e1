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
    /// generations of one stream never have the same (the bits are spread by a bijection); never 0.
    public init(seed: UInt64, generation: UInt64) {
        let value = SplitMix64.mix(seed &+ generation &* SplitMix64.increment)
        rawValue = value == 0 ? 1 : value
    }

    /// Sixteen hexadecimal digits, in lower case.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
