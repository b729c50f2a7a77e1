import StreamModel
import StreamSupervisor

/// What a comparison looks like in a terminal: what was assumed, a table, and a chart of each run.
extension StormComparison {
    /// The table, and the charts in at most `width` columns where that is at least 80.
    ///
    /// - Parameters:
    ///   - isASCII: whether to draw with ASCII alone.
    ///   - hasCharts: whether to draw at all.
    public func text(width: Int, isASCII: Bool = false, hasCharts: Bool = true) -> String {
        var lines = assumptions
        lines.append("")
        lines += table
        if hasCharts { lines.append("") }
        if hasCharts { lines += charts(width: max(80, min(width, 300)), isASCII: isASCII) }
        let text = lines.joined(separator: "\n") + "\n"
        return isASCII ? Self.plain(text) : text
    }

    private var assumptions: [String] {
        let accepted = scenario.capacity * (1 - scenario.background)
        let start = accepted * scenario.slowStartFrom
        var gateway = "The gateway is down for \(NumberText.short(scenario.down.seconds)) s, then accepts "
        gateway += "\(NumberText.short(start)) handshakes/s, "
        gateway += "\(NumberText.short(accepted)) after \(NumberText.short(scenario.slowStart.seconds)) s"
        gateway +=
            " (capacity \(NumberText.short(scenario.capacity)), \(NumberText.percent(scenario.background)) taken)"
        var fleet = "\(NumberText.grouped(scenario.clients)) clients fall at 0 s"
        fleet += "; \(NumberText.grouped(scenario.processes)) "
        fleet += scenario.processes == 1 ? "process holds them" : "processes hold them"
        if results.contains(where: \.hasBudget) {
            fleet += ", each with a budget of \(NumberText.short(budget.rate)) handshakes/s"
            fleet += " (burst \(NumberText.grouped(budget.burst)), \(NumberText.grouped(budget.concurrent)) at once)"
        }
        var best = "Best possible: half back after \(NumberText.seconds(self.best.half)), "
        best += "99 % after \(NumberText.seconds(self.best.most)), all after \(NumberText.seconds(self.best.all))."
        let queue =
            "Its queue holds \(NumberText.grouped(scenario.queue)), \(NumberText.percent(scenario.failureRate)) of"
        return [
            "\(fleet).", "\(gateway).",
            "\(queue) handshakes fail, the token endpoint answers \(NumberText.grouped(scenario.tokenLimit)) a minute.",
            best,
        ]
    }

    private var table: [String] {
        let header = [
            "strategy", "budget", "peak/s", "of cap.", "50 %", "99 %", "all", "attempts", "wasted", "tokens",
        ]
        var rows = [header]
        for result in results {
            let wasted = Double(result.failures.total) / Double(max(1, result.attempts))
            rows.append([
                result.strategy, result.hasBudget ? "yes" : "no", NumberText.grouped(result.peak),
                NumberText.fixed(result.peakOverCapacity, 1) + "×", NumberText.seconds(result.halfBackAfter),
                NumberText.seconds(result.mostBackAfter), NumberText.seconds(result.allBackAfter),
                NumberText.grouped(result.attempts), NumberText.fixed(wasted * 100, 0) + " %",
                NumberText.grouped(result.tokenRequests),
            ])
        }
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            row.enumerated().map { column, cell in
                column < 2 ? NumberText.left(cell, widths[column]) : NumberText.right(cell, widths[column])
            }.joined(separator: "  ")
        }
        lines.append(
            "peak: most handshakes in any second once the gateway is up; times are since the fall; wasted: failed")
        for result in results where result.waiting + result.parked > 0 {
            let name = result.strategy + (result.hasBudget ? " with budget" : "")
            lines.append(
                "\(name): \(NumberText.grouped(result.waiting)) not back at the horizon, "
                    + "\(NumberText.grouped(result.parked)) out of retries")
        }
        return lines
    }

    // MARK: Charts

    private func charts(width: Int, isASCII: Bool) -> [String] {
        let seconds = shownSeconds
        let names = results.map { $0.strategy + ($0.hasBudget ? " + budget" : "") }
        let margin = (names.map(\.count).max() ?? 0) + 1
        let columns = min(seconds, width - margin)
        let step = (seconds + columns - 1) / columns
        let top = scenario.capacity * 4
        var lines = [
            "handshakes/s, \(step) s a column (its busiest second); ▂ is the capacity, █ 4 times as much or more"
        ]
        for (name, result) in zip(names, results) {
            let chart = Self.sparkline(result.timeline.handshakes, step: step, seconds: seconds, top: top, isASCII)
            lines.append(NumberText.left(name, margin) + chart)
        }
        lines.append(NumberText.left("", margin) + Self.axis(seconds: seconds, step: step))
        return lines
    }

    /// Until almost everybody is back by every strategy: the last few would stretch the time until nothing is seen.
    var shownSeconds: Int {
        var last = 1
        for result in results {
            let all = result.timeline.handshakes.count
            last = max(last, min(all, result.mostBackAfter.map { Int($0) + 10 } ?? all))
        }
        // One strategy that takes ten times as long as the others would hide them.
        let quickest = results.compactMap(\.mostBackAfter).min().map { Int($0 * 4) } ?? last
        return max(10, min(last, max(quickest, 60)))
    }

    private static func sparkline(_ counts: [Int], step: Int, seconds: Int, top: Double, _ isASCII: Bool) -> String {
        let levels: [Character] = Array(isASCII ? " .:-=+*#@" : " ▁▂▃▄▅▆▇█")
        var text = ""
        for start in stride(from: 0, to: seconds, by: step) {
            let slice = counts[min(start, counts.count)..<min(start + step, counts.count)]
            let busiest = Double(slice.max() ?? 0)
            let level = busiest == 0 ? 0 : max(1, min(8, Int((busiest / top * 8).rounded(.up))))
            text.append(levels[level])
        }
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    private static func axis(seconds: Int, step: Int) -> String {
        var text = ""
        for start in stride(from: 0, to: seconds, by: step * 20) {
            let mark = "\(start) s"
            text += NumberText.left(mark, 20)
        }
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    private static func plain(_ text: String) -> String {
        String(
            text.map { character -> Character in
                switch character {
                case "×": "x"
                case "–": "-"
                case "▂": "."
                case "█": "@"
                default: character
                }
            })
    }
}
