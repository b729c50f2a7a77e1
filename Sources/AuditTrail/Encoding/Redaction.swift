/// Takes secrets out of text.
enum Redaction {
    /// `text` with every occurrence of each secret replaced with `***`; longer secrets first, so that one that contains
    /// another leaves nothing.
    static func apply(to text: String, secrets: [String]) -> String {
        var bytes = Array(text.utf8)
        var isChanged = false
        let longestFirst = secrets.count < 2 ? secrets : secrets.sorted { $0.utf8.count > $1.utf8.count }
        for secret in longestFirst where !secret.isEmpty && secret.utf8.count <= bytes.count {
            if let replaced = replace(Array(secret.utf8), in: bytes) {
                bytes = replaced
                isChanged = true
            }
        }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : text
    }

    private static func replace(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var copied = 0
        var index = 0
        let first = secret[0]
        while index + secret.count <= bytes.count {
            if bytes[index] == first, bytes[index..<(index + secret.count)] == secret[...] {
                result.append(contentsOf: bytes[copied..<index])
                result.append(contentsOf: "***".utf8)
                index += secret.count
                copied = index
            } else {
                index += 1
            }
        }
        if copied == 0 { return nil }
        result.append(contentsOf: bytes[copied...])
        return result
    }
}
