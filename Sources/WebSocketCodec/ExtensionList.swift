/// One element of `Sec-WebSocket-Extensions` (RFC 6455, section 9.1).
struct ExtensionElement: Equatable {
    struct Parameter: Equatable {
        var name: String
        /// Nil where there is no equals sign; without its quotes.
        var value: String?
    }

    /// In lower case.
    var name: String
    var parameters: [Parameter] = []

    /// Reads a field's value; nil where it does not follow the grammar.
    static func list(_ text: String) -> [ExtensionElement]? {
        var reader = ExtensionReader(rest: Array(text.utf8)[...])
        return reader.list()
    }
}

/// Reads the grammar of RFC 6455, section 9.1.
private struct ExtensionReader {
    var rest: ArraySlice<UInt8>

    mutating func list() -> [ExtensionElement]? {
        var elements: [ExtensionElement] = []
        while true {
            // Empty elements are allowed in a list (RFC 9110, section 5.6.1.2).
            while take(",") {}
            guard !rest.isEmpty else { return elements }
            guard let element = element() else { return nil }
            elements.append(element)
            guard rest.isEmpty || take(",") else { return nil }
        }
    }

    private mutating func element() -> ExtensionElement? {
        guard let name = token() else { return nil }
        var element = ExtensionElement(name: name.lowercased())
        while take(";") {
            guard let name = token() else { return nil }
            var parameter = ExtensionElement.Parameter(name: name.lowercased())
            if take("=") {
                guard let value = take("\"") ? quoted() : token() else { return nil }
                parameter.value = value
            }
            element.parameters.append(parameter)
        }
        return element
    }

    private mutating func skipSpace() {
        rest = rest.drop(while: HeaderSyntax.isSpace)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        skipSpace()
        return true
    }

    private mutating func token() -> String? {
        skipSpace()
        let token = rest.prefix(while: HeaderSyntax.isTokenCharacter)
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        skipSpace()
        return String(decoding: token, as: UTF8.self)
    }

    /// A quoted string whose content, without its escapes, is a token.
    private mutating func quoted() -> String? {
        var content: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                skipSpace()
                return HeaderSyntax.isToken(content) ? String(decoding: content, as: UTF8.self) : nil
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                content.append(escaped)
            default:
                content.append(byte)
            }
        }
        return nil
    }
}
