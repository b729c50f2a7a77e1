import StreamModel

/// What a matcher looks for: the tree of wanted places, and what their values mean.
struct MatcherTables {
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
}
