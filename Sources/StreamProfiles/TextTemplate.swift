/// A text with variables in it: `wss://api.{environment}/socket`. `{{` and `}}` stand for the braces themselves.
public struct TextTemplate: Hashable, Sendable {
    /// A piece of the text.
    enum Part: Hashable, Sendable {
        case literal(String)
        case variable(String, optional: Bool)
    }

    let parts: [Part]

    /// A text without variables.
    public init(literal: String) {
        parts = literal.isEmpty ? [] : [.literal(literal)]
    }

    init(parts: [Part]) {
        self.parts = parts
    }

    /// What is wrong with a template's text.
    public struct Problem: Error, Hashable, Sendable {
        /// What is wrong, and what to do.
        public var message: String
    }

    /// The template that `text` describes.
    public init(parsing text: String) throws(Problem) {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.first {
            if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
                literal.append(character)
                rest = rest.dropFirst(2)
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Problem(message: "`{` without `}`; close it, or write `{{` for the brace itself")
                }
                let inside = rest[rest.index(after: rest.startIndex)..<end]
                let isOptional = inside.hasSuffix("?")
                let name = String(isOptional ? inside.dropLast() : inside)
                guard Self.isName(name) else {
                    throw Problem(
                        message: "`{\(inside.prefix(40))}` names no variable; write `{{` for the brace itself")
                }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(.variable(name, optional: isOptional))
                rest = rest[rest.index(after: end)...]
            } else if character == "}" {
                throw Problem(message: "`}` without `{`; write `}}` for the brace itself")
            } else {
                literal.append(character)
                rest = rest.dropFirst()
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    /// The variables that it uses.
    public var variables: Set<String> {
        Set(parts.compactMap { if case .variable(let name, _) = $0 { name } else { nil } })
    }

    /// The variable that it consists of, if it consists of one alone.
    var soleVariable: (name: String, isOptional: Bool)? {
        guard parts.count == 1, case .variable(let name, let optional) = parts[0] else { return nil }
        return (name, optional)
    }

    /// The text with its variables put in.
    public func render(_ variables: [String: VariableValue]) throws(RenderingError) -> String {
        try render(variables) { value, _ in value }
    }

    /// The address with its variables put in. A variable that begins it is an address itself and put in as it is;
    /// what stands further on is percent-encoded (RFC 3986, section 2).
    public func renderURL(_ variables: [String: VariableValue]) throws(RenderingError) -> String {
        try render(variables) { value, isFirst in isFirst ? value : PercentEncoding.encode(value) }
    }

    private func render(
        _ variables: [String: VariableValue], transforming: (String, _ isFirst: Bool) -> String
    ) throws(RenderingError) -> String {
        var output = ""
        for (index, part) in parts.enumerated() {
            switch part {
            case .literal(let text):
                output += text
            case .variable(let name, let optional):
                guard let value = variables[name] else {
                    if optional { continue }
                    throw RenderingError.missingVariable(name)
                }
                guard let text = value.text else { throw RenderingError.listInText(name) }
                output += transforming(text, index == 0)
            }
        }
        return output
    }

    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }
}

/// Why a template could not be rendered. A profile that decodes without mistakes and variables that were checked
/// leave only what a server failed to give.
public enum RenderingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A variable has no value.
    case missingVariable(String)
    /// A list stands where a text is wanted.
    case listInText(String)
    /// The address that came out has no scheme `ws` or `wss`, or holds what no address may.
    case badAddress

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .missingVariable(let name):
            "the variable `\(name)` has no value; give it in the stream, or check what captures it"
        case .listInText(let name):
            "the variable `\(name)` is a list and can't stand inside a text"
        case .badAddress:
            "the address does not begin with ws:// or wss://, or holds characters that no address may"
        }
    }
}

/// Percent-encoding (RFC 3986, section 2.1): all but the unreserved characters is encoded.
public enum PercentEncoding {
    /// `text` as it may stand in any part of an address.
    public static func encode(_ text: String) -> String {
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                output.append(byte)
            default:
                output += [0x25, hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let hexadecimal = Array("0123456789ABCDEF".utf8)
}
