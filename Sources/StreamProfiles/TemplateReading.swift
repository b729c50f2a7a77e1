import ConfigurationReader

/// The variables that may stand at some place of a profile.
struct VariableScope {
    var names: Set<String>
    /// Those that are lists, which can't stand inside a text.
    var lists: Set<String>

    func adding(_ more: some Swift.Sequence<String>) -> VariableScope {
        VariableScope(names: names.union(more), lists: lists)
    }

    /// Reports each of `template`'s variables that can't stand at `value`.
    func check(_ template: TextTemplate, at value: ConfigurationValue) {
        for name in template.variables.sorted() where !names.contains(name) {
            let hint: String
            if name == Profile.BuiltInVariable.lastSequence.rawValue {
                hint = "; it has a value only on resume and in heartbeats"
            } else if let near = Spelling.nearest(to: name, among: names.sorted()) {
                hint = "; did you mean `{\(near)}`?"
            } else {
                hint = "; declare it under `variables`, capture it, or write `{{` for the brace itself"
            }
            value.error("unknown variable `{\(name)}`\(hint)")
        }
        guard template.soleVariable == nil else { return }
        for name in template.variables.intersection(lists).sorted() {
            value.error("`{\(name)}` is a list and can't stand inside a text; let it stand alone")
        }
    }
}

extension TextTemplate {
    /// The template that `value` describes; any scalar will do.
    static func read(_ value: ConfigurationValue, _ scope: VariableScope) -> TextTemplate? {
        guard let text = value.text() else { return nil }
        return parse(text, at: value, scope)
    }

    static func parse(_ text: String, at value: ConfigurationValue, _ scope: VariableScope) -> TextTemplate? {
        do throws(Problem) {
            let template = try TextTemplate(parsing: text)
            scope.check(template, at: value)
            return template
        } catch {
            value.error(error.message)
            return nil
        }
    }
}

extension HeaderTemplate {
    /// Headers, or the parameters of a query: a mapping of names to templates.
    static func read(_ value: ConfigurationValue?, _ scope: VariableScope, areHeaders: Bool) -> [HeaderTemplate] {
        guard let mapping = value?.mapping() else { return [] }
        return mapping.values.compactMap { name, value in
            if areHeaders, !isHeaderName(name) {
                mapping.error(
                    atKey: name, "`\(Spelling.excerpt(name))` is no name of a header; use letters, digits and `-`")
                return nil
            }
            return TextTemplate.read(value, scope).map { HeaderTemplate(name: name, value: $0) }
        }
    }

    /// A token (RFC 9110, section 5.6.2).
    private static func isHeaderName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}

extension JSONTemplate {
    /// The message that `value` describes: a mapping or a list, for nothing else is a message in JSON.
    static func readMessage(_ value: ConfigurationValue, _ scope: VariableScope) -> JSONTemplate? {
        guard value.isMapping || value.isList else {
            value.error("a message is JSON, so it must be a mapping or a list, but this is \(value.node.summary)")
            return nil
        }
        return read(value, scope)
    }

    /// One message, or a list of them.
    static func readMessages(_ value: ConfigurationValue, _ scope: VariableScope) -> [JSONTemplate] {
        if value.isList { return (value.list() ?? []).compactMap { readMessage($0, scope) } }
        return readMessage(value, scope).map { [$0] } ?? []
    }

    private static func read(_ value: ConfigurationValue, _ scope: VariableScope) -> JSONTemplate? {
        switch value.node.content {
        case .mapping(let entries):
            guard let mapping = value.mapping() else { return nil }
            if entries.contains(where: { $0.key == "$for" || $0.key == "$item" }) { return readEach(value, scope) }
            return .object(
                mapping.values.compactMap { name, value in read(value, scope).map { Member(name: name, value: $0) } })
        case .list:
            return .list((value.list() ?? []).compactMap { read($0, scope) })
        case .scalar(let scalar):
            return read(scalar, at: value, scope)
        }
    }

    private static func readEach(_ value: ConfigurationValue, _ scope: VariableScope) -> JSONTemplate? {
        guard let mapping = value.mapping(keys: ["$for", "$item"]), let list = mapping.required("$for"),
            let item = mapping.required("$item"), let name = list.string()
        else { return nil }
        guard scope.lists.contains(name) else {
            list.error(
                "`$for` takes the name of a list\(Spelling.suggestion(for: name, among: scope.lists.sorted()))")
            return nil
        }
        return read(item, scope.adding(["item"])).map { .each(list: name, item: $0) }
    }

    private static func read(
        _ scalar: ConfigurationScalar, at value: ConfigurationValue, _ scope: VariableScope
    ) -> JSONTemplate? {
        switch scalar.kind {
        case .null: return .literal("null")
        case .boolean(let boolean): return .literal(boolean ? "true" : "false")
        case .integer(let number?): return .literal(String(number))
        case .integer(nil), .number:
            guard JSONNumber.isValid(scalar.text) else {
                value.error("`\(Spelling.excerpt(scalar.text))` is no number in JSON; write it in digits, or in quotes")
                return nil
            }
            return .literal(scalar.text)
        case .string:
            return TextTemplate.read(value, scope).map { .text($0) }
        }
    }
}

extension JSONPointer {
    /// The pointer that `value` holds.
    static func read(_ value: ConfigurationValue) -> JSONPointer? {
        guard let text = value.string() else { return nil }
        do throws(Problem) {
            return try JSONPointer(parsing: text)
        } catch {
            value.error(error.message)
            return nil
        }
    }
}

extension PrepareRequest.Capture {
    /// A mapping of new variables to places. `taken` are names that can't be used again.
    static func read(_ value: ConfigurationValue?, taken: Set<String>) -> [PrepareRequest.Capture] {
        guard let mapping = value?.mapping() else { return [] }
        return mapping.values.compactMap { name, value in
            guard TextTemplate.isName(name) else {
                mapping.error(
                    atKey: name,
                    "`\(Spelling.excerpt(name))` is no name of a variable; use small letters, digits and `_`")
                return nil
            }
            guard !taken.contains(name) else {
                mapping.error(atKey: name, "there is a variable `\(name)` already; take another name")
                return nil
            }
            return JSONPointer.read(value).map { PrepareRequest.Capture(variable: name, pointer: $0) }
        }
    }
}
