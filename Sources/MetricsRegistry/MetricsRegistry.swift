/// Metrics, and what a scrape shows of them.
///
/// A program declares what it measures (``SeriesDeclaration``), registers that, and adds one group of series for each
/// owner: a stream, a connection, or the process itself. Owners write their values; a scrape reads them. Values are
/// atomics: nobody who writes one ever waits. Registering, adding and removing take a lock, and a scrape takes it for
/// the moment in which it notes what there is.
public final class MetricsRegistry: Sendable {
    private struct State {
        var tables: [SeriesTable] = []
        var indexes: [ObjectIdentifier: Int] = [:]
        var names = Set<String>()
        var collectors: [@Sendable () -> Void] = []
    }

    private let state = Locked(State())
    private let pool = SnapshotPool()

    /// A registry with no metrics.
    public init() {}

    /// Validates `declaration` and takes its metrics up, after those registered before it.
    ///
    /// - Throws: ``RegistryError``, and registers nothing, where a name or bound is invalid or a name is taken.
    public func register(_ declaration: SeriesDeclaration) throws(RegistryError) -> SeriesLayout {
        let layout = try SeriesLayout(declaration)
        try state.withLock { state throws(RegistryError) in
            var names = state.names
            for family in layout.families {
                for name in family.takenNames {
                    guard names.insert(name).inserted else { throw .duplicateName(name) }
                }
            }
            state.names = names
            state.indexes[ObjectIdentifier(layout)] = state.tables.count
            state.tables.append(SeriesTable(layout))
        }
        return layout
    }

    /// Exposes `group` from the next scrape on: all of its series at once.
    ///
    /// - Throws: ``RegistryError/duplicateSeries(family:labels:)`` where a group of its layout has the same labels (in
    ///   whatever order; an empty value is as good as no label), ``RegistryError/unknownLayout(family:)`` where its
    ///   layout was registered elsewhere.
    public func add(_ group: SeriesGroup) throws(RegistryError) {
        try state.withLock { state throws(RegistryError) in
            guard let index = state.indexes[ObjectIdentifier(group.layout)] else {
                throw .unknownLayout(family: group.layout.families.first?.name ?? "")
            }
            try state.tables[index].add(group)
        }
    }

    /// No longer exposes `group`: all of its series at once. Its values may still be written.
    ///
    /// Returns whether it was there.
    @discardableResult
    public func remove(_ group: SeriesGroup) -> Bool {
        state.withLock { state in
            guard let index = state.indexes[ObjectIdentifier(group.layout)] else { return false }
            return state.tables[index].remove(group)
        }
    }

    /// Calls `collect` before every scrape, for values that are read from elsewhere. Concurrent scrapes call it
    /// concurrently, so the group that it writes is one for many writers.
    public func onScrape(_ collect: @escaping @Sendable () -> Void) {
        state.withLock { $0.collectors.append(collect) }
    }

    /// Notes every value, for a scrape in `format`.
    ///
    /// - Parameters:
    ///   - format: The format of the text.
    ///   - now: What the clock shows that ``RunningClock``s are switched by, in nanoseconds.
    ///   - onEnd: Called by each reader that has come to the end, on its thread, with the nanoseconds that it took to note
    ///     the values and to write their text.
    public func exposition(
        _ format: ExpositionFormat, now: Int64, onEnd: (@Sendable (_ nanoseconds: Int64) -> Void)? = nil
    ) -> Exposition {
        for collect in state.withLock({ $0.collectors }) { collect() }
        // From here on the tables are a copy of their own (arrays are shared until one side changes them).
        let tables = state.withLock { $0.tables }
        return Exposition(Snapshot(tables, kind: format.kind, now: now, pool: pool), onEnd: onEnd)
    }

    /// Replaces the content of `buffer` by a scrape in `format`.
    ///
    /// `now` is what the clock shows that ``RunningClock``s are switched by, in nanoseconds.
    public func encode(_ format: ExpositionFormat, now: Int64, into buffer: ExpositionBuffer) {
        let exposition = exposition(format, now: now)
        let reader = ExpositionReader(exposition)
        buffer.removeAll()
        buffer.append(reserving: exposition.count) { reader.read(into: $0) }
    }
}

extension MetricsRegistry {
    /// Registers one counter that any thread may write, with the labels `labels`.
    public func counter(
        _ name: String, _ help: String, unit: String? = nil, labels: LabelSet = .empty
    ) throws(RegistryError) -> Counter {
        try single(labels) { $0.counter(name, help, unit: unit) }
    }

    /// Registers one gauge that any thread may write, with the labels `labels`.
    public func gauge(
        _ name: String, _ help: String, unit: String? = nil, labels: LabelSet = .empty
    ) throws(RegistryError) -> Gauge {
        try single(labels) { $0.gauge(name, help, unit: unit) }
    }

    /// Registers one histogram that any thread may write, with the labels `labels`.
    public func histogram(
        _ name: String, _ help: String, bounds: [Double], unit: String? = nil, labels: LabelSet = .empty
    ) throws(RegistryError) -> Histogram {
        try single(labels) { $0.histogram(name, help, bounds: bounds, unit: unit) }
    }

    private func single<Value: MetricValue>(
        _ labels: LabelSet, _ declare: (inout SeriesDeclaration) -> SeriesKey<Value>
    ) throws(RegistryError) -> Value {
        var declaration = SeriesDeclaration(writers: .many)
        let key = declare(&declaration)
        let group = try register(declaration).makeGroup(labels)
        try add(group)
        return group[key]
    }
}
