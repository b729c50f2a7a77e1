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
        newer.contains(identifier) || older.contains(identifier)
    }

    /// Remembers `identifier`; false where it was known already.
    mutating func insert(_ identifier: UInt64) -> Bool {
        guard !older.contains(identifier), newer.insert(identifier) else { return false }
        if newer.count == Self.limit {
            swap(&newer, &older)
            newer.removeAll()
        }
        return true
    }

    private struct Table: Sendable {
        private(set) var count = 0
        /// One byte of each identifier, 0 where there is none; a power of two of places, at most half of them taken. Eight
        /// times as many fit a cache as identifiers do, and nearly always they are all that is looked at.
        private var marks: [UInt8] = []
        /// The identifiers themselves; only where there is a mark.
        private var places: [UInt64] = []
        /// By how much a product is shifted to give a place.
        private var shift: UInt64 = 63
        /// A copy of the one that was drawn: to ask for that one costs each message a look whether it was.
        private let multiplier = Self.drawnMultiplier

        /// Drawn for each process: a server that chooses identifiers must not be able to choose their places.
        private static let drawnMultiplier = UInt64.random(in: .min ... .max) | 1

        func contains(_ identifier: UInt64) -> Bool {
            !marks.isEmpty && marks[place(of: identifier)] != 0
        }

        mutating func insert(_ identifier: UInt64) -> Bool {
            if (count &+ 1) &* 2 > marks.count { grow() }
            let place = place(of: identifier)
            guard marks[place] == 0 else { return false }
            put(identifier, at: place)
            count &+= 1
            return true
        }

        mutating func removeAll() {
            count = 0
            for place in marks.indices { marks[place] = 0 }
        }

        private mutating func put(_ identifier: UInt64, at place: Int) {
            marks[place] = Self.mark(identifier)
            places[place] = identifier
        }

        private static func mark(_ identifier: UInt64) -> UInt8 {
            UInt8(truncatingIfNeeded: identifier) | 0x80
        }

        /// Where `identifier` is, or the empty place where it would be.
        private func place(of identifier: UInt64) -> Int {
            // An unsafe buffer, because a bounds check for each step costs as much as the step. A place is shifted or masked to
            // be less than the number of marks, which is a power of two and never 0 here.
            marks.withUnsafeBufferPointer { marks in
                let last = marks.count &- 1
                let own = Self.mark(identifier)
                // The upper bits of a product depend on all bits of both factors.
                var place = Int(truncatingIfNeeded: (identifier &* multiplier) &>> shift)
                while true {
                    let mark = marks[place]
                    if mark == 0 || mark == own && places[place] == identifier { return place }
                    place = (place &+ 1) & last
                }
            }
        }

        private mutating func grow() {
            let old = zip(marks, places).filter { $0.0 != 0 }.map(\.1)
            let size = max(64, marks.count * 2)
            marks = [UInt8](repeating: 0, count: size)
            places = [UInt64](repeating: 0, count: size)
            shift = UInt64(64 - size.trailingZeroBitCount)
            for identifier in old { put(identifier, at: place(of: identifier)) }
        }
    }
}
