/// A JSON message with variables in it. The order of keys is kept; what a variable alone stands for keeps its type.
public indirect enum JSONTemplate: Hashable, Sendable {
    /// JSON that holds no variable: a number, `true`, `false` or `null`.
    case literal(String)
    /// A text; where it is one variable alone, the value with its type.
    case text(TextTemplate)
    /// A list.
    case list([JSONTemplate])
    /// An object, its members in order. A member whose value is an optional variable (`{name?}`) without a value is
    /// left out.
    case object([Member])
    /// One item for each text of a list, which the item calls `{item}`: `{$for: topics, $item: {id: "{item}"}}`.
    case each(list: String, item: JSONTemplate)

    /// A member of an object.
    public struct Member: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: JSONTemplate
    }

    /// The message as JSON, without spaces, in UTF-8.
    public func render(_ variables: [String: VariableValue]) throws(RenderingError) -> [UInt8] {
        var output: [UInt8] = []
        try write(variables, to: &output)
        return output
    }

    /// The variables that it uses, `item` aside.
    public var variables: Set<String> {
        switch self {
        case .literal: []
        case .text(let template): template.variables
        case .list(let items): items.reduce(into: []) { $0.formUnion($1.variables) }
        case .object(let members): members.reduce(into: []) { $0.formUnion($1.value.variables) }
        case .each(let list, let item): item.variables.subtracting(["item"]).union([list])
        }
    }

    private func write(_ variables: [String: VariableValue], to output: inout [UInt8]) throws(RenderingError) {
        switch self {
        case .literal(let text):
            output += Array(text.utf8)
        case .text(let template):
            try Self.write(template, variables, to: &output)
        case .list(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                try item.write(variables, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            var isFirst = true
            for member in members where !member.value.isAbsent(variables) {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                JSONText.write(member.name, to: &output)
                output.append(UInt8(ascii: ":"))
                try member.value.write(variables, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .each(let list, let item):
            try Self.write(each: list, item, variables, to: &output)
        }
    }

    private static func write(
        each list: String, _ item: JSONTemplate, _ variables: [String: VariableValue], to output: inout [UInt8]
    ) throws(RenderingError) {
        guard case .strings(let texts)? = variables[list] else { throw RenderingError.missingVariable(list) }
        var inner = variables
        output.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            inner["item"] = .string(text)
            try item.write(inner, to: &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func write(
        _ template: TextTemplate, _ variables: [String: VariableValue], to output: inout [UInt8]
    ) throws(RenderingError) {
        guard let sole = template.soleVariable else {
            return JSONText.write(try template.render(variables), to: &output)
        }
        switch variables[sole.name] {
        case .string(let text): JSONText.write(text, to: &output)
        case .integer(let number): output += Array(String(number).utf8)
        case .boolean(let value): output += Array((value ? "true" : "false").utf8)
        case .strings(let texts): JSONText.write(texts, to: &output)
        case .null: output += Array("null".utf8)
        case nil:
            guard sole.isOptional else { throw RenderingError.missingVariable(sole.name) }
            output += Array("null".utf8)
        }
    }

    private func isAbsent(_ variables: [String: VariableValue]) -> Bool {
        guard case .text(let template) = self, let sole = template.soleVariable else { return false }
        return sole.isOptional && variables[sole.name] == nil
    }
}

/// JSON's own text forms (RFC 8259, section 7).
enum JSONText {
    static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x08: output += Array("\\b".utf8)
            case 0x09: output += Array("\\t".utf8)
            case 0x0A: output += Array("\\n".utf8)
            case 0x0C: output += Array("\\f".utf8)
            case 0x0D: output += Array("\\r".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                output += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    static func write(_ texts: [String], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            write(text, to: &output)
        }
        output.append(UInt8(ascii: "]"))
    }
}
