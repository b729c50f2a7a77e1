import ConfigurationReader

extension MessagePattern {
    /// A pattern: a mapping of JSON pointers to what must be there, or a list of such mappings of which one must hold.
    static func read(_ value: ConfigurationValue, _ scope: VariableScope) -> MessagePattern? {
        let values = value.isList ? value.list() ?? [] : [value]
        guard !values.isEmpty else {
            value.error("an empty list recognises nothing; add a mapping such as `{/type: ack}`, or remove the key")
            return nil
        }
        let alternatives = values.compactMap { readAlternative($0, scope) }
        return alternatives.count == values.count ? MessagePattern(alternatives: alternatives) : nil
    }

    private static func readAlternative(_ value: ConfigurationValue, _ scope: VariableScope) -> [Condition]? {
        guard let mapping = value.mapping() else { return nil }
        guard !mapping.entries.isEmpty else {
            value.error("a pattern without a condition recognises every message; add one such as `/type: ack`")
            return nil
        }
        var conditions: [Condition] = []
        for (key, expected) in mapping.values {
            do throws(JSONPointer.Problem) {
                let pointer = try JSONPointer(parsing: key)
                guard let expectations = readExpectations(expected, scope) else { continue }
                conditions.append(Condition(pointer: pointer, expectations: expectations))
            } catch {
                mapping.error(atKey: key, error.message)
            }
        }
        guard conditions.count == mapping.entries.count else { return nil }
        return reportContradiction(in: conditions, value) ? nil : conditions
    }

    /// What is a single value can't have places inside it.
    private static func reportContradiction(in conditions: [Condition], _ value: ConfigurationValue) -> Bool {
        for outer in conditions where !outer.expectations.contains(.present) {
            for inner in conditions where inner.pointer.steps.count > outer.pointer.steps.count {
                guard inner.pointer.steps.starts(with: outer.pointer.steps) else { continue }
                value.error(
                    "can never match: `\(outer.pointer)` can't be a single value and hold `\(inner.pointer)` too")
                return true
            }
        }
        return false
    }

    private static func readExpectations(_ value: ConfigurationValue, _ scope: VariableScope) -> [Expectation]? {
        if value.isList {
            guard let items = value.list(), !items.isEmpty else {
                value.error("can never match: none of no values; add some")
                return nil
            }
            let expectations = items.compactMap { readExpectation($0, scope) }
            return expectations.count == items.count ? expectations : nil
        }
        return readExpectation(value, scope).map { [$0] }
    }

    private static func readExpectation(_ value: ConfigurationValue, _ scope: VariableScope) -> Expectation? {
        guard case .scalar(let scalar) = value.node.content else {
            guard value.isMapping, let mapping = value.mapping(keys: ["prefix", "present"]) else {
                if value.isList { value.error("expected a single value, `{prefix: …}` or `{present: true}`") }
                return nil
            }
            mapping.exclusive(["prefix", "present"])
            if let prefix = mapping["prefix"]?.string(allowingEmpty: false) { return .prefix(prefix) }
            guard let present = mapping["present"] else {
                if mapping["prefix"] == nil {
                    value.error("expected a single value, `{prefix: …}` or `{present: true}`")
                }
                return nil
            }
            if present.bool() == false { present.error("absence can't be asked for; remove the condition") }
            return .present
        }
        switch scalar.kind {
        case .null: return .token("null")
        case .boolean(let boolean): return .token(boolean ? "true" : "false")
        case .integer(let number?): return .token(String(number))
        case .integer(nil), .number:
            guard JSONNumber.isValid(scalar.text) else {
                value.error("can never match: `\(Spelling.excerpt(scalar.text))` is no number in JSON")
                return nil
            }
            return .token(scalar.text)
        case .string:
            return TextTemplate.read(value, scope).map { .text($0) }
        }
    }
}
