/// Numbers of bytes: `64KiB`, `1MiB`, `1GB`, `512B`, or plain `1048576`. `KiB` is 1,024 bytes, `KB` 1,000.
public enum SizeGrammar {
    /// Why a text is no size, in words.
    public struct Problem: Error, Hashable, Sendable {
        /// What is wrong, and what to do.
        public var message: String
    }

    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ]

    /// The number of bytes that `text` stands for.
    public static func parse(_ text: String) -> Result<Int, Problem> {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard !digits.isEmpty else {
            return .failure(
                Problem(message: text.hasPrefix("-") ? "a size is not negative" : "a number is wanted first"))
        }
        if name.first == "." || name.first == "," {
            return .failure(Problem(message: "only whole numbers; write 1536KiB rather than 1.5MiB"))
        }
        guard let unit = name.isEmpty ? ("B", 1) : units.first(where: { $0.name == name }) else {
            return .failure(Problem(message: unitProblem(name)))
        }
        guard let count = Int(digits) else { return .failure(Problem(message: "more than 64 bits hold")) }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit.1)
        return overflow ? .failure(Problem(message: "more than 64 bits hold")) : .success(product)
    }

    /// A text that stands for exactly `bytes`, in the largest binary unit that divides it.
    public static func format(_ bytes: Int) -> String {
        for unit in units.prefix(4) where bytes != 0 && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }

    private static func unitProblem(_ name: Substring) -> String {
        if name.hasPrefix(" ") { return "no space before the unit" }
        switch name.lowercased() {
        case "k", "kb", "kib", "ki": return "write `KiB` (1,024 bytes) or `KB` (1,000 bytes)"
        case "m", "mb", "mib", "mi": return "write `MiB` (1,048,576 bytes) or `MB` (1,000,000 bytes)"
        case "g", "gb", "gib", "gi": return "write `GiB` or `GB`"
        default: return "unit `\(Spelling.excerpt(String(name)))` is not one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB"
        }
    }
}
