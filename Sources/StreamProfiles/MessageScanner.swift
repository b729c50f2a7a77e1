/// One pass over one message. Knows strings, escapes and nesting; descends only where a wanted place may be; skips
/// everything else. Never recurses: what it descends into is as deep as the deepest wanted pointer.
struct MessageScanner: ~Copyable {
    /// An object or a list that is being looked through.
    struct Level {
        var node: Int
        /// The index of the next item; -1 in an object.
        var nextIndex: Int
        var isFirst: Bool
    }

    enum ValueKind {
        case text
        case token
        case container
    }

    private let bytes: UnsafeRawBufferPointer
    private let tables: MatcherTables
    private let levels: UnsafeMutableBufferPointer<Level>
    private let allowsTextSequence: Bool
    private var depth = 0
    private var position = 0
    /// One bit for each place that was not seen yet.
    private var wanted: UInt64

    private(set) var met: UInt64 = 0
    private(set) var sequence: UInt64?
    private(set) var channel: UInt64 = 0
    private(set) var identifier: UInt64 = 0
    private(set) var identifierPartsFound = 0

    init(
        bytes: UnsafeRawBufferPointer, tables: MatcherTables, levels: UnsafeMutableBufferPointer<Level>,
        allowsTextSequence: Bool
    ) {
        self.bytes = bytes
        self.tables = tables
        self.levels = levels
        self.allowsTextSequence = allowsTextSequence
        wanted = tables.slots.count >= 64 ? .max : (1 << UInt64(tables.slots.count)) - 1
    }

    /// Whether the message was sound as far as it was looked at.
    @inline(__always)
    mutating func scan() -> Bool {
        skipSpace()
        guard value(at: 0) else { return false }
        while depth > 0 {
            if wanted == 0 { return true }
            guard levels[depth - 1].nextIndex < 0 ? nextMember() : nextItem() else { return false }
        }
        if wanted == 0 { return true }
        skipSpace()
        return position == bytes.count
    }

    @inline(__always)
    private func peek() -> UInt8 {
        // A zero byte stands for the end; it begins nothing in JSON.
        position < bytes.count ? bytes[position] : 0
    }

