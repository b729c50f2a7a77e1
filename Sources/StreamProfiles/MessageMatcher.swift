public import StreamModel

/// Reads the facts of a message out of its bytes: what it is for, its number, its identifier. Compiled once from a
/// profile; one pass, no tree, no text, no allocation.
///
/// * Of a key that stands twice the first value counts.
/// * Nothing behind the last place of interest is looked at, so JSON that is broken there goes unnoticed. JSON that is
///   found broken is an event without a number.
/// * A number is a sequence number if it is written as a whole number from 0 to 2⁶³ − 1: `1.0`, `1e3` and `-1` are not.
public struct MessageMatcher: Sendable {
    /// A step of the tree of wanted pointers.
    struct Node: Sendable {
        var firstEdge = 0
        var edgeCount = 0
        /// The wanted place that ends here; -1: none.
        var slot = -1
        /// Whether none of the keys that lead on must be escaped in a message, so that they are found as they stand.
        var isPlain = true
        /// One bit for the last six bits of the first byte of each key that leads on, or of its closing quote.
        var firstBytes: UInt64 = 0
    }

    /// Where a member or an index of a node leads.
    struct Edge: Sendable {
        var keyStart: Int
        var keyCount: Int
        /// The index in a list that this step means; -1 where it can't be one.
        var index: Int
        var target: Int
        /// The key's first eight bytes, or all of it and the closing quote, as they lie in memory; and the bits of it
        /// that count.
        var head: UInt64 = 0
        var mask: UInt64 = 0

        init(key: [UInt8], keyStart: Int, index: Int, target: Int) {
            self.keyStart = keyStart
            keyCount = key.count
            self.index = index
            self.target = target
            for (place, byte) in (key + [UInt8(ascii: "\"")]).prefix(8).enumerated() {
                head |= UInt64(byte) << UInt64(8 * place)
                mask |= 0xFF << UInt64(8 * place)
            }
        }
    }

    /// What a wanted place is wanted for.
    struct Slot: Sendable {
        var isSequence = false
        var isChannel = false
        /// Which part of the identifier; -1: none.
        var identifierPart = -1
        var firstCondition = 0
        var conditionCount = 0
    }

    /// One value that a place is compared with.
    struct Condition: Sendable {
        enum Kind: Sendable {
            case text
            case prefix
            case token
            case present
        }
        var kind: Kind
        var start: Int
        var count: Int
        var bit: UInt64
    }

    /// A set of conditions that make a role.
    struct Rule: Sendable {
        var role: MessageFacts.Role
        var mask: UInt64
    }

    var nodes: [Node] = [Node()]
    var edges: [Edge] = []
    var slots: [Slot] = []
    var conditions: [Condition] = []
    var rules: [Rule] = []
    /// Keys and expected texts, one behind the other.
    var texts: [UInt8] = []
    var identifierParts = 0
    var allowsTextSequence = false

    /// The facts of the message in `bytes`, JSON in UTF-8.
    public func facts(of bytes: UnsafeRawBufferPointer) -> MessageFacts {
        read(bytes)
    }

    // Inlined into both of its callers, because the tables would be copied on the way from one to the other.
    @inline(__always)
    fileprivate func read(_ bytes: UnsafeRawBufferPointer) -> MessageFacts {
        guard !slots.isEmpty, let start = bytes.bindMemory(to: UInt8.self).baseAddress else {
            return MessageFacts(role: .event)
        }
        let text = JSONSpan(start: start, end: start + bytes.count)
        let wanted: UInt64 = slots.count >= 64 ? .max : (1 << UInt64(slots.count)) &- 1
        return nodes.withUnsafeBufferPointer { nodes in
            edges.withUnsafeBufferPointer { edges in
                slots.withUnsafeBufferPointer { slots in
                    conditions.withUnsafeBufferPointer { conditions in
                        texts.withUnsafeBufferPointer { texts in
                            // An array has an address even where it is empty.
                            guard let nodes = nodes.baseAddress, let edges = edges.baseAddress,
                                let slots = slots.baseAddress, let conditions = conditions.baseAddress,
                                let texts = texts.baseAddress
                            else { return MessageFacts(role: .event) }
                            let tables = MatcherTables(
                                nodes: nodes, edges: edges, slots: slots, conditions: conditions, texts: texts,
                                wanted: wanted)
                            return withUnsafeTemporaryAllocation(
                                of: MessageScanner.Level.self, capacity: JSONPointer.maximumSteps + 1
                            ) { levels in
                                var scanner = MessageScanner(
                                    text: text, tables: tables, levels: levels,
                                    allowsTextSequence: allowsTextSequence)
                                guard scanner.scan() else { return MessageFacts(role: .event) }
                                // Read one by one: handing the scanner on would copy it.
                                let met = scanner.met
                                var role = MessageFacts.Role.event
                                for rule in rules where met & rule.mask == rule.mask {
                                    role = rule.role
                                    break
                                }
                                let isIdentified =
                                    identifierParts > 0 && scanner.identifierPartsFound == identifierParts
                                return MessageFacts(
                                    role: role, sequence: scanner.sequence, channel: scanner.channel,
                                    identifier: isIdentified ? scanner.identifier : nil)
                            }
                        }
                    }
                }
            }
        }
    }

    /// The facts of the message in `bytes`, for whoever has an array.
    public func facts(of bytes: [UInt8]) -> MessageFacts {
        bytes.withUnsafeBytes { facts(of: $0) }
    }
}

/// A matcher that is shared: to take it along is one reference, not its six tables, which for each message would cost
/// as much as the scan.
///
/// The unsafe pointer to a message is valid during the call.
public final class SharedMatcher: Sendable {
    private let matcher: MessageMatcher

    /// A shared `matcher`.
    public init(_ matcher: MessageMatcher) {
        self.matcher = matcher
    }

    /// The facts of the message in `bytes`, JSON in UTF-8.
    public func facts(of bytes: UnsafeRawBufferPointer) -> MessageFacts {
        matcher.read(bytes)
    }
}

/// A matcher's tables as they are while one message is scanned.
struct MatcherTables {
    // Unsafe pointers, because a bounds check and a retain for each byte would cost more than the work. They point into
    // arrays that `facts(of:)` holds, and do not leave it.
    let nodes: UnsafePointer<MessageMatcher.Node>
    let edges: UnsafePointer<MessageMatcher.Edge>
    let slots: UnsafePointer<MessageMatcher.Slot>
    let conditions: UnsafePointer<MessageMatcher.Condition>
    let texts: UnsafePointer<UInt8>
    /// One bit for each slot.
    let wanted: UInt64

    @inline(__always)
    func text(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: texts + start, count: count)
    }

    /// Where the member `key` of the object at `node` leads; -1 where nothing wanted lies there.
    @inline(never)
    func edge(
        from node: UnsafePointer<MessageMatcher.Node>, key: UnsafeRawBufferPointer, hasEscapes: Bool
    ) -> Int {
        let first = node.pointee.firstEdge
        for number in first..<(first + node.pointee.edgeCount) {
            let name = text(edges[number].keyStart, edges[number].keyCount)
            let isEqual =
                hasEscapes
                ? JSONBytes.isEqual(escaped: key, to: name, asPrefix: false) : JSONBytes.isEqual(key, name)
            if isEqual { return edges[number].target }
        }
        return -1
    }

    /// Where the item at `index` of the list at `node` leads; -1 where nothing wanted lies there.
    func edge(from node: Int, index: Int) -> Int {
        let first = nodes[node].firstEdge
        for number in first..<(first + nodes[node].edgeCount) where edges[number].index == index {
            return edges[number].target
        }
        return -1
    }
}
