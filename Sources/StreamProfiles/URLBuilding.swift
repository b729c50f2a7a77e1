/// Puts addresses together, and tells whether they are sound.
public enum URLBuilding {
    /// `address` with the parameters of `query` added to those that it has; its fragment, which no server gets, left
    /// out. A list gives its parameter once for each item; an optional variable without a value leaves it out.
    static func append(
        _ query: [HeaderTemplate], to address: String, _ variables: [String: VariableValue]
    ) throws(RenderingError) -> String {
        var output = String(address.prefix { $0 != "#" })
        for parameter in query {
            var values: [String] = []
            if let sole = parameter.value.soleVariable {
                switch variables[sole.name] {
                case .strings(let items): values = items
                case nil where sole.isOptional: continue
                default: values = [try parameter.value.render(variables)]
                }
            } else {
                values = [try parameter.value.render(variables)]
            }
            for value in values {
                if !output.contains("?") {
                    output += "?"
                } else if output.last != "?", output.last != "&" {
                    output += "&"
                }
                output += PercentEncoding.encode(parameter.name) + "=" + PercentEncoding.encode(value)
            }
        }
        return output
    }

    /// Whether `address` has one of `schemes`, a host, and nothing that no address may hold (spaces, control
    /// characters, anything but ASCII); at most 8 KiB.
    public static func isSound(_ address: String, schemes: [String]) -> Bool {
        guard let end = address.range(of: "://"), schemes.contains(address[..<end.lowerBound].lowercased()) else {
            return false
        }
        let rest = address[end.upperBound...]
        guard let first = rest.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "?") else { return false }
        return address.utf8.count <= 8192 && address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

extension String {
    /// The first place of `text` in this string.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
