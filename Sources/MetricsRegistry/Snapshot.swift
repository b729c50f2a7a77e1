// The unsafe pointers are to one block of memory, which the snapshot holds: written while it is made, and only read
// thereafter. A bounds check for each value would cost as much as noting it.

/// A whole number as it is noted: as it is.
enum NotedNumber {
    static let size = 8
}

/// A number as text, as it is noted: its bytes, and how many they are in the last. Fractions and floating-point numbers
/// are written when they are noted, since only then it is known how long they are.
enum NotedText {
    static let size = 32
    static let lengthOffset = 31
}

/// The labels of one group among those of all.
struct RowLabels {
    var start: Int
    var count: Int
}

/// The values of all groups of one layout.
struct SnapshotTable {
    let layout: SeriesLayout
    let count: Int
    let labels: UnsafePointer<RowLabels>
    /// The labels, one after the other: each metric goes through all of them, and those of the groups themselves are
    /// scattered over as many pages.
    let labelBytes: UnsafeRawPointer
    /// Column by column, since a scrape shows one metric of all groups after the other.
    let values: UnsafeRawPointer
}

/// The value of every series at the moment of a scrape, and how long their text is.
final class Snapshot: @unchecked Sendable {
    // Unchecked because of the pointers: see above.

    let kind: ExpositionFormat.Kind
    let tables: [SnapshotTable]
    let byteCount: Int
    /// Nanoseconds that it took.
    let duration: Int64
    private let memory: SnapshotMemory
    private let pool: SnapshotPool

    /// What ends a text in OpenMetrics.
    static let openMetricsEnd: StaticString = "# EOF\n"

    init(_ tables: [SeriesTable], kind: ExpositionFormat.Kind, now: Int64, pool: SnapshotPool) {
        let began = Clock.nanoseconds()
        self.kind = kind
        self.pool = pool
        memory = pool.take(tables.reduce(0) { $0 + SnapshotTaker.size(of: $1) })
        var taker = SnapshotTaker(kind: kind, now: now, memory: memory.start)
        self.tables = tables.filter { $0.count > 0 }.map { taker.take($0) }
        byteCount = taker.byteCount + (kind == .openMetrics ? Self.openMetricsEnd.utf8CodeUnitCount : 0)
        duration = Clock.nanoseconds() - began
    }

    deinit { pool.give(memory) }
}

/// The block of memory of one snapshot.
final class SnapshotMemory: @unchecked Sendable {
    // Unchecked because of the pointer: one snapshot at a time has it.

    let start: UnsafeMutableRawPointer
    let size: Int

    init(_ size: Int) {
        self.size = size
        start = .allocate(byteCount: size, alignment: 64)
    }

    deinit { start.deallocate() }
}

/// Keeps the memory of the last snapshot for the next: pages that the process has already cost a fraction of fresh ones.
final class SnapshotPool: Sendable {
    private let spare = Locked<SnapshotMemory?>(nil)

    /// Memory of at least `size` bytes.
    func take(_ size: Int) -> SnapshotMemory {
        let kept = spare.withLock { spare in
            defer { spare = nil }
            return spare
        }
        // Far too much is given back: of ten thousand streams one may be left.
        if let kept, kept.size >= size, kept.size / 4 <= size + 4096 { return kept }
        return SnapshotMemory(size + size / 16 + 64)
    }

    func give(_ memory: SnapshotMemory) {
        spare.withLock { $0 = memory }
    }
}
