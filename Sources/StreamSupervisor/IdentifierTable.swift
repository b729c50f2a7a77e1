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

    /// Adds `identifier`; false where it is in it already.
    @inline(__always)
    mutating func insert(_ identifier: UInt64) -> Bool {
        if (count &+ 1) &* 2 > places.groups &* Marks.scalarCount { grow() }
        guard case .empty(let place) = places.find(identifier) else { return false }
        places.put(identifier, at: place)
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
            old.forEach { identifier in
                if case .empty(let place) = places.find(identifier) { places.put(identifier, at: place) }
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
    case empty(place: Int)
}

/// The memory of a table.
private struct Places: @unchecked Sendable {
    // Unchecked for the pointers' sake: only the one table that refers to the memory writes to it, `own` sees to that.
    static let none = Places(groups: 0)

    let groups: Int
    /// Two bytes of each identifier, 0 where there is none. Four times as many fit a cache as identifiers do, and nearly
    /// always they are all that is looked at; with one byte, an identifier was looked at in vain for every sixteenth
    /// message.
    private let marks: UnsafeMutablePointer<IdentifierTable.Marks>
    /// The identifiers themselves; only where there is a mark.
    private let identifiers: UnsafeMutablePointer<UInt64>
    /// By how much a product is shifted to give a group.
    private let shift: UInt64
    /// A copy of the one that was drawn: to ask for that one costs each message a look whether it was.
    private let multiplier = Self.drawnMultiplier

    /// Drawn for each process: a server that chooses identifiers must not be able to choose their places.
    private static let drawnMultiplier = UInt64.random(in: .min ... .max) | 1

    init(groups: Int) {
        self.groups = groups
        marks = .allocate(capacity: groups)
        marks.initialize(repeating: .zero, count: groups)
        identifiers = .allocate(capacity: groups * IdentifierTable.Marks.scalarCount)
        identifiers.initialize(repeating: 0, count: groups * IdentifierTable.Marks.scalarCount)
        shift = UInt64(64 - groups.trailingZeroBitCount)
    }

    func deallocate() {
        marks.deallocate()
        identifiers.deallocate()
    }

    func clear() {
        marks.update(repeating: .zero, count: groups)
    }

    func copy(from other: Places) {
        marks.update(from: other.marks, count: groups)
        identifiers.update(from: other.identifiers, count: groups * IdentifierTable.Marks.scalarCount)
    }

    func forEach(_ body: (UInt64) -> Void) {
        for place in 0..<(groups * IdentifierTable.Marks.scalarCount) where mark(at: place).pointee != 0 {
            body(identifiers[place])
        }
    }

    @inline(__always)
    func put(_ identifier: UInt64, at place: Int) {
        // By itself: to change one of eight, they would be read, and written, and waited for.
        mark(at: place).pointee = Self.mark(identifier)
        identifiers[place] = identifier
    }

    @inline(__always)
    func find(_ identifier: UInt64) -> Finding {
        let own = IdentifierTable.Marks(repeating: Self.mark(identifier))
        // The upper bits of a product depend on all bits of both factors.
        var group = Int(truncatingIfNeeded: (identifier &* multiplier) &>> shift)
        while true {
            let found = marks[group]
            let place = group &* IdentifierTable.Marks.scalarCount
            var alike = EqualMarks(found, own)
            while let index = alike.next() {
                if identifiers[place &+ index] == identifier { return .known }
            }
            var empty = EqualMarks(found, .zero)
            if let index = empty.next() { return .empty(place: place &+ index) }
            group = (group &+ 1) & (groups &- 1)
        }
    }

    @inline(__always)
    private func mark(at place: Int) -> UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(marks).assumingMemoryBound(to: UInt16.self) + place
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
