import StreamModel

/// What a comparison looks like as a picture: a panel for each run, all to the same scale.
extension StormComparison {
    private enum Layout {
        static let panelHeight = 92.0
        static let left = 52.0
        static let top = 74.0
        static let gap = 44.0
        static let columnGap = 84.0
    }

    /// Colours and type: legible on white and on black, since whoever shows the picture chooses the page.
    private static let style = """
        <style>
        text{font:11px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#737d87}
        .t{font-weight:600;font-size:13px}.e{text-anchor:end}.m{text-anchor:middle}
        .g{stroke:#737d87;stroke-opacity:.3;stroke-width:1;fill:none}
        .a{fill:#e5793a;fill-opacity:.85}.c{stroke:#2f9e6e;stroke-width:1.5;stroke-dasharray:5 3;fill:none}
        .b{stroke:#4c8dd6;stroke-width:2;fill:none}.d{fill:#737d87;fill-opacity:.14}
        </style>
        """

    /// The picture as SVG, with neither scripts nor anything from elsewhere in it.
    public func svg() -> String {
        let columns = min(2, results.count)
        let rows = (results.count + columns - 1) / columns
        let width = Layout.left + Double(columns) * (panelWidth + Layout.columnGap) + 8
        let height = Layout.top + Double(rows) * (Layout.panelHeight + Layout.gap) + 4
        let size = "\(NumberText.short(width).filter { $0 != "," }) \(NumberText.short(height).filter { $0 != "," })"
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" role=\"img\">",
            "<title>\(title)</title>", Self.style,
            "<text class=\"t\" x=\"\(Layout.left)\" y=\"18\">\(title)</text>",
        ]
        lines += legend
        for (index, result) in results.enumerated() {
            let x = Layout.left + Double(index % columns) * (panelWidth + Layout.columnGap)
            let y = Layout.top + Double(index / columns) * (Layout.panelHeight + Layout.gap)
            lines += panel(result, x: x, y: y)
        }
        lines.append("</svg>")
        return lines.joined(separator: "\n") + "\n"
    }

    private var panelWidth: Double { results.count == 1 ? 800 : 400 }

    private var title: String {
        "\(NumberText.grouped(scenario.clients)) clients fall; the gateway is down for "
            + "\(NumberText.short(scenario.down.seconds)) s and takes \(NumberText.short(scenario.capacity)) handshakes/s"
    }

    private var legend: [String] {
        let y = 38.0
        let x = Layout.left
        func at(_ offset: Double) -> String { Self.number(x + offset) }
        return [
            "<rect class=\"a\" x=\"\(at(0))\" y=\"\(y - 9)\" width=\"14\" height=\"9\"/>",
            "<text x=\"\(at(20))\" y=\"\(y)\">handshakes/s</text>",
            "<path class=\"c\" d=\"M\(at(106)) \(y - 4)h22\"/>",
            "<text x=\"\(at(134))\" y=\"\(y)\">capacity for them</text>",
            "<path class=\"b\" d=\"M\(at(240)) \(y - 4)h22\"/>",
            "<text x=\"\(at(268))\" y=\"\(y)\">share of the clients that is back</text>",
        ]
    }

    private func panel(_ result: StormResult, x: Double, y: Double) -> [String] {
        let seconds = shownSeconds
        let top = scenario.capacity * 4
        let right = x + panelWidth
        let bottom = y + Layout.panelHeight
        let name = result.strategy + (result.hasBudget ? " + budget" : "")
        let peak = "peak \(NumberText.grouped(result.peak))/s (\(NumberText.fixed(result.peakOverCapacity, 1))×)"
        let back = result.mostBackAfter.map { "99 % back after \(NumberText.seconds($0))" } ?? "99 % not back"
        func across(_ second: Double) -> Double { x + second / Double(seconds) * panelWidth }
        func up(_ rate: Double) -> Double { bottom - min(1, rate / top) * Layout.panelHeight }
        let n = Self.number
        let downEnd = min(right, across(scenario.down.seconds))
        var lines = [
            "<text class=\"t\" x=\"\(n(x))\" y=\"\(n(y - 6))\">\(name)</text>",
            "<text class=\"e\" x=\"\(n(right))\" y=\"\(n(y - 6))\">\(peak), \(back)</text>",
            "<rect class=\"d\" x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(downEnd - x))\" height=\"\(Layout.panelHeight)\"/>",
            Self.bars(result.timeline.handshakes, seconds: seconds, bottom: bottom, across: across, up: up),
            capacityLine(seconds: seconds, across: across, up: up),
            backLine(result, seconds: seconds, across: across) { bottom - $0 * Layout.panelHeight },
            "<path class=\"g\" d=\"M\(n(x)) \(n(y))V\(n(bottom))H\(n(right))V\(n(y))\"/>",
        ]
        for step in [0.0, 2, 4] {
            let rate = scenario.capacity * step
            let label = NumberText.short(rate) + (step == 4 ? "+" : "")
            lines.append("<text class=\"e\" x=\"\(n(x - 4))\" y=\"\(n(up(rate) + 4))\">\(label)</text>")
        }
        for (label, share) in [("0 %", 0.0), ("100 %", 1)] {
            lines.append(
                "<text x=\"\(n(right + 4))\" y=\"\(n(bottom - share * Layout.panelHeight + 4))\">\(label)</text>")
        }
        let step = Self.tickStep(seconds)
        for second in stride(from: 0, through: seconds, by: step) {
            let place = n(across(Double(second)))
            lines.append("<text class=\"m\" x=\"\(place)\" y=\"\(n(bottom + 14))\">\(second) s</text>")
        }
        return lines
    }

    /// One bar for each second (or more, where a second is narrower than a pixel: then its busiest).
    private static func bars(
        _ counts: [Int], seconds: Int, bottom: Double, across: (Double) -> Double, up: (Double) -> Double
    ) -> String {
        let step = max(1, seconds / 400)
        var path = ""
        for start in stride(from: 0, to: min(seconds, counts.count), by: step) {
            let end = min(start + step, counts.count, seconds)
            let busiest = counts[start..<end].max() ?? 0
            if busiest == 0 { continue }
            path += "M\(number(across(Double(start)))) \(number(bottom))V\(number(up(Double(busiest))))"
            path += "H\(number(across(Double(end))))V\(number(bottom))z"
        }
        return "<path class=\"a\" d=\"\(path)\"/>"
    }

    private func capacityLine(seconds: Int, across: (Double) -> Double, up: (Double) -> Double) -> String {
        let rate = scenario.capacity * (1 - scenario.background)
        let down = scenario.down.seconds
        let full = down + scenario.slowStart.seconds
        let end = Double(seconds)
        guard down < end else { return "" }
        let n = Self.number
        var path = "M\(n(across(down))) \(n(up(0)))V\(n(up(rate * scenario.slowStartFrom)))"
        if full < end {
            path += "L\(n(across(full))) \(n(up(rate)))H\(n(across(end)))"
        } else {
            let reached = scenario.slowStartFrom + (1 - scenario.slowStartFrom) * (end - down) / (full - down)
            path += "L\(n(across(end))) \(n(up(rate * reached)))"
        }
        return "<path class=\"c\" d=\"\(path)\"/>"
    }

    private func backLine(
        _ result: StormResult, seconds: Int, across: (Double) -> Double, up: (Double) -> Double
    ) -> String {
        var back = 0
        var path = "M\(Self.number(across(0))) \(Self.number(up(0)))"
        for (second, count) in result.timeline.back.enumerated() where second < seconds {
            back += count
            guard count > 0 else { continue }
            let share = Double(back) / Double(result.clients)
            path += "L\(Self.number(across(Double(second + 1)))) \(Self.number(up(share)))"
        }
        path += "H\(Self.number(across(Double(seconds))))"
        return "<path class=\"b\" d=\"\(path)\"/>"
    }

    private static func tickStep(_ seconds: Int) -> Int {
        for step in [10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400] where seconds / step <= 8 { return step }
        return 21_600
    }

    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : NumberText.fixed(value, 1).filter { $0 != "," }
    }
}
