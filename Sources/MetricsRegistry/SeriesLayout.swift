/// Names the series of one metric in every group of a layout.
public struct SeriesKey<Value: MetricValue>: Hashable, Sendable {
    /// The position of the metric among the layout's families.
    let family: Int
    /// The first cell of the first series.
    let cell: Int
    /// Cells a series.
    let stride: Int
    /// How many series there are: the values of the family's own label, or 1.
    public let variants: Int
}

/// Describes which metrics a group has. One layout, many groups: each stream of a program, say.
///
/// The metrics are declared first, each giving the key by which a group finds its values; then
/// ``MetricsRegistry/MetricsRegistry/register(_:)`` validates them and makes the ``SeriesLayout``.
public struct SeriesDeclaration: Sendable {
    /// How many threads may write one group.
    public enum Writers: Hashable, Sendable {
        /// One at a time: plain loads and stores, no locked instruction. For what one event loop owns.
        case one
        /// Any number: atomic additions.
        case many
    }

    /// The metrics declared so far, in the order in which they are exposed.
    public private(set) var families: [MetricFamily] = []
    /// How many threads may write one group.
    public let writers: Writers
    private var cells = 0

    /// A declaration of no metrics yet, whose groups are written by `writers`.
    public init(writers: Writers) {
        self.writers = writers
    }

    /// Declares a counter of whole numbers; `name` ends in `_total`.
    public mutating func counter(
        _ name: String, _ help: String, unit: String? = nil, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<Counter> {
        declare(name, help, .counter, .integer, unit, dimension)
    }

    /// Declares a counter of floating-point amounts; `name` ends in `_total`.
    public mutating func doubleCounter(
        _ name: String, _ help: String, unit: String? = nil, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<DoubleCounter> {
        declare(name, help, .counter, .double, unit, dimension)
    }

    /// Declares a counter of time, kept in nanoseconds and exposed in seconds; `name` ends in `_seconds_total`.
    public mutating func durationCounter(
        _ name: String, _ help: String, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<DurationCounter> {
        declare(name, help, .counter, .nanoseconds, "seconds", dimension)
    }

    /// Declares a counter of the seconds in which something was on; `name` ends in `_seconds_total`.
    public mutating func runningClock(
        _ name: String, _ help: String, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<RunningClock> {
        declare(name, help, .counter, .clock, "seconds", dimension)
    }

    /// Declares a gauge.
    public mutating func gauge(
        _ name: String, _ help: String, unit: String? = nil, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<Gauge> {
        declare(name, help, .gauge, .double, unit, dimension)
    }

    /// Declares a gauge of whole numbers from 0 to 2⁶⁴ − 1, exact.
    public mutating func integerGauge(
        _ name: String, _ help: String, unit: String? = nil, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<IntegerGauge> {
        declare(name, help, .gauge, .integer, unit, dimension)
    }

    /// Declares a gauge of time (a duration or a Unix time), kept in nanoseconds; `name` ends in `_seconds`.
    public mutating func durationGauge(
        _ name: String, _ help: String, by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<DurationGauge> {
        declare(name, help, .gauge, .nanoseconds, "seconds", dimension)
    }

    /// Declares a gauge that is 1 for the current one of the values of `dimension` and 0 for the others.
    public mutating func state(
        _ name: String, _ help: String, of dimension: MetricFamily.Dimension
    ) -> SeriesKey<StateGauge> {
        declare(name, help, .gauge, .state, nil, dimension)
    }

    /// Declares a histogram with the upper bounds `bounds`, ascending, without +Inf.
    public mutating func histogram(
        _ name: String, _ help: String, bounds: [Double], unit: String? = nil,
        by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<Histogram> {
        declare(name, help, .histogram, .double, unit, dimension, bounds)
    }

    /// Declares a histogram of durations with the upper bounds `bounds` in seconds; `name` ends in `_seconds`.
    public mutating func durationHistogram(
        _ name: String, _ help: String, bounds: [Double], by dimension: MetricFamily.Dimension? = nil
    ) -> SeriesKey<DurationHistogram> {
        declare(name, help, .histogram, .nanoseconds, "seconds", dimension, bounds)
    }

    private mutating func declare<Value: MetricValue>(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ number: MetricFamily.Number, _ unit: String?,
        _ dimension: MetricFamily.Dimension?, _ bounds: [Double] = []
    ) -> SeriesKey<Value> {
        let family = MetricFamily(
            name: name, help: help, kind: kind, number: number, unit: unit, dimension: dimension, bounds: bounds)
        let key = SeriesKey<Value>(
            family: families.count, cell: cells, stride: family.stride, variants: family.variants)
        families.append(family)
        cells += family.stride * family.variants
        return key
    }
}

/// A registered declaration: its groups have these metrics, and everything about their lines but labels and numbers is
/// rendered already.
public final class SeriesLayout: Sendable {
    /// The metrics, in the order in which they are exposed.
    public let families: [MetricFamily]
    /// How many threads may write one group.
    public let writers: SeriesDeclaration.Writers
    /// How many cells a group has.
    let cells: Int
    let text: RenderedLayout
    /// The upper bounds of every histogram of durations, in nanoseconds; by family, empty for others.
    let bounds: [[Int64]]

    /// Validates and renders `declaration`.
    init(_ declaration: SeriesDeclaration) throws(RegistryError) {
        for family in declaration.families { try family.validate() }
        families = declaration.families
        writers = declaration.writers
        cells = families.reduce(0) { $0 + $1.stride * $1.variants }
        text = RenderedLayout(families)
        bounds = families.map { family in
            guard family.kind == .histogram, family.number == .nanoseconds else { return [] }
            return family.bounds.map { Int64(($0 * 1e9).rounded()) }
        }
    }

    /// A group of series with the labels `labels`; everything is 0. It is exposed once it has been added.
    ///
    /// - Throws: ``RegistryError/duplicateLabel(_:)`` where one of `labels` is also a family's own label.
    public func makeGroup(_ labels: LabelSet = .empty) throws(RegistryError) -> SeriesGroup {
        for family in families {
            guard let own = family.dimension?.label else { continue }
            if labels.labels.contains(where: { $0.name == own }) { throw .duplicateLabel(own) }
        }
        return SeriesGroup(layout: self, labels: labels)
    }
}
