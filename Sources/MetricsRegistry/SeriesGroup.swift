internal import Synchronization

/// The series of one owner: one label set, one value for each series of the layout.
///
/// All of them appear in a scrape when the group is added to a registry, and disappear when it is removed.
public final class SeriesGroup: @unchecked Sendable {
    // Unchecked because of the two pointers: `labelBytes` is never written after init, and `cells` holds atomics, which
    // any thread may reach. Both live as long as the group. One block of cells, and not an object a value, keeps a
    // stream's numbers on few cache lines and the scrape free of reference counting.

    /// The labels that every series here carries.
    public let labels: LabelSet
    /// What the series are.
    public let layout: SeriesLayout
    let cells: UnsafeMutablePointer<Atomic<UInt64>>
    let labelBytes: PaddedBytes

    init(layout: SeriesLayout, labels: LabelSet) {
        self.labels = labels
        self.layout = layout
        cells = .allocate(capacity: max(1, layout.cells))
        for index in 0..<layout.cells { (cells + index).initialize(to: Atomic(0)) }
        labelBytes = PaddedBytes(labels.labels.isEmpty ? [] : [UInt8(ascii: "{")] + labels.rendered)
    }

    deinit {
        cells.deinitialize(count: layout.cells)
        cells.deallocate()
    }

    /// The value of `key`; for a metric with a label of its own, that of the label's value number `variant`.
    ///
    /// `key` comes from this group's own declaration, and `variant` is less than ``SeriesKey/variants``.
    public subscript<Value: MetricValue>(key: SeriesKey<Value>, variant: Int = 0) -> Value {
        precondition(variant >= 0 && variant < key.variants, "no such value of the label")
        let cell = key.cell + variant * key.stride
        precondition(cell + key.stride <= layout.cells, "the key belongs to another layout")
        return Value(SeriesReference(group: self, cell: cell, family: key.family))
    }
}

/// Where the cells of one series are.
public struct SeriesReference: Sendable {
    let group: SeriesGroup
    let cell: Int
    let family: Int

    /// Whether several threads may write.
    var isShared: Bool { group.layout.writers == .many }

    /// Adds `amount` to the cell `offset` cells on.
    @inline(__always)
    func add(_ amount: UInt64, at offset: Int = 0) {
        if isShared {
            group.cells[cell + offset].wrappingAdd(amount, ordering: .relaxed)
        } else {
            let sum = group.cells[cell + offset].load(ordering: .relaxed) &+ amount
            group.cells[cell + offset].store(sum, ordering: .relaxed)
        }
    }

    @inline(__always)
    func load(at offset: Int = 0) -> UInt64 {
        group.cells[cell + offset].load(ordering: .relaxed)
    }

    @inline(__always)
    func store(_ value: UInt64, at offset: Int = 0) {
        group.cells[cell + offset].store(value, ordering: .relaxed)
    }

    /// Replaces the cell's value by what `change` makes of it.
    @inline(__always)
    func update(at offset: Int = 0, _ change: (UInt64) -> UInt64) {
        guard isShared else {
            store(change(load(at: offset)), at: offset)
            return
        }
        var old = load(at: offset)
        while true {
            let (done, found) = group.cells[cell + offset].weakCompareExchange(
                expected: old, desired: change(old), ordering: .relaxed)
            if done { return }
            old = found
        }
    }
}

/// A handle on the value of one series: counter, gauge, histogram or clock. Cheap to copy; keeps its group alive.
public protocol MetricValue: Sendable {
    /// A handle on the series at `reference`.
    init(_ reference: SeriesReference)
}
