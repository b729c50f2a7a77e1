import StreamModel
import Testing

@testable import StreamSupervisor

@Suite("Identifiers of the newest messages")
struct RecentIdentifiersTests {
    @Test("what came among the newest is known, what never came is not", arguments: [3_000, 20_000, 1 << 40])
    func newest(range: UInt64) {
        var random = SplitMix64(seed: range)
        var identifiers = RecentIdentifiers()
        var last: [UInt64: Int] = [:]
        for step in 0..<40_000 {
            let identifier = random.next() % range
            let isNew = identifiers.insert(identifier)
            // Fewer than so many others came since: it must be known. It may be known for up to twice as long.
            let age = last[identifier].map { step - $0 }
            if let age, age < RecentIdentifiers.limit, isNew {
                Issue.record("step \(step): \(identifier), which came \(age) messages ago, is taken for new")
                return
            }
            if age == nil, !isNew {
                Issue.record("step \(step): \(identifier), which never came, is taken for known")
                return
            }
            if isNew { last[identifier] = step }
        }
        let strangers = (0..<1000).filter { _ in identifiers.contains(range + random.next() % range) }
        #expect(strangers.isEmpty)
    }

    @Test("identifiers that lie side by side, as no hash does, are told apart and forgotten")
    func neighbours() {
        var identifiers = RecentIdentifiers()
        for identifier in 0..<UInt64(4 * RecentIdentifiers.limit) {
            guard !identifiers.contains(identifier), identifiers.insert(identifier) else {
                Issue.record("\(identifier) is said to be known")
                return
            }
        }
        #expect(!identifiers.contains(5))
        #expect(identifiers.contains(UInt64(4 * RecentIdentifiers.limit - 1)))
        #expect(identifiers.contains(UInt64(3 * RecentIdentifiers.limit)))
    }

    @Test("identifiers that have the same mark, as one in 32,768 has, are told apart")
    func marks() {
        var identifiers = RecentIdentifiers()
        for step in 0..<UInt64(3 * RecentIdentifiers.limit) {
            guard !identifiers.contains(step << 16), identifiers.insert(step << 16) else {
                Issue.record("\(step << 16) is said to be known")
                return
            }
            guard !identifiers.insert(step << 16) else {
                Issue.record("\(step << 16) is taken for new again")
                return
            }
        }
    }
}
