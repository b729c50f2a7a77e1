/// A file that the page needs: a script, a style sheet, a picture.
public struct PageAsset: Sendable {
    /// What it is, as `Content-Type` says it.
    public let contentType: String
    /// The file.
    public let bytes: [UInt8]
    /// Changes when the bytes do (RFC 9110, section 8.8.3). Weak, because the same file goes out plain and compressed.
    public let entityTag: String

    /// The file `bytes`.
    public init(contentType: String, bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
        // FNV-1a: to tell versions of a file of our own apart, nobody has to be fended off.
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        entityTag = "W/\"\(String(hash, radix: 16))\""
    }

    /// Whether a client that sent this `If-None-Match` has these bytes already (RFC 9110, section 13.1.2).
    func isKnown(to header: String?) -> Bool {
        guard let header else { return false }
        func opaque(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
        return header.split(separator: ",").contains { element in
            let tag = element.drop { $0 == " " || $0 == "\t" }
            let end = tag.lastIndex { $0 != " " && $0 != "\t" }
            let trimmed = end.map { tag[...$0] } ?? tag
            return trimmed == "*" || opaque(trimmed) == opaque(entityTag[...])
        }
    }
}
