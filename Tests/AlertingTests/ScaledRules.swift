/// The project's rules on a faster clock, so that a test sees alerts fire and resolve within seconds.
///
/// Every duration is divided by one factor: windows, offsets, `for`, the groups' `interval`, and the durations that stand
/// as seconds in an expression (the least denominator of coverage, the age of an expired token). Nothing else changes: no
/// threshold, no count, no comparison, no label.
enum ScaledRules {
    /// `rules` with every duration divided by `factor`.
    static func scaled(_ rules: String, by factor: Int) -> String {
        rules
            .replacing(/\[(\d+)([smhd])\]/) { "[\(scaled($0.1, $0.2, by: factor))]" }
            .replacing(/(offset |for: |interval: )(\d+)([smhd])\b/) { "\($0.1)\(scaled($0.2, $0.3, by: factor))" }
            .replacing(/(clamp_min\(.+, )(\d+)\)/) { "\($0.1)\(seconds($0.2, by: factor)))" }
            .replacing(/(_timestamp_seconds > )([1-9]\d*)/) { "\($0.1)\(seconds($0.2, by: factor))" }
    }

    private static func scaled(_ number: Substring, _ unit: Substring, by factor: Int) -> String {
        let seconds = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        return "\((Int(number) ?? 0) * (seconds[String(unit)] ?? 0) * 1_000 / factor)ms"
    }

    private static func seconds(_ number: Substring, by factor: Int) -> String {
        "\((Double(number) ?? 0) / Double(factor))"
    }
}
