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
