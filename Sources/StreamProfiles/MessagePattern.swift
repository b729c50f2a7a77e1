/// How a message is recognised: any of several alternatives, each a set of conditions that all must hold.
public struct MessagePattern: Hashable, Sendable {
    /// The alternatives; at least one.
    public var alternatives: [[Condition]]

    /// What one place of the message must hold.
    public struct Condition: Hashable, Sendable {
        /// The place.
        public var pointer: JSONPointer
        /// What it must hold: any of these.
        public var expectations: [Expectation]
    }

    /// What a place may hold.
    public enum Expectation: Hashable, Sendable {
        /// A text, which may hold variables; where it is one variable alone, the value with its type.
        case text(TextTemplate)
        /// A number, `true`, `false` or `null`, as JSON writes it.
        case token(String)
        /// A text that begins so.
        case prefix(String)
        /// Anything but null.
        case present
    }

    /// The variables that it uses.
    public var variables: Set<String> {
        var names: Set<String> = []
        for case .text(let template) in alternatives.joined().flatMap(\.expectations) {
            names.formUnion(template.variables)
        }
        return names
    }

    /// Whether every message that `other` recognises is recognised by this one too.
    func covers(_ other: MessagePattern) -> Bool {
        other.alternatives.allSatisfy { theirs in
            alternatives.contains { ours in
                ours.allSatisfy { condition in
                    theirs.contains {
                        $0.pointer == condition.pointer
                            && (condition.expectations.contains(.present)
                                || Set($0.expectations).isSubset(of: condition.expectations))
                    }
                }
            }
        }
    }
}
