/// Values of a profile's variables that code gives, where a configuration file would.
extension Profile {
    /// What is wrong with the values that a stream was given.
    public enum VariableError: Error, Hashable, Sendable, CustomStringConvertible {
        /// The profile has no such variable.
        case unknown(String, profile: String, known: [String])
        /// The profile needs it, and nothing gives it.
        case missing(String, profile: String)
        /// It holds something of another kind, or more than it may.
        case wrong(String, expected: String)

        /// What is wrong, and what to do.
        public var description: String {
            switch self {
            case .unknown(let name, let profile, let known):
                "profile `\(profile)` has no variable `\(name)`; it has \(known.map { "`\($0)`" }.joined(separator: ", "))"
            case .missing(let name, let profile): "`\(name)` is missing, which profile `\(profile)` needs; give it"
            case .wrong(let name, let expected): "`\(name)` must be \(expected)"
            }
        }
    }

    /// `given`, and the defaults of those that it does not give.
    ///
    /// - Parameter hasURL: whether the stream has an address of its own, which some variables are only there to make up.
    /// - Throws: where one is unknown, missing or of another kind.
    public func values(
        _ given: [String: VariableValue], hasURL: Bool
    ) throws(VariableError) -> [String: VariableValue] {
        var values = given
        for (name, value) in given.sorted(by: { $0.key < $1.key }) {
            guard let declaration = variables.first(where: { $0.name == name }) else {
                throw .unknown(name, profile: self.name, known: variables.map(\.name))
            }
            try declaration.check(value)
        }
        var pending = neededVariables(hasURL: hasURL).sorted()
        var seen = Set(pending)
        var templates: [(name: String, template: TextTemplate)] = []
        while let name = pending.popLast() {
            guard values[name] == nil, let declaration = variables.first(where: { $0.name == name }) else { continue }
            switch declaration.defaultValue {
            case .value(let value): values[name] = value
            case .template(let template):
                templates.append((name, template))
                for other in template.variables.sorted() where seen.insert(other).inserted { pending.append(other) }
            case nil: throw .missing(name, profile: self.name)
            }
        }
        // A default may be made of another default; each round settles at least one.
        for _ in templates {
            for (name, template) in templates where values[name] == nil {
                if let text = try? template.render(values) { values[name] = .string(text) }
            }
        }
        return values
    }
}

extension VariableDeclaration {
    fileprivate func check(_ value: VariableValue) throws(Profile.VariableError) {
        switch (kind, value) {
        case (.string, .string(let text)):
            guard !text.isEmpty, choices.isEmpty || choices.contains(text) else {
                throw .wrong(name, expected: choices.isEmpty ? "a text" : "one of \(choices.joined(separator: ", "))")
            }
        case (.integer, .integer), (.boolean, .boolean): return
        case (.strings, .strings(let texts)):
            guard !texts.isEmpty, texts.count <= maximumItems, !texts.contains("") else {
                throw .wrong(name, expected: "a list of 1 to \(maximumItems) texts")
            }
        case (.genesysEnvironment, .string(let text)):
            guard GenesysEnvironments.isDomain(text) else {
                throw .wrong(name, expected: "a domain such as usw2.pure.cloud, without scheme or path")
            }
        case (.url, .string(let text)):
            guard URLBuilding.isSound(text, schemes: ["https", "http", "wss", "ws"]) else {
                throw .wrong(name, expected: "an address with its scheme and without spaces")
            }
        case (.string, _): throw .wrong(name, expected: "a text")
        case (.integer, _): throw .wrong(name, expected: "a whole number")
        case (.boolean, _): throw .wrong(name, expected: "true or false")
        case (.strings, _): throw .wrong(name, expected: "a list of texts")
        case (.genesysEnvironment, _), (.url, _): throw .wrong(name, expected: "a text")
        }
    }
}

/// In code, a variable's value is written as what it is: `"preserve"`, `["queueEvents"]`, `7`, `true`.
extension VariableValue: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list of texts.
    public init(arrayLiteral elements: String...) { self = .strings(elements) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}
