// Unsafe pointers, because a bounds check and a look whether memory is shared cost as much for each message as finding its
// place. A group is shifted or masked to be less than their number, which is a power of two; there are eight places to each.

/// A set of identifiers: a hash table of groups of eight places, each of which has a mark.
///
/// The marks of a group are looked at together (as in the Swiss tables of Abseil, M. Kulukundis, CppCon 2017): whether a
/// single place is taken is as good as random, and a step for each place is what a processor cannot foresee.
struct IdentifierTable: Sendable {
    fileprivate typealias Marks = SIMD8<UInt16>

    /// How many there are; at most half of the places are taken.
    private(set) var count = 0
    /// Nil while it is empty: most streams number their messages.
    private var memory: Memory?
    private var places = Places.none

    /// Whether `identifier` is in it.
    @inline(__always)
    func contains(_ identifier: UInt64) -> Bool {
        guard places.groups > 0, case .known = places.find(identifier) else { return false }
        return true
    }

    /// Makes sure that no other copy of this value sees what is written: to be called before ``insert(_:)``.
    mutating func own() {
        guard memory != nil, !isKnownUniquelyReferenced(&memory) else { return }
        let old = places
        use(groups: old.groups)
        places.copy(from: old)
    }

    /// Adds `identifier`; false where it is in it already. At most 65,536 of them.
    @inline(__always)
    mutating func insert(_ identifier: UInt64) -> Bool {
        if (count &+ 1) &* 2 > places.groups &* Marks.scalarCount { grow() }
        guard case .empty(let group, let index) = places.find(identifier) else { return false }
        places.put(identifier, group, index, number: count)
        count &+= 1
        return true
    }

    /// Empties it, and keeps its size.
    mutating func removeAll() {
        count = 0
        // Memory of its own again, where another copy has this one still.
        if memory == nil || isKnownUniquelyReferenced(&memory) { places.clear() } else { use(groups: places.groups) }
    }

    @inline(never)
    private mutating func grow() {
        let old = places
        // Lives until its identifiers are taken over.
        let owner = memory
        use(groups: max(8, old.groups * 2))
        withExtendedLifetime(owner) {
            for number in 0..<count {
                let identifier = old.identifiers[number]
                guard case .empty(let group, let index) = places.find(identifier) else { continue }
                places.put(identifier, group, index, number: number)
            }
        }
    }

    private mutating func use(groups: Int) {
        let memory = Memory(groups: groups)
        self.memory = memory
        places = memory.places
    }

    /// Who frees the memory.
    private final class Memory: Sendable {
        let places: Places

        init(groups: Int) {
            places = Places(groups: groups)
        }

        deinit {
            places.deallocate()
        }
    }
}

/// Where an identifier is, or would be.
private enum Finding {
    case known
    /// Not known; the first empty place of its group, or of one behind.
    case empty(group: Int, index: Int)
}

/// The memory of a table.
private struct Places: @unchecked Sendable {
    // Unchecked for the pointers' sake: only the one table that refers to the memory writes to it, `own` sees to that.
    static let none = Places(groups: 0)

    private struct Group {
        /// Two bytes of each identifier, 0 where there is none. With one, an identifier was looked at in vain for every
        /// sixteenth message.
        var marks = IdentifierTable.Marks()
        /// The number of the identifier that each mark is of, beside it: both are in the cache once one of them is.
        var numbers = IdentifierTable.Marks()
    }

    let groups: Int
    private let table: UnsafeMutablePointer<Group>
    /// The identifiers in the order in which they came: what is written one behind the other needs no place in the cache.
    let identifiers: UnsafeMutablePointer<UInt64>
    /// By how much a product is shifted to give a group.
    private let shift: UInt64
    /// A copy of the one that was drawn: to ask for that one costs each message a look whether it was.
    private let multiplier = Self.drawnMultiplier

    /// Drawn for each process: a server that chooses identifiers must not be able to choose their places.
    private static let drawnMultiplier = UInt64.random(in: .min ... .max) | 1

    init(groups: Int) {
        self.groups = groups
        table = .allocate(capacity: groups)
        table.initialize(repeating: Group(), count: groups)
        identifiers = .allocate(capacity: groups * IdentifierTable.Marks.scalarCount)
        identifiers.initialize(repeating: 0, count: groups * IdentifierTable.Marks.scalarCount)
        shift = UInt64(64 - groups.trailingZeroBitCount)
    }

    func deallocate() {
        table.deallocate()
        identifiers.deallocate()
    }

    func clear() {
        table.update(repeating: Group(), count: groups)
    }

    func copy(from other: Places) {
        table.update(from: other.table, count: groups)
        identifiers.update(from: other.identifiers, count: groups * IdentifierTable.Marks.scalarCount)
    }

    @inline(__always)
    func put(_ identifier: UInt64, _ group: Int, _ index: Int, number: Int) {
        // Two bytes by themselves: to change one of eight pairs, all would be read, and written, and waited for.
        let pairs = UnsafeMutableRawPointer(table + group).assumingMemoryBound(to: UInt16.self)
        pairs[index] = Self.mark(identifier)
        pairs[IdentifierTable.Marks.scalarCount &+ index] = UInt16(truncatingIfNeeded: number)
        identifiers[number] = identifier
    }

    @inline(__always)
    func find(_ identifier: UInt64) -> Finding {
        let own = IdentifierTable.Marks(repeating: Self.mark(identifier))
        // The upper bits of a product depend on all bits of both factors.
        var group = Int(truncatingIfNeeded: (identifier &* multiplier) &>> shift)
        while true {
            let marks = table[group].marks
            var alike = EqualMarks(marks, own)
            while let index = alike.next() {
                if identifiers[Int(table[group].numbers[index])] == identifier { return .known }
            }
            var empty = EqualMarks(marks, .zero)
            if let index = empty.next() { return .empty(group: group, index: index) }
            group = (group &+ 1) & (groups &- 1)
        }
    }

    @inline(__always)
    private static func mark(_ identifier: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: identifier) | 0x8000
    }
}

/// The indices at which the marks of two groups are equal, the lowest first.
private struct EqualMarks {
    private var low: UInt64
    private var high: UInt64

    @inline(__always)
    init(_ left: IdentifierTable.Marks, _ right: IdentifierTable.Marks) {
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
