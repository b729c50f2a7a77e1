/// Every line of a layout but for labels and number: what one scrape after the other copies.
struct RenderedLayout: Sendable {
    /// What is to be written at the end of a line.
    enum Operation: UInt8, Sendable {
        /// The cell, a whole number.
        case integer
        /// The cell, nanoseconds as seconds.
        case nanoseconds
        /// The cell, a floating-point number.
        case double
        /// The two cells of a running clock.
        case clock
        /// 1 where the cell holds the number of this line's label value, otherwise 0.
        case state
        /// The cell and those of the buckets before it.
        case bucket
        /// The sum of all buckets, which ends the series.
        case count
    }

    /// A sample: name, then the group's labels, then suffix, then the number.
    struct Line: Sendable {
        var name: Int32
        var nameCount: Int32
        var suffix: Int32
        var suffixCount: Int32
        var cell: Int32
        var operation: Operation
        /// For a state: the number of the line's label value.
        var variant: Int32 = 0
    }

    /// The lines that one group has of one family.
    struct Family: Sendable {
        var textHeader: Range<Int>
        var openMetricsHeader: Range<Int>
        /// For groups with labels.
        var lines: [Line]
        /// For groups without.
        var bareLines: [Line]
        /// The longest name and suffix together.
        var widest: Int
    }

    let bytes: PaddedBytes
    let families: [Family]

    init(_ families: [MetricFamily]) {
        var renderer = Renderer()
        self.families = families.map { renderer.render($0) }
        bytes = PaddedBytes(renderer.bytes)
    }
}

/// Renders families into one block of bytes.
private struct Renderer {
    var bytes: [UInt8] = []
    private var cell = 0

    mutating func render(_ family: MetricFamily) -> RenderedLayout.Family {
        let first = cell
        let lines = render(family, labelled: true)
        cell = first
        let bareLines = render(family, labelled: false)
        return RenderedLayout.Family(
            textHeader: header(family, .text), openMetricsHeader: header(family, .openMetrics),
            lines: lines, bareLines: bareLines,
            widest: lines.reduce(0) { max($0, Int($1.nameCount + $1.suffixCount)) } + 2)
    }

    private mutating func render(_ family: MetricFamily, labelled: Bool) -> [RenderedLayout.Line] {
        var lines: [RenderedLayout.Line] = []
        let variants: [Label?] = family.dimension.map { own in own.values.map { Label(own.label, $0) } } ?? [nil]
        for (number, variant) in variants.enumerated() {
            let own = variant.map { [$0] } ?? []
            if family.kind == .histogram {
                lines += histogram(family, own, labelled)
            } else {
                let operation: RenderedLayout.Operation =
                    switch family.number {
                    case .integer: .integer
                    case .nanoseconds: .nanoseconds
                    case .double: .double
                    case .clock: .clock
                    case .state: .state
                    }
                lines.append(line(family.name, own, labelled, cell, operation))
                lines[lines.count - 1].variant = Int32(number)
            }
            if family.number != .state { cell += family.stride }
        }
        if family.number == .state { cell += family.stride }
        return lines
    }

    private mutating func histogram(
        _ family: MetricFamily, _ own: [Label], _ labelled: Bool
    ) -> [RenderedLayout.Line] {
        let bounds = family.bounds.map(\.description) + ["+Inf"]
        var lines: [RenderedLayout.Line] = []
        for (index, bound) in bounds.enumerated() {
            let labels = own + [Label("le", bound)]
            lines.append(line(family.name + "_bucket", labels, labelled, cell + index, .bucket))
        }
        let sum: RenderedLayout.Operation = family.number == .nanoseconds ? .nanoseconds : .double
        lines.append(line(family.name + "_sum", own, labelled, cell + bounds.count, sum))
        lines.append(line(family.name + "_count", own, labelled, cell, .count))
        return lines
    }

    private mutating func line(
        _ name: String, _ labels: [Label], _ labelled: Bool, _ cell: Int, _ operation: RenderedLayout.Operation
    ) -> RenderedLayout.Line {
        let nameStart = bytes.count
        bytes.append(contentsOf: name.utf8)
        let suffixStart = bytes.count
        for (index, label) in labels.enumerated() {
            bytes.append(index > 0 || labelled ? UInt8(ascii: ",") : UInt8(ascii: "{"))
            Rendering.append(label, to: &bytes)
        }
        if labelled || !labels.isEmpty { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: " "))
        return RenderedLayout.Line(
            name: Int32(nameStart), nameCount: Int32(suffixStart - nameStart), suffix: Int32(suffixStart),
            suffixCount: Int32(bytes.count - suffixStart), cell: Int32(cell), operation: operation)
    }

    private mutating func header(_ family: MetricFamily, _ kind: ExpositionFormat.Kind) -> Range<Int> {
        let start = bytes.count
        let name = kind == .openMetrics ? family.openMetricsName : family.name
        bytes.append(contentsOf: "# HELP \(name) ".utf8)
        Rendering.appendEscaped(family.help, quotes: kind == .openMetrics, to: &bytes)
        bytes.append(contentsOf: "\n# TYPE \(name) \(family.kind.rawValue)\n".utf8)
        if kind == .openMetrics, let unit = family.unit {
            bytes.append(contentsOf: "# UNIT \(name) \(unit)\n".utf8)
        }
        return start..<bytes.count
    }
}
