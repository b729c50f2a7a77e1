// The unsafe buffer is of facts that the caller holds, valid during the call.

import StreamModel

/// The identifiers of the newest messages, by which a message that arrives twice is known where it has no number.
///
/// Two tables with open addressing (D. Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm L)
/// instead of a `Set`: identifiers are hashes already, and to hash each of them anew, twice, was a quarter of what a
/// message without a number cost. When one table is full the other, which holds older ones, is emptied and takes its
/// place, so that nothing is ever taken out singly.
struct RecentIdentifiers: Sendable {
    /// How many are remembered at least: more than two connections can deliver during a hand-over. At most twice as many.
    static let limit = 8192

    private var newer = IdentifierTable()
    private var older = IdentifierTable()

    init() {}

    /// Whether `identifier` is known.
    func contains(_ identifier: UInt64) -> Bool {
        newer.contains(identifier) || older.contains(identifier)
    }

    /// Remembers `identifier`; false where it was known already.
    mutating func insert(_ identifier: UInt64) -> Bool {
        newer.own()
        return insertOwned(identifier)
    }

    /// Remembers the identifiers of `messages`; gives how many of them were known already.
    mutating func insert(of messages: UnsafeBufferPointer<MessageFacts>) -> Int {
        // Asked once for all of them, which for each would cost as much as the look into a table.
        newer.own()
        var known = 0
        for message in messages {
            if let identifier = message.identifier, !insertOwned(identifier) { known &+= 1 }
        }
        return known
    }

    @inline(__always)
    private mutating func insertOwned(_ identifier: UInt64) -> Bool {
        guard !older.contains(identifier), newer.insert(identifier) else { return false }
        if newer.count == Self.limit { turn() }
        return true
    }

    private mutating func turn() {
        swap(&newer, &older)
        newer.removeAll()
    }
}
