/// What came out of the environment and must not be shown: it may be a secret.
///
/// Whoever reports a mistake quotes what was read, whole or shortened. Here it is put back to what was written, so that
/// no reader of a value has to think of it.
struct HiddenTexts {
    /// What is shown instead, by what is hidden.
    private var texts: [[UInt8]: [UInt8]] = [:]

    /// A shorter value is no secret, and its letters may stand anywhere.
    private static let leastBytes = 4
    /// So much of the beginning of a value, in a quotation that was shortened, tells too much already.
    private static let leastPrefix = 8
    private static let mostTexts = 10_000
    private static let ellipsis = Array("…".utf8)

    /// Hides `text`, which was `written` with variables of `environment` in it, and the values of those.
    mutating func add(_ text: String, writtenAs written: String, _ environment: [String: String]) {
        add(text, written)
        for (name, value) in environment where written.contains("${\(name)}") { add(value, "${\(name)}") }
    }

    private mutating func add(_ value: String, _ shown: String) {
        // As quotations have it: on one line.
        let line = Array(String(value.map { $0.isNewline ? " " : $0 }).utf8)
        guard line.count >= Self.leastBytes, texts.count < Self.mostTexts else { return }
        texts[line] = Array(shown.utf8)
    }

    /// `message` with everything that is hidden as it was written.
    func hide(in message: String) -> String {
        guard !texts.isEmpty else { return message }
        // The longest first: it may hold the others.
        let longestFirst = texts.sorted { ($1.key.count, $0.value.count) < ($0.key.count, $1.value.count) }
        var bytes = Array(message.utf8)
        for (value, shown) in longestFirst { Self.replace(value, by: shown, in: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replace(_ value: [UInt8], by shown: [UInt8], in bytes: inout [UInt8]) {
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let common = zip(bytes[index...], value).prefix { $0 == $1 }.count
            let isShortened = common >= leastPrefix && bytes[(index + common)...].starts(with: ellipsis)
            if common == value.count || isShortened {
                output += shown
                index += common
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        bytes = output
    }
}
