/// The characters of HTTP fields (RFC 9110, section 5.6).
enum HeaderSyntax {
    /// Whether it may stand in a token: field names, subprotocols, extension parameters.
    static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// Whether it is a token: at least one character, and only those of a token.
    static func isToken(_ text: some Collection<UInt8>) -> Bool {
        !text.isEmpty && text.allSatisfy(isTokenCharacter)
    }

    /// Whether it may stand in a field's value: visible characters, space, tab and everything that is not ASCII.
    static func isValueCharacter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\t") || (byte >= 0x20 && byte != 0x7F)
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// Without the spaces and tabs at both ends.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }

    /// The elements of a list that has no quoted strings, in lower case (RFC 9110, section 5.6.1).
    static func list(_ value: String) -> [String] {
        Array(value.lowercased().utf8).split(separator: UInt8(ascii: ",")).map(trimmed).filter { !$0.isEmpty }
            .map { String(decoding: $0, as: UTF8.self) }
    }
}
