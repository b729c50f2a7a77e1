/// Observations, counted by size. The buckets are summed up only when they are exposed, so that an observation writes
/// two cells however many bounds there are.
public struct Histogram: MetricValue {
    private let series: SeriesReference
    private let bounds: [Double]

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) {
        series = reference
        bounds = reference.group.layout.families[reference.family].bounds
    }

    /// Counts `value` in the first bucket whose bound is not below it. NaN goes to +Inf, and makes the sum NaN.
    public func observe(_ value: Double) {
        series.add(1, at: bounds.firstIndex { value <= $0 } ?? bounds.count)
        series.update(at: bounds.count + 1) { (Double(bitPattern: $0) + value).bitPattern }
    }

    /// How many observations there were.
    public var count: UInt64 { (0...bounds.count).reduce(0) { $0 &+ series.load(at: $1) } }

    /// Their sum.
    public var sum: Double { Double(bitPattern: series.load(at: bounds.count + 1)) }
}

/// Durations, counted by length; see ``Histogram``. Kept in nanoseconds, exposed in seconds.
public struct DurationHistogram: MetricValue {
    private let series: SeriesReference
    private let bounds: [Int64]

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) {
        series = reference
        bounds = reference.group.layout.bounds[reference.family]
    }

    /// Counts a duration of `nanoseconds`; a negative one counts as 0.
    public func observe(nanoseconds: Int64) {
        let value = max(0, nanoseconds)
        series.add(1, at: bounds.firstIndex { value <= $0 } ?? bounds.count)
        series.add(UInt64(value), at: bounds.count + 1)
    }

    /// How many observations there were.
    public var count: UInt64 { (0...bounds.count).reduce(0) { $0 &+ series.load(at: $1) } }

    /// Their sum in nanoseconds.
    public var nanoseconds: UInt64 { series.load(at: bounds.count + 1) }
}