    /// The bytes from `start` to before `end`, both of which the scan has reached.
    @inline(__always)
    private func part(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + start }, count: end &- start)
    }

    @inline(__always)
    private mutating func skipSpace() {
        // Most messages hold no space at all.
        while position < bytes.count, bytes[position] <= 0x20 {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position &+= 1
            default: return
            }
        }
    }

    @inline(__always)
    private mutating func nextMember() -> Bool {
        skipSpace()
        var byte = peek()
        if byte == UInt8(ascii: "}") {
            position += 1
            depth -= 1
            return true
        }
        if levels[depth - 1].isFirst {
            levels[depth - 1].isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { return false }
            position += 1
            skipSpace()
            byte = peek()
        }
        guard byte == UInt8(ascii: "\"") else { return false }
        let start = position + 1
        var hasEscapes = false
        guard skipString(&hasEscapes) else { return false }
        let key = part(start, position &- 1)
        skipSpace()
        guard peek() == UInt8(ascii: ":") else { return false }
        position += 1
        skipSpace()
        let target = edge(from: levels[depth - 1].node, key: key, hasEscapes: hasEscapes)
        return target < 0 ? skipValue() : value(at: target)
    }

    private mutating func nextItem() -> Bool {
        skipSpace()
        let byte = peek()
        if byte == UInt8(ascii: "]") {
            position += 1
            depth -= 1
            return true
        }
        if levels[depth - 1].isFirst {
            levels[depth - 1].isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { return false }
            position += 1
            skipSpace()
        }
        let index = levels[depth - 1].nextIndex
        levels[depth - 1].nextIndex += 1
        let target = edge(from: levels[depth - 1].node, index: index)
        return target < 0 ? skipValue() : value(at: target)
    }

    /// Reads the value at a node of the tree of pointers.
    @inline(__always)
    private mutating func value(at node: Int) -> Bool {
        let slot = tables.nodes[node].slot
        let start = position
        switch peek() {
        case UInt8(ascii: "\""):
            var hasEscapes = false
            guard skipString(&hasEscapes) else { return false }
            if slot >= 0 { capture(slot, .text, (start + 1)..<(position - 1), hasEscapes: hasEscapes) }
            return true
        case UInt8(ascii: "{"):
            return container(at: node, slot: slot, nextIndex: -1)
        case UInt8(ascii: "["):
            return container(at: node, slot: slot, nextIndex: 0)
        default:
            guard skipToken() else { return false }
            if slot >= 0 { capture(slot, .token, start..<position, hasEscapes: false) }
            return true
        }
    }

    @inline(__always)
    private mutating func container(at node: Int, slot: Int, nextIndex: Int) -> Bool {
        if slot >= 0 { capture(slot, .container, position..<position, hasEscapes: false) }
        guard tables.nodes[node].edgeCount > 0 else { return skipContainer() }
        position += 1
        levels[depth] = Level(node: node, nextIndex: nextIndex, isFirst: true)
        depth += 1
        return true
    }

    @inline(__always)
    private func edge(from node: Int, key: UnsafeRawBufferPointer, hasEscapes: Bool) -> Int {
        let first = tables.nodes[node].firstEdge
        var number = first
        let end = first &+ tables.nodes[node].edgeCount
        while number < end {
            defer { number &+= 1 }
            let edge = tables.edges[number]
            // Most keys differ in length already.
            if !hasEscapes, edge.keyCount != key.count { continue }
            let name = tables.text(edge.keyStart, edge.keyCount)
            if hasEscapes {
                if JSONBytes.isEqual(escaped: key, to: name, asPrefix: false) { return edge.target }
            } else if JSONBytes.isEqual(key, name) {
                return edge.target
            }
        }
        return -1
    }

    private func edge(from node: Int, index: Int) -> Int {
        let first = tables.nodes[node].firstEdge
        for number in first..<(first + tables.nodes[node].edgeCount) where tables.edges[number].index == index {
            return tables.edges[number].target
        }
        return -1
    }

    /// Takes note of the value at a wanted place, unless the place was seen before.
    private mutating func capture(_ number: Int, _ kind: ValueKind, _ range: Range<Int>, hasEscapes: Bool) {
        let bit: UInt64 = 1 << UInt64(number)
        guard wanted & bit != 0 else { return }
        wanted &= ~bit
        let slot = tables.slots[number]
        let value = part(range.lowerBound, range.upperBound)
        if slot.isSequence {
            if kind == .token || (kind == .text && allowsTextSequence && !hasEscapes) {
                sequence = JSONBytes.wholeNumber(value)
            }
        }
        if slot.isChannel || slot.identifierPart >= 0 { hash(slot, kind, value, hasEscapes) }
        var index = slot.firstCondition
        let end = index &+ slot.conditionCount
        while index < end {
            defer { index &+= 1 }
            let condition = tables.conditions[index]
            let expected = tables.text(condition.start, condition.count)
            if Self.holds(condition.kind, expected, kind, value, hasEscapes) { met |= condition.bit }
        }
    }

    @inline(__always)
    private static func holds(
        _ condition: MessageMatcher.Condition.Kind, _ expected: UnsafeRawBufferPointer, _ kind: ValueKind,
        _ value: UnsafeRawBufferPointer, _ hasEscapes: Bool
    ) -> Bool {
        switch condition {
        case .text:
            guard kind == .text else { return false }
            return hasEscapes
                ? JSONBytes.isEqual(escaped: value, to: expected, asPrefix: false) : JSONBytes.isEqual(value, expected)
        case .prefix:
            guard kind == .text else { return false }
            if hasEscapes { return JSONBytes.isEqual(escaped: value, to: expected, asPrefix: true) }
            return value.count >= expected.count
                && JSONBytes.isEqual(UnsafeRawBufferPointer(rebasing: value[..<expected.count]), expected)
        case .token:
            return kind == .token && JSONBytes.isEqual(value, expected)
        case .present:
            return kind != .token || value.first != UInt8(ascii: "n")
        }
    }

    private mutating func hash(
        _ slot: MessageMatcher.Slot, _ kind: ValueKind, _ value: UnsafeRawBufferPointer, _ hasEscapes: Bool
    ) {
        guard kind != .container, kind != .token || value.first != UInt8(ascii: "n") else { return }
        let hash = JSONBytes.hash(value, isText: kind == .text, hasEscapes: hasEscapes)
        // 0 means one numbering for the whole stream.
        if slot.isChannel { channel = hash == 0 ? 1 : hash }
        if slot.identifierPart >= 0 {
            identifierPartsFound += 1
            // The parts may come in any order, so they are told apart by number and added.
            identifier &+= JSONBytes.mix(hash &+ UInt64(slot.identifierPart))
        }
    }

    @inline(__always)
    private mutating func skipValue() -> Bool {
        switch peek() {
        case UInt8(ascii: "\""):
            var hasEscapes = false
            return skipString(&hasEscapes)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return skipContainer()
        default:
            return skipToken()
        }
    }

    /// Leaves the position behind the closing quote.
    @inline(__always)
    private mutating func skipString(_ hasEscapes: inout Bool) -> Bool {
        let end = Self.endOfString(bytes, position + 1, &hasEscapes)
        guard end >= 0 else { return false }
        position = end
        return true
    }

    /// Where a string that begins at `start` ends, behind its closing quote; -1 where it does not.
    ///
    /// The place is a local variable, here and below, so that it lives in a register while bytes are passed over;
    /// eight bytes are passed over at once as long as none of them is a quote or a backslash.
    @inline(__always)
    private static func endOfString(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ hasEscapes: inout Bool) -> Int {
        let count = bytes.count
        var place = start
        while place < count {
            while place &+ 8 <= count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                let found = zeroBytes(word ^ 0x2222_2222_2222_2222) | zeroBytes(word ^ 0x5C5C_5C5C_5C5C_5C5C)
                // The lowest bit that is set marks the first such byte; higher ones may be set in error.
                if found != 0 {
                    place &+= found.trailingZeroBitCount >> 3
                    break
                }
                place &+= 8
            }
            guard place < count else { return -1 }
            let byte = bytes[place]
            place &+= 1
            if byte == UInt8(ascii: "\"") { return place }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                place &+= 1
            }
        }
        return -1
    }

    /// The highest bit of each byte of `word` that is zero.
    @inline(__always)
    private static func zeroBytes(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }

    private mutating func skipContainer() -> Bool {
        let bytes = self.bytes
        var nesting = 0
        var place = position
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") {
                var hasEscapes = false
                place = Self.endOfString(bytes, place &+ 1, &hasEscapes)
                guard place >= 0 else { return false }
                continue
            }
            place &+= 1
            // `[` and `{`, and `]` and `}`, differ in this bit alone, and no other byte becomes one of them by it.
            switch byte | 0x20 {
            case UInt8(ascii: "{"):
                nesting &+= 1
            case UInt8(ascii: "}"):
                nesting &-= 1
                if nesting == 0 {
                    position = place
                    return true
                }
            default:
                break
            }
        }
        return false
    }

    /// A number or a word: begins like one, and ends before whatever may follow a value.
    @inline(__always)
    private mutating func skipToken() -> Bool {
        switch peek() {
        case UInt8(ascii: "-"), 0x30...0x39, UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): break
        default: return false
        }
        let bytes = self.bytes
        var place = position &+ 1
        while place < bytes.count {
            switch bytes[place] {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
                place &+= 1
            default:
                position = place
                return true
            }
        }
        position = place
        return true
    }
}
