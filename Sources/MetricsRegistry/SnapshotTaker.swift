// The unsafe pointers are to cells that the tables' groups hold, and to the memory of the snapshot, which has room for
// `size(of:)` each table.

internal import Synchronization

/// Notes values for a snapshot, and counts how long their text will be.
struct SnapshotTaker {
    private typealias Cells = UnsafeMutablePointer<Atomic<UInt64>>
    private typealias Column = RenderedLayout.Column

    /// So many groups at a time: their cells fit the first-level cache, so that each line of it is fetched once, and what
    /// is noted of them in a column fills lines of its own.
    private static let tile = 32

    let kind: ExpositionFormat.Kind
    let now: Int64
    /// Where the next table's values go.
    private var memory: UnsafeMutableRawPointer
    private(set) var byteCount = 0

    init(kind: ExpositionFormat.Kind, now: Int64, memory: UnsafeMutableRawPointer) {
        self.kind = kind
        self.now = now
        self.memory = memory
    }

    /// Bytes of memory that the values of `table` take.
    static func size(of table: SeriesTable) -> Int {
        let size = table.count * (MemoryLayout<RowLabels>.stride + table.layout.text.noteSize)
        return rounded(size + table.labelBytes + PaddedBytes.block)
    }

    private static func rounded(_ size: Int) -> Int { (size + 63) & ~63 }

    mutating func take(_ table: SeriesTable) -> SnapshotTable {
        let count = table.count
        let values = memory
        let labels = (values + count * table.layout.text.noteSize).bindMemory(to: RowLabels.self, capacity: count)
        let labelBytes = UnsafeMutableRawPointer(labels + count)
        withUnsafeTemporaryAllocation(of: Cells.self, capacity: Self.tile) { cells in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.tile) { sums in
                var row = 0
                var filled = 0
                var end = labelBytes
                for one in table.rows {
                    guard let start = one.cells else { continue }
                    labels[row + filled] = RowLabels(start: end - labelBytes, count: one.labelCount)
                    end = PaddedBytes.copy(one.labels, one.labelCount, to: end)
                    cells[filled] = start
                    filled += 1
                    guard filled == Self.tile else { continue }
                    note(table.layout, UnsafeBufferPointer(cells), sums, values, row: row, of: count)
                    row += filled
                    filled = 0
                }
                note(table.layout, UnsafeBufferPointer(rebasing: cells[..<filled]), sums, values, row: row, of: count)
            }
        }
        countFixedBytes(table, UnsafeBufferPointer(start: labels, count: count))
        memory += Self.size(of: table)
        return SnapshotTable(
            layout: table.layout, count: count, labels: UnsafePointer(labels),
            labelBytes: UnsafeRawPointer(labelBytes), values: UnsafeRawPointer(values))
    }

    /// Everything but the numbers.
    private mutating func countFixedBytes(_ table: SeriesTable, _ labels: UnsafeBufferPointer<RowLabels>) {
        let bare = labels.reduce(0) { $0 + ($1.count == 0 ? 1 : 0) }
        for family in table.layout.text.families {
            byteCount += family.header(kind).count + family.lines.count * table.labelBytes
            byteCount += family.fixedBytes(labelled: true) * (labels.count - bare)
            byteCount += family.fixedBytes(labelled: false) * bare
        }
    }

    /// Notes the values of a few groups, the first of which is number `row` of `count`.
    private mutating func note(
        _ layout: SeriesLayout, _ cells: UnsafeBufferPointer<Cells>, _ sums: UnsafeMutableBufferPointer<UInt64>,
        _ values: UnsafeMutableRawPointer, row: Int, of count: Int
    ) {
        for column in layout.text.columns {
            let target = values + column.offset * count + row * column.kind.size
            switch column.kind {
            case .integer:
                byteCount += note(column, cells, at: target) { value, _ in value }
            case .firstBucket:
                byteCount += note(column, cells, at: target) { value, index in
                    sums[index] = value
                    return value
                }
            case .bucket:
                byteCount +=
                    column.lines
                    * note(column, cells, at: target) { value, index in
                        sums[index] &+= value
                        return sums[index]
                    }
            case .state:
                // Noted once for all of its lines: of those one is 1. Each has one digit.
                _ = note(column, cells, at: target) { value, _ in value }
                byteCount += column.lines * cells.count
            case .nanoseconds:
                byteCount += write(cells, at: target) { cells, target in
                    let value = Int64(bitPattern: cells[column.cell].load(ordering: .relaxed))
                    return NumberWriting.write(nanoseconds: value, at: target)
                }
            case .double:
                byteCount += write(cells, at: target) { cells, target in
                    let value = Double(bitPattern: cells[column.cell].load(ordering: .relaxed))
                    return NumberWriting.write(double: value, at: target)
                }
            case .clock:
                byteCount += write(cells, at: target) { [now] cells, target in
                    NumberWriting.write(
                        nanoseconds: RunningClock.exposed(cells + column.cell, at: now), at: target)
                }
            }
        }
    }

    /// Notes whole numbers; returns the digits of all.
    @inline(__always)
    private func note(
        _ column: Column, _ cells: UnsafeBufferPointer<Cells>, at target: UnsafeMutableRawPointer,
        _ change: (UInt64, Int) -> UInt64
    ) -> Int {
        let numbers = target.assumingMemoryBound(to: UInt64.self)
        var width = 0
        for (index, start) in cells.enumerated() {
            let value = change(start[column.cell].load(ordering: .relaxed), index)
            numbers[index] = value
            width += NumberWriting.width(value)
        }
        return width
    }

    /// Notes texts; returns the bytes of all.
    @inline(__always)
    private func write(
        _ cells: UnsafeBufferPointer<Cells>, at target: UnsafeMutableRawPointer,
        _ write: (Cells, UnsafeMutableRawPointer) -> UnsafeMutableRawPointer
    ) -> Int {
        var width = 0
        var slot = target
        for start in cells {
            let length = write(start, slot) - slot
            slot.storeBytes(of: UInt8(truncatingIfNeeded: length), toByteOffset: NotedText.lengthOffset, as: UInt8.self)
            width += length
            slot += NotedText.size
        }
        return width
    }
}
