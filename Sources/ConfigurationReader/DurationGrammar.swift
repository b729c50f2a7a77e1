/// Durations as Prometheus writes them: `1d`, `1m30s`, `500ms`; units from the largest to the smallest, each at most
/// once, whole numbers only; plain `0` too. A day has 24 hours, a week 7 days, a year 365 days.
public enum DurationGrammar {
    /// Why a text is no duration, in words.
    public struct Problem: Error, Hashable, Sendable {
        /// What is wrong, and what to do.
        public var message: String
    }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000),
        ("s", 1000), ("ms", 1),
    ]

    /// The duration that `text` stands for.
    public static func parse(_ text: String) -> Result<Duration, Problem> {
        if text == "0" { return .success(.zero) }
        var rest = Substring(text)
        var total: Int64 = 0
        var nextUnit = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard !digits.isEmpty else { return .failure(Problem(message: startProblem(of: text))) }
            if rest.first == "." || rest.first == "," {
                return .failure(Problem(message: "only whole numbers; write 1s500ms rather than 1.5s"))
            }
            guard !name.isEmpty else {
                return .failure(Problem(message: "\(digits) of what? Write a unit, such as `\(digits)s`"))
            }
            guard let unit = units.firstIndex(where: { $0.name == name }) else {
                return .failure(Problem(message: "unit `\(name)` is not one of y, w, d, h, m, s, ms"))
            }
            guard unit >= nextUnit else {
                return .failure(
                    Problem(message: "units go from the largest to the smallest, each once: y w d h m s ms"))
            }
            nextUnit = unit + 1
            guard let sum = add(digits, times: units[unit].milliseconds, to: total) else {
                return .failure(Problem(message: "longer than 292 years"))
            }
            total = sum
        }
        return text.isEmpty ? .failure(Problem(message: "it is empty")) : .success(.milliseconds(total))
    }

    /// The shortest text that stands for `duration`, to the millisecond; it is `0s` where nothing is left.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        var rest = overflow ? Int64.max : product + attoseconds / 1_000_000_000_000_000
        guard rest != 0 else { return "0s" }
        var text = rest < 0 ? "-" : ""
        rest = abs(rest)
        // Years and weeks are left out: 8d reads better than 1w1d.
        for unit in units.dropFirst(2) where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }

    /// Nanoseconds of the sum must fit in 64 bits, as the machine counts in them.
    private static func add(_ digits: Substring, times factor: Int64, to total: Int64) -> Int64? {
        guard let count = Int64(digits) else { return nil }
        let (product, productOverflow) = count.multipliedReportingOverflow(by: factor)
        let (sum, sumOverflow) = total.addingReportingOverflow(product)
        return productOverflow || sumOverflow || sum > Int64.max / 1_000_000 ? nil : sum
    }

    private static func startProblem(of text: String) -> String {
        if text.hasPrefix("-") { return "a duration is not negative" }
        if text.contains(" ") { return "no spaces; write 1m30s" }
        return "a number with a unit is wanted"
    }
}
