/// What a profile's variable stands for. Where a template consists of one variable alone, its type is kept: a list
/// stays a list, a number a number.
public enum VariableValue: Hashable, Sendable {
    /// A text.
    case string(String)
    /// A whole number.
    case integer(Int64)
    /// True or false.
    case boolean(Bool)
    /// A list of texts.
    case strings([String])
    /// JSON's null.
    case null

    /// The value inside a longer text; nil for a list, which has no form there.
    public var text: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .boolean(let value): value ? "true" : "false"
        case .null: ""
        case .strings: nil
        }
    }
}

/// A variable that a stream gives to its profile: one more key of the stream.
public struct VariableDeclaration: Hashable, Sendable {
    /// What a variable may hold.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A text that is not empty.
        case string
        /// A whole number.
        case integer
        /// True or false.
        case boolean
        /// A list of texts.
        case strings
        /// A domain of Genesys Cloud, such as `usw2.pure.cloud`. One that is not known gives a warning.
        case genesysEnvironment = "genesys_environment"
        /// An address with its scheme (`https`, `http`, `wss` or `ws`).
        case url
    }

    /// Its name, which is the stream's key.
    public var name: String
    /// What it may hold.
    public var kind: Kind
    /// What it is for, for people.
    public var description: String
    /// What it stands for where the stream does not give it; nil: the stream must, if anything uses it.
    public var defaultValue: DefaultValue?
    /// For a list: how many items it may have.
    public var maximumItems: Int
    /// For a text: what it may be; empty: anything.
    public var choices: [String]

    /// What an omitted variable stands for.
    public enum DefaultValue: Hashable, Sendable {
        /// A fixed value.
        case value(VariableValue)
        /// A text that is made of other variables.
        case template(TextTemplate)
    }
}
