/// A number that never decreases.
public struct Counter: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Adds `amount`. Wraps at 2⁶⁴, which Prometheus takes for a restart.
    public func increment(by amount: UInt64 = 1) { series.add(amount) }

    /// Raises the counter to `total`; does nothing where it is there already. For an owner that counts by itself.
    public func advance(to total: UInt64) { series.update { max($0, total) } }

    /// Begins anew at 0, which Prometheus takes for a restart.
    public func reset() { series.store(0) }

    /// The current value.
    public var value: UInt64 { series.load() }
}

/// A floating-point number that never decreases.
public struct DoubleCounter: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Adds `amount`; one that is negative, infinite or not a number adds nothing.
    public func increment(by amount: Double) {
        guard amount.isFinite, amount > 0 else { return }
        series.update { (Double(bitPattern: $0) + amount).bitPattern }
    }

    /// Begins anew at 0, which Prometheus takes for a restart.
    public func reset() { series.store(0) }

    /// The current value.
    public var value: Double { Double(bitPattern: series.load()) }
}

/// A sum of durations, in nanoseconds; exposed in seconds.
public struct DurationCounter: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Adds `nanoseconds`; a negative duration adds nothing.
    public func add(nanoseconds: Int64) { series.add(UInt64(max(0, nanoseconds))) }

    /// Raises the counter to `total` nanoseconds; does nothing where it is there already.
    public func advance(toNanoseconds total: UInt64) { series.update { max($0, total) } }

    /// The current value in nanoseconds.
    public var nanoseconds: UInt64 { series.load() }
}
