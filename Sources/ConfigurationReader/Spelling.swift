/// Finds what somebody may have meant.
public enum Spelling {
    /// The candidate nearest to `word`; nil where none is near enough to be meant. Case, `-` and `_` count little.
    public static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let target = normalized(word)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let other = normalized(candidate)
            let allowed = max(1, min(target.count, other.count) / 3)
            guard abs(target.count - other.count) <= allowed else { continue }
            let distance = distance(target, other)
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// `; did you mean …?`, or the list of what is known, ready to be appended to a message.
    public static func suggestion(for word: String, among candidates: some Sequence<String>) -> String {
        if let near = nearest(to: word, among: candidates) { return "; did you mean `\(near)`?" }
        let known = candidates.prefix(40).map { "`\($0)`" }
        return known.isEmpty ? "" : "; known: \(known.joined(separator: ", "))"
    }

    /// At most 60 characters of `text`, on one line.
    public static func excerpt(_ text: String) -> String {
        // Counted in scalars: a character can be made of any number of them.
        let scalars = text.unicodeScalars
        let line = String(Substring(scalars.prefix(60))).map { $0.isNewline ? " " : $0 }
        return String(line) + (scalars.dropFirst(60).isEmpty ? "" : "…")
    }

    private static func normalized(_ word: String) -> [UInt8] {
        word.utf8.prefix(64).map { byte in
            switch byte {
            case 0x41...0x5A: byte + 0x20
            case 0x2D: 0x5F
            default: byte
            }
        }
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that lead from `left` to `right`.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforePrevious = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row] + [Int](repeating: 0, count: right.count)
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                current[column] = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + cost)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    current[column] = min(current[column], beforePrevious[column - 2] + 1)
                }
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
