import StreamModel

/// One pass over one message. Knows strings, escapes and nesting; descends only where a wanted place may be; skips
/// everything else. Never recurses: what it descends into is as deep as the deepest wanted pointer.
///
/// The place in the message is handed from function to function, so that it lives in a register.
struct MessageScanner: ~Copyable {
    /// An object or a list that is being looked through.
    struct Level {
        var node: Int
        /// The index of the next item; -1 in an object.
        var nextIndex: Int
        var isFirst = true
    }

    /// What is known at a place of the message. It depends on nothing that stands behind.
    struct Findings {
        /// How many levels the place lies deep.
        var depth = 0
        /// One bit for each place that was not seen yet.
        var wanted: UInt64 = 0
        /// One bit for each condition that is met.
        var met: UInt64 = 0
        var hasSequence = false
        var sequence: UInt64 = 0
        var channel: UInt64 = 0
        var identifier: UInt64 = 0
        var identifierPartsFound = 0
    }

    enum ValueKind {
        case text
        case token
        case container
    }

    private let text: JSONSpan
    private let view: UnsafePointer<MatcherView>
    private let levels: UnsafeMutableBufferPointer<Level>
    /// What later messages may begin with; nil: nothing is remembered.
    private let memory: UnsafeMutablePointer<MessageMemory>?
    /// Up to here the message begins as an earlier one did.
    private let common: JSONSpan.Place
    private var findings = Findings()

    @inline(__always)
    private var tables: MatcherView { _read { yield view.pointee } }

    // Inlined, because the scanner would be copied on its way out.
    @inline(__always)
    init(
        text: JSONSpan, view: UnsafePointer<MatcherView>, levels: UnsafeMutableBufferPointer<Level>,
        memory: UnsafeMutablePointer<MessageMemory>?
    ) {
        self.text = text
        self.view = view
        self.levels = levels
        self.memory = memory
        common = text.start + (memory?.pointee.meet(text) ?? 0)
    }

    /// Whether the message was sound as far as it was looked at.
    @inline(__always)
    mutating func scan() -> Bool {
        let first =
            if let memory, memory.pointee.place <= common - text.start { resume(memory) } else { begin() }
        guard var place = first else { return false }
        while findings.depth > 0 {
            if findings.wanted == 0 { return true }
            let next = levels[findings.depth &- 1].nextIndex < 0 ? members(place) : nextItem(place)
            guard let next else { return false }
            place = next
        }
        return findings.wanted == 0 || text.afterSpace(place) == text.end
    }

    /// What was found, once `scan` has said yes.
    @inline(__always)
    var facts: MessageFacts {
        var role = MessageFacts.Role.event
        var rule = tables.rules
        let end = rule + tables.ruleCount
        while rule < end {
            if findings.met & rule.pointee.mask == rule.pointee.mask {
                role = rule.pointee.role
                break
            }
            rule += 1
        }
        let isIdentified = tables.identifierParts > 0 && findings.identifierPartsFound == tables.identifierParts
        return MessageFacts(
            role: role, sequence: findings.hasSequence ? findings.sequence : nil, channel: findings.channel,
            identifier: isIdentified ? findings.identifier : nil)
    }

    /// Reads the outermost value, or the first byte of it where it is looked through.
    private mutating func begin() -> JSONSpan.Place? {
        findings.wanted = tables.wanted
        var place = text.start
        let byte = text.byte(afterSpace: &place)
        guard byte == UInt8(ascii: "{"), tables.nodes.pointee.slot < 0 else { return value(at: 0, byte, place) }
        levels[0] = Level(node: 0, nextIndex: -1)
        findings.depth = 1
        return place + 1
    }

    /// Goes on where an earlier message that began alike has led to.
    @inline(__always)
    private mutating func resume(_ memory: UnsafeMutablePointer<MessageMemory>) -> JSONSpan.Place? {
        findings = memory.pointee.findings
        var index = 0
        while index < findings.depth {
            levels[index] = memory.pointee.levels[index]
            index &+= 1
        }
        var place = text.start + memory.pointee.place
        return value(at: memory.pointee.target, text.byte(afterSpace: &place), place)
    }

