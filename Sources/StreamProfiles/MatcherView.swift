// Unsafe pointers, because a bounds check and a retain for each byte would cost more than the work. They are to memory that
// the matcher owns, which is written before anyone else sees it and never afterwards.

/// A matcher's tables where a scanner reads them.
struct MatcherView {
    let nodes: UnsafePointer<MatcherTables.Node>
    let edges: UnsafePointer<MatcherTables.Edge>
    let slots: UnsafePointer<MatcherTables.Slot>
    let conditions: UnsafePointer<MatcherTables.Condition>
    let rules: UnsafePointer<MatcherTables.Rule>
    let texts: UnsafePointer<UInt8>
    let ruleCount: Int
    /// One bit for each slot.
    let wanted: UInt64
    let identifierParts: Int
    let allowsTextSequence: Bool

    /// A copy of `tables`, to be given back with ``deallocate()``.
    init(_ tables: MatcherTables) {
        nodes = Self.copy(tables.nodes)
        edges = Self.copy(tables.edges)
        slots = Self.copy(tables.slots)
        conditions = Self.copy(tables.conditions)
        rules = Self.copy(tables.rules)
        texts = Self.copy(tables.texts)
        ruleCount = tables.rules.count
        wanted = tables.slots.count >= 64 ? .max : (1 << UInt64(tables.slots.count)) &- 1
        identifierParts = tables.identifierParts
        allowsTextSequence = tables.allowsTextSequence
    }

    func deallocate() {
        nodes.deallocate()
        edges.deallocate()
        slots.deallocate()
        conditions.deallocate()
        rules.deallocate()
        texts.deallocate()
    }

    private static func copy<Element: BitwiseCopyable>(_ all: [Element]) -> UnsafePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(all.count, 1))
        all.withUnsafeBufferPointer { all in
            if let start = all.baseAddress { memory.initialize(from: start, count: all.count) }
        }
        return UnsafePointer(memory)
    }

    @inline(__always)
    func text(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: texts + start, count: count)
    }

    /// Where the member `key` of the object at `node` leads; -1 where nothing wanted lies there.
    @inline(never)
    func edge(
        from node: UnsafePointer<MatcherTables.Node>, key: UnsafeRawBufferPointer, hasEscapes: Bool
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
