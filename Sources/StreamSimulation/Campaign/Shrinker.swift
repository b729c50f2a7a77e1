/// Finds a small script that still breaks the same promise: takes faults out, many at first, then one by one.
struct Shrinker {
    /// Runs that may be spent on it.
    var budget = 400
    /// Seconds after which no further run is begun.
    var patience = 300.0
    private let began = Stopwatch.seconds
    private(set) var runs = 0

    /// The smallest scenario found, with what it breaks.
    mutating func shrink(_ scenario: Scenario, _ violation: Violation) -> (scenario: Scenario, violation: Violation) {
        var best = (scenario: scenario, violation: violation)
        // What lies after the failure had no part in it.
        best.scenario.faults.removeAll { $0.at > violation.at && violation.checker != "recovery" }
        if let outcome = attempt(best.scenario, violation.checker) {
            best.violation = outcome
        } else {
            best.scenario = scenario
        }
        var size = max(1, best.scenario.faults.count / 2)
        while isPatient {
            var start = 0
            var hasShrunk = false
            while start < best.scenario.faults.count, isPatient {
                var candidate = best.scenario
                let end = min(start + size, candidate.faults.count)
                candidate.faults.removeSubrange(start..<end)
                if let outcome = attempt(candidate, violation.checker) {
                    best = (candidate, outcome)
                    hasShrunk = true
                } else {
                    start = end
                }
            }
            if size > 1 { size /= 2 } else if !hasShrunk { break }
        }
        return best
    }

    private var isPatient: Bool { runs < budget && Stopwatch.seconds - began < patience }

    private mutating func attempt(_ scenario: Scenario, _ checker: String) -> Violation? {
        runs += 1
        guard let violation = Simulation.run(scenario).violation, violation.checker == checker else { return nil }
        return violation
    }
}
