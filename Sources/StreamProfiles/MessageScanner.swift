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

    @inline(__always)
    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

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
        let key = UnsafeRawBufferPointer(rebasing: bytes[start..<(position - 1)])
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

    private mutating func container(at node: Int, slot: Int, nextIndex: Int) -> Bool {
        if slot >= 0 { capture(slot, .container, position..<position, hasEscapes: false) }
        guard tables.nodes[node].edgeCount > 0 else { return skipContainer() }
        position += 1
        levels[depth] = Level(node: node, nextIndex: nextIndex, isFirst: true)
        depth += 1
        return true
    }

    private func edge(from node: Int, key: UnsafeRawBufferPointer, hasEscapes: Bool) -> Int {
        let first = tables.nodes[node].firstEdge
        for number in first..<(first + tables.nodes[node].edgeCount) {
            let edge = tables.edges[number]
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
        let value = UnsafeRawBufferPointer(rebasing: bytes[range])
        if slot.isSequence {
            if kind == .token || (kind == .text && allowsTextSequence && !hasEscapes) {
                sequence = JSONBytes.wholeNumber(value)
            }
        }
        if slot.isChannel || slot.identifierPart >= 0 { hash(slot, kind, value, hasEscapes) }
        for index in slot.firstCondition..<(slot.firstCondition + slot.conditionCount) {
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
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return true
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position += 2
            } else {
                position += 1
            }
        }
        return false
    }

    private mutating func skipContainer() -> Bool {
        var nesting = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                var hasEscapes = false
                guard skipString(&hasEscapes) else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                nesting += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                nesting -= 1
                if nesting == 0 {
                    position += 1
                    return true
                }
            default:
                break
            }
            position += 1
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
        while position < bytes.count {
            switch bytes[position] {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
                position += 1
            default:
                return true
            }
        }
        return true
    }
}
