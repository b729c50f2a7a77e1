import StreamModel

/// Turns a profile's patterns and places into a matcher's tables.
struct MatcherCompiler {
    private final class Step {
        var key: [UInt8]
        var children: [Step] = []
        var slot = -1

        init(key: [UInt8]) {
            self.key = key
        }
    }

    private let root = Step(key: [])
    private var tables = MatcherTables()
    private var conditions: [[MatcherTables.Condition]] = []
    private var bits = 0
    /// Whether it was more than a matcher can hold: 64 places, 64 conditions.
    private(set) var isTooLarge = false

    mutating func addSequence(_ pointer: JSONPointer, channel: JSONPointer?, allowsText: Bool) {
        if let slot = slot(at: pointer) { tables.slots[slot].isSequence = true }
        if let channel, let slot = slot(at: channel) { tables.slots[slot].isChannel = true }
        tables.allowsTextSequence = allowsText
    }

    mutating func addIdentifier(_ pointers: [JSONPointer]) {
        for (part, pointer) in pointers.enumerated() {
            if let slot = slot(at: pointer) { tables.slots[slot].identifierPart = part }
        }
        tables.identifierParts = pointers.count
    }

    /// Adds a role; what was added earlier is decided first.
    mutating func add(_ role: MessageFacts.Role, _ pattern: MessagePattern, _ variables: [String: VariableValue]) {
        for alternative in pattern.alternatives {
            var mask: UInt64 = 0
            for condition in alternative {
                guard bits < 64, let slot = slot(at: condition.pointer) else {
                    isTooLarge = true
                    return
                }
                let bit: UInt64 = 1 << UInt64(bits)
                bits += 1
                mask |= bit
                for expectation in condition.expectations {
                    // A variable without a value matches nothing: the bit is never set.
                    if let compiled = compile(expectation, bit, variables) { conditions[slot].append(compiled) }
                }
            }
            tables.rules.append(.init(role: role, mask: mask))
        }
    }

    /// The matcher, its tables laid out so that a node's edges lie side by side.
    mutating func finish() -> MessageMatcher {
        for slot in tables.slots.indices {
            tables.slots[slot].firstCondition = tables.conditions.count
            tables.slots[slot].conditionCount = conditions[slot].count
            tables.conditions += conditions[slot]
        }
        tables.nodes = [MatcherTables.Node(slot: root.slot)]
        var queue = [(step: root, node: 0)]
        var next = 0
        while next < queue.count {
            let (step, node) = queue[next]
            next += 1
            tables.nodes[node].firstEdge = tables.edges.count
            tables.nodes[node].edgeCount = step.children.count
            for child in step.children {
                let target = tables.nodes.count
                tables.nodes.append(MatcherTables.Node(slot: child.slot))
                queue.append((child, target))
                let start = append(child.key)
                tables.edges.append(
                    .init(key: child.key, keyStart: start, index: Self.index(child.key), target: target))
                let firstByte = child.key.first ?? UInt8(ascii: "\"")
                tables.nodes[node].firstBytes |= 1 << UInt64(firstByte & 63)
                if child.key.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
                    tables.nodes[node].isPlain = false
                }
            }
        }
        return MessageMatcher(tables)
    }

    private mutating func slot(at pointer: JSONPointer) -> Int? {
        var step = root
        for name in pointer.steps {
            let key = Array(name.utf8)
            if let child = step.children.first(where: { $0.key == key }) {
                step = child
            } else {
                let child = Step(key: key)
                step.children.append(child)
                step = child
            }
        }
        if step.slot < 0 {
            guard tables.slots.count < 64 else {
                isTooLarge = true
                return nil
            }
            step.slot = tables.slots.count
            tables.slots.append(.init())
            conditions.append([])
        }
        return step.slot
    }

    private mutating func compile(
        _ expectation: MessagePattern.Expectation, _ bit: UInt64, _ variables: [String: VariableValue]
    ) -> MatcherTables.Condition? {
        switch expectation {
        case .present: condition(.present, "", bit)
        case .prefix(let text): condition(.prefix, text, bit)
        case .token(let text): condition(.token, text, bit)
        case .text(let template): compile(template, bit, variables)
        }
    }

    private mutating func compile(
        _ template: TextTemplate, _ bit: UInt64, _ variables: [String: VariableValue]
    ) -> MatcherTables.Condition? {
        if let sole = template.soleVariable {
            switch variables[sole.name] {
            case .integer(let number): return condition(.token, String(number), bit)
            case .boolean(let value): return condition(.token, value ? "true" : "false", bit)
            case .null: return condition(.token, "null", bit)
            case .string, .strings, nil: break
            }
        }
        guard let text = try? template.render(variables) else { return nil }
        return condition(.text, text, bit)
    }

    private mutating func condition(
        _ kind: MatcherTables.Condition.Kind, _ text: String, _ bit: UInt64
    ) -> MatcherTables.Condition {
        let bytes = Array(text.utf8)
        return .init(kind: kind, start: append(bytes), count: bytes.count, bit: bit)
    }

    private mutating func append(_ bytes: [UInt8]) -> Int {
        defer { tables.texts += bytes }
        return tables.texts.count
    }

    /// The index in a list that a step may mean (RFC 6901, section 4: no leading zeros).
    private static func index(_ key: [UInt8]) -> Int {
        guard (1...9).contains(key.count), key.allSatisfy({ (0x30...0x39).contains($0) }),
            key.count == 1 || key[0] != 0x30
        else { return -1 }
        return Int(String(decoding: key, as: UTF8.self)) ?? -1
    }
}
