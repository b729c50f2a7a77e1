import StreamModel

extension SplitMix64 {
    /// The generator of one client (or other participant) of a run: every one of a million clients has its own.
    init(seed: UInt64, participant: Int) {
        var mixer = SplitMix64(seed: seed ^ (UInt64(truncatingIfNeeded: participant) &* 0xD1B5_4A32_D192_ED03))
        self.init(seed: mixer.next())
    }
}
