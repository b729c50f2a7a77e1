/// The identifiers of the newest messages, by which a message that arrives twice is known where it has no number.
///
/// Two tables with open addressing (D. Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm L)
/// instead of a `Set`: identifiers are hashes already, and to hash each of them anew, twice, was a quarter of what a
/// message without a number cost. When one table is full the other, which holds older ones, is emptied and takes its
/// place, so that nothing is ever taken out singly.
struct RecentIdentifiers: Sendable {
    /// How many are remembered at least: more than two connections can deliver during a hand-over. At most twice as many.
    static let limit = 8192

    private var newer = Table()
    private var older = Table()

    init() {}

    /// Whether `identifier` is known.
    func contains(_ identifier: UInt64) -> Bool {
        newer.contains(Table.stored(identifier)) || older.contains(Table.stored(identifier))
    }

    /// Remembers `identifier`; false where it was known already.
    mutating func insert(_ identifier: UInt64) -> Bool {
        let identifier = Table.stored(identifier)
        guard !older.contains(identifier), newer.insert(identifier) else { return false }
        if newer.count == Self.limit {
            swap(&newer, &older)
            newer.removeAll()
        }
        return true
    }

    private struct Table: Sendable {
        private(set) var count = 0
        /// 0 where there is none; a power of two of places, at most half of them taken.
        private var places: [UInt64] = []
        /// By how much a product is shifted to give a place.
        private var shift: UInt64 = 63
        /// A copy of the one that was drawn: to ask for that one costs each message a look whether it was.
        private let multiplier = Self.drawnMultiplier

        /// Drawn for each process: a server that chooses identifiers must not be able to choose their places.
        private static let drawnMultiplier = UInt64.random(in: .min ... .max) | 1

        /// 0 stands for an empty place.
        static func stored(_ identifier: UInt64) -> UInt64 {
            identifier == 0 ? .max : identifier
        }

        func contains(_ identifier: UInt64) -> Bool {
            !places.isEmpty && places[place(of: identifier)] != 0
        }

        mutating func insert(_ identifier: UInt64) -> Bool {
            if (count &+ 1) &* 2 > places.count { grow() }
            let place = place(of: identifier)
            guard places[place] == 0 else { return false }
            places[place] = identifier
            count &+= 1
            return true
        }

        mutating func removeAll() {
            count = 0
            for place in places.indices { places[place] = 0 }
        }

        /// Where `identifier` is, or the empty place where it would be.
        private func place(of identifier: UInt64) -> Int {
            places.withUnsafeBufferPointer { places in
                let mask = places.count &- 1
                // The upper bits of a product depend on all bits of both factors.
                var place = Int(truncatingIfNeeded: (identifier &* multiplier) &>> shift)
                while true {
                    let found = places[place]
                    if found == 0 || found == identifier { return place }
                    place = (place &+ 1) & mask
                }
            }
        }

        private mutating func grow() {
            let old = places
            places = [UInt64](repeating: 0, count: max(64, old.count * 2))
            shift = UInt64(64 - places.count.trailingZeroBitCount)
            for identifier in old where identifier != 0 { places[place(of: identifier)] = identifier }
        }
    }
}
