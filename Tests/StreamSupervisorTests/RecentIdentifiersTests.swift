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

    @Test("a copy keeps what it knew, and nothing that the other one learns", arguments: [1, 100, 9_000, 30_000])
    func copies(count: UInt64) {
        var first = RecentIdentifiers()
        for identifier in 0..<count { _ = first.insert(identifier &* 0x9E37_79B9_7F4A_7C15) }
        var second = first
        let messages = (count..<(count + 20_000)).map {
            MessageFacts(role: .event, identifier: $0 &* 0x9E37_79B9_7F4A_7C15)
        }
        let known = messages.withUnsafeBufferPointer { second.insert(of: $0) }
        #expect(known == 0)
        #expect(messages.allSatisfy { first.contains($0.identifier ?? 0) == false })
        let last = (count - 1) &* 0x9E37_79B9_7F4A_7C15
        #expect(first.contains(last))
        #expect(!second.contains(last))
        #expect(messages.suffix(RecentIdentifiers.limit).allSatisfy { second.contains($0.identifier ?? 0) })
        let isNew = first.insert(messages[0].identifier ?? 0)
        #expect(isNew)
    }

    @Test("identifiers of many messages are remembered as those of each, and those of messages without one not at all")
    func runs() {
        var random = SplitMix64(seed: 7)
        var together = RecentIdentifiers()
        var singly = RecentIdentifiers()
        for _ in 0..<3_000 {
            let messages = (0..<Int.random(in: 0...16, using: &random)).map { _ in
                let isIdentified = Int.random(in: 0..<5, using: &random) > 0
                return MessageFacts(role: .event, identifier: isIdentified ? random.next() % 20_000 : nil)
            }
            let known = messages.withUnsafeBufferPointer { together.insert(of: $0) }
            let expected = messages.filter { message in message.identifier.map { !singly.insert($0) } ?? false }
            guard known == expected.count else {
                Issue.record("\(known) are known of \(messages), and \(expected.count) one by one")
                return
            }
        }
    }
}
