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

    /// Eight places are looked at together, by a mark of each (as in the Swiss tables of Abseil, M. Kulukundis, CppCon
    /// 2017): where a place is taken or not is as good as random, and a step for each place is what a processor cannot
    /// foresee.
    private struct Table: Sendable {
        private typealias Marks = SIMD8<UInt16>

        private(set) var count = 0
        /// Two bytes of each identifier, 0 where there is none; a power of two of groups, at most half of their places
        /// taken. Four times as many fit a cache as identifiers do, and nearly always they are all that is looked at; with
        /// one byte, an identifier was looked at in vain for every sixteenth message.
        private var marks: [Marks] = []
        /// The identifiers themselves; only where there is a mark.
        private var places: [UInt64] = []
        /// By how much a product is shifted to give a group.
        private var shift: UInt64 = 63
        /// A copy of the one that was drawn: to ask for that one costs each message a look whether it was.
        private let multiplier = Self.drawnMultiplier

        /// Drawn for each process: a server that chooses identifiers must not be able to choose their places.
        private static let drawnMultiplier = UInt64.random(in: .min ... .max) | 1

        private enum Finding {
            case known
            /// Not known; the first empty place of its group, or of one behind.
            case empty(group: Int, index: Int)
        }

        @inline(__always)
        func contains(_ identifier: UInt64) -> Bool {
            guard !marks.isEmpty, case .known = find(identifier) else { return false }
            return true
        }

        @inline(__always)
        mutating func insert(_ identifier: UInt64) -> Bool {
            if (count &+ 1) &* 2 > places.count { grow() }
            guard case .empty(let group, let index) = find(identifier) else { return false }
            put(identifier, group, index)
            count &+= 1
            return true
        }

        mutating func removeAll() {
            count = 0
            for group in marks.indices { marks[group] = Marks() }
        }

        @inline(__always)
        private mutating func put(_ identifier: UInt64, _ group: Int, _ index: Int) {
            let place = group &* Marks.scalarCount &+ index
            // By itself: to change one of eight, they would be read, and written, and waited for.
            marks.withUnsafeMutableBytes { marks in
                marks.storeBytes(of: Self.mark(identifier), toByteOffset: place &* 2, as: UInt16.self)
            }
            places[place] = identifier
        }

        @inline(__always)
        private static func mark(_ identifier: UInt64) -> UInt16 {
            UInt16(truncatingIfNeeded: identifier) | 0x8000
        }

        @inline(__always)
        private func find(_ identifier: UInt64) -> Finding {
            // Unsafe buffers, because a bounds check for each step costs as much as the step. A group is shifted or masked to be
            // less than their number, which is a power of two and never 0 here; there are eight places to each.
            marks.withUnsafeBufferPointer { marks in
                places.withUnsafeBufferPointer { places in
                    let last = marks.count &- 1
                    let own = Marks(repeating: Self.mark(identifier))
                    // The upper bits of a product depend on all bits of both factors.
                    var group = Int(truncatingIfNeeded: (identifier &* multiplier) &>> shift)
                    while true {
                        let found = marks[group]
                        var alike = Equal(found, own)
                        while let index = alike.next() {
                            if places[group &* Marks.scalarCount &+ index] == identifier { return .known }
                        }
                        var empty = Equal(found, Marks())
                        if let index = empty.next() { return .empty(group: group, index: index) }
                        group = (group &+ 1) & last
                    }
                }
            }
        }

        /// The indices at which two groups of marks are equal, the lowest first.
        private struct Equal {
            private var low: UInt64
            private var high: UInt64

            @inline(__always)
            init(_ left: Marks, _ right: Marks) {
                // A mask is eight pairs of bytes, each of which is 0 or has all its bits set.
                let words = unsafeBitCast(left .== right, to: SIMD2<UInt64>.self)
                low = UInt64(littleEndian: words[0])
                high = UInt64(littleEndian: words[1])
            }

            @inline(__always)
            mutating func next() -> Int? {
                guard low | high != 0 else { return nil }
                if low != 0 {
                    let index = low.trailingZeroBitCount >> 4
                    low &= ~(0xFFFF << UInt64(16 &* index))
                    return index
                }
                let index = high.trailingZeroBitCount >> 4
                high &= ~(0xFFFF << UInt64(16 &* index))
                return index &+ 4
            }
        }

        @inline(never)
        private mutating func grow() {
            let taken = places.indices.filter { marks[$0 / Marks.scalarCount][$0 % Marks.scalarCount] != 0 }
            let old = taken.map { places[$0] }
            let groups = max(8, marks.count * 2)
            marks = [Marks](repeating: Marks(), count: groups)
            places = [UInt64](repeating: 0, count: groups * Marks.scalarCount)
            shift = UInt64(64 - groups.trailingZeroBitCount)
            for identifier in old {
                if case .empty(let group, let index) = find(identifier) { put(identifier, group, index) }
            }
        }
    }
}