    /// Goes on in an object and in those inside of it and around it, until the outermost ends, one leads into or out to a
    /// list, or nothing is wanted any more.
    @inline(never)
    private mutating func members(_ begin: JSONSpan.Place) -> JSONSpan.Place? {
        let text = self.text
        var level = findings.depth
        var node = tables.nodes + levels[level &- 1].node
        var isFirst = levels[level &- 1].isFirst
        levels[level &- 1].isFirst = false
        var place = begin
        repeat {
            var byte = text.byte(afterSpace: &place)
            if byte == UInt8(ascii: "}") {
                place += 1
                level &-= 1
                findings.depth = level
                guard level > 0, levels[level &- 1].nextIndex < 0 else { return place }
                node = tables.nodes + levels[level &- 1].node
                isFirst = false
                continue
            }
            if !isFirst {
                guard byte == UInt8(ascii: ",") else { return nil }
                place += 1
                byte = text.byte(afterSpace: &place)
            }
            isFirst = false
            guard byte == UInt8(ascii: "\"") else { return nil }
            let key = place + 1
            var target = -1
            if let edge = plainEdge(from: node, key) {
                target = edge.pointee.target
                place = key + edge.pointee.keyCount + 1
            } else {
                var hasEscapes = false
                guard let keyEnd = text.endOfString(key, &hasEscapes) else { return nil }
                if hasEscapes || !node.pointee.isPlain || text.end - key <= 8 {
                    target = tables.edge(from: node, key: text.part(key, keyEnd - 1), hasEscapes: hasEscapes)
                }
                place = keyEnd
            }
            guard text.byte(afterSpace: &place) == UInt8(ascii: ":") else { return nil }
            place += 1
            if place <= common { memory?.pointee.note(place - text.start, target, findings, levels) }
            guard let next = value(at: target, text.byte(afterSpace: &place), place) else { return nil }
            place = next
            guard findings.depth != level else { continue }
            level = findings.depth
            guard levels[level &- 1].nextIndex < 0 else { return place }
            node = tables.nodes + levels[level &- 1].node
            isFirst = true
            levels[level &- 1].isFirst = false
        } while findings.wanted != 0
        return place
    }

    private mutating func nextItem(_ begin: JSONSpan.Place) -> JSONSpan.Place? {
        var place = text.afterSpace(begin)
        let byte = text.byte(place)
        if byte == UInt8(ascii: "]") {
            findings.depth -= 1
            return place + 1
        }
        if levels[findings.depth - 1].isFirst {
            levels[findings.depth - 1].isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { return nil }
            place = text.afterSpace(place + 1)
        }
        let index = levels[findings.depth - 1].nextIndex
        // Not `+= 1`: with the thread sanitizer, Swift 6.3 makes of that what it cannot compile.
        levels[findings.depth - 1].nextIndex = index + 1
        return value(at: tables.edge(from: levels[findings.depth - 1].node, index: index), text.byte(place), place)
    }

    /// Reads the value at a node of the tree of pointers, or passes over it where the node is -1.
    @inline(__always)
    private mutating func value(at node: Int, _ byte: UInt8, _ place: JSONSpan.Place) -> JSONSpan.Place? {
        if byte == UInt8(ascii: "\"") {
            var hasEscapes = false
            guard let end = text.endOfLongString(place + 1, &hasEscapes) else { return nil }
            if node >= 0 { capture(tables.nodes[node].slot, .text, text.part(place + 1, end - 1), hasEscapes) }
            return end
        }
        // `[` and `{` differ in this bit alone, and no other byte becomes one of them by it.
        if byte | 0x20 == UInt8(ascii: "{") {
            return node < 0 ? text.endOfContainer(place) : container(at: node, place)
        }
        guard let end = text.endOfToken(place) else { return nil }
        if node >= 0 { capture(tables.nodes[node].slot, .token, text.part(place, end), false) }
        return end
    }

    private mutating func container(at node: Int, _ place: JSONSpan.Place) -> JSONSpan.Place? {
        let slot = tables.nodes[node].slot
        if slot >= 0 { capture(slot, .container, text.part(place, place), false) }
        guard tables.nodes[node].edgeCount > 0 else { return text.endOfContainer(place) }
        let isObject = text.byte(place) == UInt8(ascii: "{")
        levels[findings.depth] = Level(node: node, nextIndex: isObject ? -1 : 0)
        findings.depth += 1
        return place + 1
    }

