import Testing

@Suite struct ScaledRulesTests {
    @Test func durationsAreDividedAndNothingElse() {
        let rules = """
            interval: 2m
            expr: a > 3 * avg_over_time(b:c_total:increase5m[1d] offset 1h) and x >= 5
              / clamp_min(sum without (pod) (increase(y[5m])), 300)
            expr: time() - z_timestamp_seconds > 60 and z_timestamp_seconds > 0
            for: 10m
            window: 1h
            """
        let expected = """
            interval: 2000ms
            expr: a > 3 * avg_over_time(b:c_total:increase5m[1440000ms] offset 60000ms) and x >= 5
              / clamp_min(sum without (pod) (increase(y[5000ms])), 5.0)
            expr: time() - z_timestamp_seconds > 1.0 and z_timestamp_seconds > 0
            for: 10000ms
            window: 1h
            """
        #expect(ScaledRules.scaled(rules, by: 60) == expected)
    }

    @Test func noDurationOfTheRulesIsForgotten() throws {
        let rules = try Workplace.read("alerts/holdfast.rules.yml")
        let lines = ScaledRules.scaled(rules, by: 60).split(separator: "\n").filter { !$0.contains("#") }
        // What is left in minutes and longer: names of recorded series, the label `window`, and text for people.
        let left = lines.filter { $0.contains(/(\[|offset |for: |interval: )\d+[mhd]\b(?!s)/) }
        #expect(left.isEmpty)
        #expect(rules.contains("clamp_min") && !lines.contains { $0.contains(/clamp_min\(.*, \d{3,}\)/) })
    }
}
