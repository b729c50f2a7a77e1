import StreamModel
import Testing

@Suite struct AttemptIDTests {
    @Test func itIsSixteenHexadecimalDigits() {
        #expect(AttemptID(rawValue: 0xAB).description == "00000000000000ab")
        #expect(AttemptID(rawValue: .max).description == "ffffffffffffffff")
    }

    @Test func theSameSeedGivesTheSameAndEachGenerationItsOwn() {
        let ids = (1...10_000).map { AttemptID(seed: 7, generation: UInt64($0)) }
        #expect(ids == (1...10_000).map { AttemptID(seed: 7, generation: UInt64($0)) })
        #expect(Set(ids).count == ids.count)
        #expect(Set(ids).isDisjoint(with: (1...10_000).map { AttemptID(seed: 8, generation: UInt64($0)) }))
    }

    @Test func itIsNeverTheOneThatNamesNone() {
        // Only this seed and generation would give 0.
        #expect(AttemptID(seed: 0, generation: 0) == AttemptID(rawValue: 1))
    }
}
