/// One element of a header such as `Accept` or `Accept-Encoding` (RFC 9110, sections 5.6 and 12.4.2).
struct HeaderElement {
    /// What comes before the first semicolon, in lower case.
    var name: String
    /// The parameters without `q`: names in lower case, values unquoted.
    var parameters: [(name: String, value: String)]
    /// The weight in thousandths, 0 to 1000; 0 means "not this".
    var weight: Int

    /// The value of the parameter `name`, in lower case.
    func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value.lowercased()
    }

    /// The longest header that is looked at; longer ones count as malformed.
    static let longestHeader = 8192

    /// The elements of `header`; nil where it is malformed anywhere. Empty elements are allowed and skipped
    /// (section 5.6.1.2).
    static func parse(_ header: String) -> [HeaderElement]? {
        guard header.utf8.count <= longestHeader else { return nil }
        var scanner = Scanner(bytes: Array(header.utf8))
        return scanner.elements()
    }
}

/// Reads a header's list from left to right.
private struct Scanner {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func elements() -> [HeaderElement]? {
        var elements: [HeaderElement] = []
        while true {
            skipSpace()
            if position == bytes.count { return elements }
            if take(",") { continue }
            guard let element = element() else { return nil }
            elements.append(element)
            skipSpace()
            guard position == bytes.count || take(",") else { return nil }
        }
    }

    private mutating func element() -> HeaderElement? {
        guard var name = token() else { return nil }
        if take("/") {
            guard let subtype = token() else { return nil }
            name += "/" + subtype
        }
        var element = HeaderElement(name: name.lowercased(), parameters: [], weight: 1000)
        var isWeighted = false
        while true {
            skipSpace()
            guard take(";") else { return element }
            skipSpace()
            // A parameter may be missing after a semicolon (section 5.6.6).
            if position == bytes.count || peek(",") || peek(";") { continue }
            guard let name = token()?.lowercased(), take("="), let value = value() else { return nil }
            if name == "q" {
                guard !isWeighted, let weight = Self.weight(value) else { return nil }
                element.weight = weight
                isWeighted = true
            } else {
                element.parameters.append((name, value))
            }
        }
    }

    private mutating func value() -> String? {
        guard take("\"") else { return token() }
        var text: [UInt8] = []
        while position < bytes.count {
            var byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") {
                guard position < bytes.count else { return nil }
                byte = bytes[position]
                position += 1
            }
            text.append(byte)
        }
        return nil
    }

    private mutating func token() -> String? {
        let start = position
        while position < bytes.count, Self.isTokenByte(bytes[position]) { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }

    private func peek(_ character: Unicode.Scalar) -> Bool {
        position < bytes.count && bytes[position] == UInt8(ascii: character)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek(character) else { return false }
        position += 1
        return true
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// `0`, `0.5`, `1`, `1.000`: at most three decimals, at most 1 (section 12.4.2).
    private static func weight(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1") else { return nil }
        guard bytes.count <= 5, bytes.count == 1 || bytes[1] == UInt8(ascii: ".") else { return nil }
        var weight = Int(first - 48) * 1000
        var scale = 100
        for byte in bytes.dropFirst(2) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            weight += Int(byte - 48) * scale
            scale /= 10
        }
        return weight <= 1000 ? weight : nil
    }
}
