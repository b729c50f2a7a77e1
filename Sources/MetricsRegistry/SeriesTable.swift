// The unsafe pointers are to cells and labels that the table's own groups hold.

internal import Synchronization

/// The groups of one layout, in the order of their addition.
struct SeriesTable {
    /// What a scrape needs of one group, without touching the group: no reference to count.
    struct Row {
        /// Nil where the group was removed.
        var cells: UnsafeMutablePointer<Atomic<UInt64>>?
        var labels: UnsafeRawPointer
        var labelCount: Int
    }

    let layout: SeriesLayout
    private(set) var rows: [Row] = []
    /// Keeps alive what `rows` points to; the same positions.
    private var owners: [SeriesGroup?] = []
    private var positions: [[Label]: Int] = [:]
    /// Bytes of the labels of all groups.
    private(set) var labelBytes = 0

    init(_ layout: SeriesLayout) {
        self.layout = layout
    }

    /// How many groups there are.
    var count: Int { positions.count }

    mutating func add(_ group: SeriesGroup) throws(RegistryError) {
        let identity = group.labels.identity
        guard positions[identity] == nil else {
            throw .duplicateSeries(family: layout.families.first?.name ?? "", labels: group.labels.labels)
        }
        positions[identity] = rows.count
        owners.append(group)
        labelBytes += group.labelBytes.count
        rows.append(Row(cells: group.cells, labels: group.labelBytes.start, labelCount: group.labelBytes.count))
    }

    /// Whether `group` was there.
    mutating func remove(_ group: SeriesGroup) -> Bool {
        let identity = group.labels.identity
        guard let position = positions[identity], owners[position] === group else { return false }
        positions[identity] = nil
        owners[position] = nil
        labelBytes -= group.labelBytes.count
        rows[position].cells = nil
        // Closing the hole at once would move every later row, for each of thousands of groups: wait until half are holes.
        if rows.count > 16, positions.count < rows.count / 2 { compact() }
        return true
    }

    /// In place, and without looking at labels: of ten thousand groups this is a pause of whoever removes one.
    private mutating func compact() {
        var next = 0
        let moved = rows.map { row in
            defer { if row.cells != nil { next += 1 } }
            return next
        }
        rows.removeAll { $0.cells == nil }
        owners.removeAll { $0 == nil }
        for index in positions.values.indices { positions.values[index] = moved[positions.values[index]] }
    }
}