    /// The edge whose key stands unescaped at `key`, by the words in which they lie in memory. Not found are keys of
    /// nodes that are not plain, and keys among the last bytes of the message.
    @inline(__always)
    private func plainEdge(
        from node: UnsafePointer<MatcherTables.Node>, _ key: JSONSpan.Place
    ) -> UnsafePointer<MatcherTables.Edge>? {
        guard text.end - key > 8 else { return nil }
        let word = UInt64(littleEndian: UnsafeRawPointer(key).loadUnaligned(as: UInt64.self))
        // Most keys differ in the first byte already.
        guard node.pointee.firstBytes >> (word & 63) & 1 != 0, node.pointee.isPlain else { return nil }
        var edge = tables.edges + node.pointee.firstEdge
        let last = edge + node.pointee.edgeCount
        while edge < last {
            if (word ^ edge.pointee.head) & edge.pointee.mask == 0 {
                if edge.pointee.keyCount < 8 || isRest(of: edge, key) { return edge }
            }
            edge += 1
        }
        return nil
    }

    /// Whether behind the first eight bytes the key at `key` goes on and ends as that of `edge`.
    @inline(__always)
    private func isRest(of edge: UnsafePointer<MatcherTables.Edge>, _ key: JSONSpan.Place) -> Bool {
        let count = edge.pointee.keyCount
        guard text.end - key > count, key[count] == UInt8(ascii: "\"") else { return false }
        return count == 8
            || JSONBytes.isEqual(text.part(key + 8, key + count), tables.text(edge.pointee.keyStart + 8, count - 8))
    }

    /// Takes note of the value at a wanted place, unless the place was seen before.
    @inline(never)
    private mutating func capture(
        _ number: Int, _ kind: ValueKind, _ value: UnsafeRawBufferPointer, _ hasEscapes: Bool
    ) {
        guard number >= 0 else { return }
        let bit: UInt64 = 1 << UInt64(number)
        guard findings.wanted & bit != 0 else { return }
        findings.wanted &= ~bit
        let slot = tables.slots + number
        if slot.pointee.isSequence {
            if kind == .token || (kind == .text && tables.allowsTextSequence && !hasEscapes) {
                if let number = JSONBytes.wholeNumber(value) {
                    findings.sequence = number
                    findings.hasSequence = true
                }
            }
        }
        if slot.pointee.isChannel || slot.pointee.identifierPart >= 0 {
            hash(slot.pointee, kind, value, hasEscapes)
        }
        var index = slot.pointee.firstCondition
        let end = index &+ slot.pointee.conditionCount
        while index < end {
            defer { index &+= 1 }
            let condition = tables.conditions + index
            let expected = tables.text(condition.pointee.start, condition.pointee.count)
            let holds =
                kind == .text && condition.pointee.kind == .text && !hasEscapes
                ? JSONBytes.isEqual(value, expected)
                : Self.holds(condition.pointee.kind, expected, kind, value, hasEscapes)
            if holds { findings.met |= condition.pointee.bit }
        }
    }

    @inline(__always)
    private static func holds(
        _ condition: MatcherTables.Condition.Kind, _ expected: UnsafeRawBufferPointer, _ kind: ValueKind,
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
                && JSONBytes.isEqual(UnsafeRawBufferPointer(start: value.baseAddress, count: expected.count), expected)
        case .token:
            return kind == .token && JSONBytes.isEqual(value, expected)
        case .present:
            return kind != .token || value.first != UInt8(ascii: "n")
        }
    }

    private mutating func hash(
        _ slot: MatcherTables.Slot, _ kind: ValueKind, _ value: UnsafeRawBufferPointer, _ hasEscapes: Bool
    ) {
        guard kind != .container, kind != .token || value.first != UInt8(ascii: "n") else { return }
        let hash = JSONBytes.hash(value, isText: kind == .text, hasEscapes: hasEscapes)
        // 0 means one numbering for the whole stream.
        if slot.isChannel { findings.channel = hash == 0 ? 1 : hash }
        if slot.identifierPart >= 0 {
            findings.identifierPartsFound += 1
            // The parts may come in any order, so they are told apart by an odd factor each, and added.
            findings.identifier &+= hash &* (0x9E37_79B9_7F4A_7C15 &+ 2 &* UInt64(slot.identifierPart))
        }
    }
}
