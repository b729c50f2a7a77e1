/// Every line of a layout but for labels and number: what one scrape after the other copies.
struct RenderedLayout: Sendable {
    /// How a cell is noted when a scrape begins. There is a column of the noted values of all groups for each.
    struct Column: Sendable {
        enum Kind: UInt8, Sendable {
            /// The cell, a whole number.
            case integer
            /// The first bucket of a histogram: begins a sum.
            case firstBucket
            /// The sum of the cell and of the buckets before it.
            case bucket
            /// The cell, the number of the current one of a dimension's values.
            case state
            /// As text: the cell, nanoseconds as seconds.
            case nanoseconds
            /// As text: the cell, a floating-point number.
            case double
            /// As text: the two cells of a running clock.
            case clock

            /// Bytes of one noted value. Whole numbers are quickly written, so their text is not kept.
            var size: Int {
                switch self {
                case .integer, .firstBucket, .bucket, .state: NotedNumber.size
                case .nanoseconds, .double, .clock: NotedText.size
                }
            }
        }

        var cell: Int
        var kind: Kind
        /// How many lines show it.
        var lines: Int
        /// Bytes that the columns before it take for one group.
        var offset: Int
    }

    /// What is to be written at the end of a line.
    enum Operation: UInt8, Sendable {
        /// A whole number.
        case number
        /// A text as it was noted.
        case text
        /// 1 where the number of this line's label value was noted, otherwise 0.
        case state
    }

    /// A sample: name, then the group's labels, then suffix, then the number.
    struct Line: Sendable {
        var name: Int32
        var nameCount: Int32
        var suffix: Int32
        var suffixCount: Int32
        /// The ``Column/offset`` of its value.
        var column: Int32
        var operation: Operation
        /// For a state: the number of the line's label value.
        var variant: Int32
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

        func header(_ kind: ExpositionFormat.Kind) -> Range<Int> {
            kind == .openMetrics ? openMetricsHeader : textHeader
        }

        /// How many bytes the lines of one group have, but for labels and numbers.
        func fixedBytes(labelled: Bool) -> Int {
            (labelled ? lines : bareLines).reduce(0) { $0 + Int($1.nameCount + $1.suffixCount) + 1 }
        }
    }

    let bytes: PaddedBytes
    let families: [Family]
    let columns: [Column]
    /// Bytes of everything noted of one group.
    let noteSize: Int

    init(_ families: [MetricFamily]) {
        columns = Self.columns(families)
        noteSize = columns.last.map { $0.offset + $0.kind.size } ?? 0
        var offsets: [Int: Int] = [:]
        for column in columns { offsets[column.cell] = column.offset }
        var renderer = Renderer(offsets: offsets)
        self.families = families.map { renderer.render($0) }
        bytes = PaddedBytes(renderer.bytes)
    }

    private static func columns(_ families: [MetricFamily]) -> [Column] {
        var columns: [Column] = []
        var cell = 0
        for family in families {
            for _ in 0..<family.variants {
                for (offset, (kind, lines)) in family.columns.enumerated() {
                    let start = columns.last.map { $0.offset + $0.kind.size } ?? 0
                    columns.append(Column(cell: cell + offset, kind: kind, lines: lines, offset: start))
                }
                cell += family.stride
            }
        }
        return columns
    }
}

extension MetricFamily {
    /// How the cells of one series are noted, and how many lines show each.
    fileprivate var columns: [(kind: RenderedLayout.Column.Kind, lines: Int)] {
        let value: RenderedLayout.Column.Kind =
            switch number {
            case .integer: .integer
            case .nanoseconds: .nanoseconds
            case .double: .double
            case .clock: .clock
            case .state: .state
            }
        guard kind == .histogram else {
            return [(value, number == .state ? dimension?.values.count ?? 1 : 1)]
        }
        // The sum over all buckets is the count as well.
        let buckets = bounds.indices.map { ($0 == 0 ? RenderedLayout.Column.Kind.firstBucket : .bucket, 1) }
        return buckets + [(.bucket, 2), (value, 1)]
    }
}

/// Renders families into one block of bytes.
private struct Renderer {
    /// Where the values of a cell are noted.
    let offsets: [Int: Int]
    var bytes: [UInt8] = []
    private var cell = 0

    init(offsets: [Int: Int]) { self.offsets = offsets }

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
                    case .integer: .number
                    case .nanoseconds, .double, .clock: .text
                    case .state: .state
                    }
                lines.append(line(family.name, own, labelled, cell, operation, variant: number))
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
            lines.append(line(family.name + "_bucket", labels, labelled, cell + index, .number))
        }
        lines.append(line(family.name + "_sum", own, labelled, cell + bounds.count, .text))
        lines.append(line(family.name + "_count", own, labelled, cell + bounds.count - 1, .number))
        return lines
    }

    private mutating func line(
        _ name: String, _ labels: [Label], _ labelled: Bool, _ cell: Int, _ operation: RenderedLayout.Operation,
        variant: Int = 0
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
            suffixCount: Int32(bytes.count - suffixStart), column: Int32(offsets[cell] ?? 0), operation: operation,
            variant: Int32(variant))
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
