/// The hash of G. Fowler, L. Noll and K.-P. Vo, 64 bits, variant 1a: the same in every process, on every platform and in
/// every version, unlike Swift's own.
package struct FNV1a: Sendable {
    /// The hash of what was added.
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of nothing.
    package init() {}

    /// Adds `bytes`.
    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            value ^= UInt64(byte)
            value &*= 0x0000_0100_0000_01B3
        }
    }
}
