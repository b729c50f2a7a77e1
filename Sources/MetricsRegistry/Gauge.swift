/// A number that goes up and down.
public struct Gauge: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Sets the gauge; NaN and infinities are values like any other.
    public func set(_ value: Double) { series.store(value.bitPattern) }

    /// Adds `amount`, which may be negative.
    public func add(_ amount: Double) {
        series.update { (Double(bitPattern: $0) + amount).bitPattern }
    }

    /// The current value.
    public var value: Double { Double(bitPattern: series.load()) }
}

/// A whole number that goes up and down, exact to 64 bits.
public struct IntegerGauge: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Sets the gauge.
    public func set(_ value: UInt64) { series.store(value) }

    /// The current value.
    public var value: UInt64 { series.load() }
}

/// Which one of a closed set is current: exposed as 1 for that one and 0 for the others. One value is kept for all of
/// them, so that no scrape sees two at once, or none.
public struct StateGauge: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Makes the value number `current` of the dimension the current one.
    public func set(_ current: Int) { series.store(UInt64(max(0, current))) }

    /// The number of the current one.
    public var current: Int { Int(clamping: series.load()) }
}

/// A duration or a Unix time that goes up and down, in nanoseconds; exposed in seconds.
public struct DurationGauge: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Sets the gauge; may be negative.
    public func set(nanoseconds: Int64) { series.store(UInt64(bitPattern: nanoseconds)) }

    /// Sets the gauge to a Unix time; saturates in the year 2262.
    public func set(unixMilliseconds: Int64) {
        let (product, overflow) = unixMilliseconds.multipliedReportingOverflow(by: 1_000_000)
        set(nanoseconds: overflow ? (unixMilliseconds < 0 ? .min : .max) : product)
    }

    /// The current value in nanoseconds.
    public var nanoseconds: Int64 { Int64(bitPattern: series.load()) }
}
