/// A place in a JSON document (RFC 6901): `/eventBody/items/0/id`. The empty pointer is the document itself.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// How many steps a pointer may have.
    public static let maximumSteps = 16

    /// The steps from the document's root: names of members, or indices of lists.
    public let steps: [String]

    /// What is wrong with a pointer's text.
    public struct Problem: Error, Hashable, Sendable {
        /// What is wrong, and what to do.
        public var message: String
    }

    /// The place that `text` names.
    public init(parsing text: String) throws(Problem) {
        guard !text.isEmpty else {
            steps = []
            return
        }
        guard text.hasPrefix("/") else {
            throw Problem(message: "a JSON pointer begins with `/`; write `/\(text.prefix(60))`")
        }
        var steps: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var step = ""
            var rest = part
            while let character = rest.popFirst() {
                guard character == "~" else {
                    step.append(character)
                    continue
                }
                switch rest.popFirst() {
                case "0": step.append("~")
                case "1": step.append("/")
                default:
                    throw Problem(message: "`~` in a JSON pointer is written `~0`, and `/` in a name `~1`")
                }
            }
            steps.append(step)
        }
        guard steps.count <= Self.maximumSteps else {
            throw Problem(message: "a JSON pointer has at most \(Self.maximumSteps) steps here")
        }
        self.steps = steps
    }

    /// The pointer as it is written.
    public var description: String {
        steps.map { step in
            "/"
                + step.map { character in
                    switch character {
                    case "~": "~0"
                    case "/": "~1"
                    default: String(character)
                    }
                }.joined()
        }.joined()
    }
}
