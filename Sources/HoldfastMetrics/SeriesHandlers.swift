import CoreMetrics
import MetricsRegistry

/// One series, as swift-metrics writes it.
protocol SeriesHandler: AnyObject, Sendable {
    /// The name of its family.
    var family: String { get }
    var group: SeriesGroup { get }
}

final class CounterSeries: SeriesHandler, CounterHandler {
    let family: String
    let group: SeriesGroup
    private let value: RegistryCounter

    init(family: String, group: SeriesGroup, value: RegistryCounter) {
        self.family = family
        self.group = group
        self.value = value
    }

    /// A counter never decreases: a negative amount adds nothing.
    func increment(by amount: Int64) { value.increment(by: UInt64(max(0, amount))) }
    func reset() { value.reset() }
}

final class DoubleCounterSeries: SeriesHandler, FloatingPointCounterHandler {
    let family: String
    let group: SeriesGroup
    private let value: DoubleCounter

    init(family: String, group: SeriesGroup, value: DoubleCounter) {
        self.family = family
        self.group = group
        self.value = value
    }

    func increment(by amount: Double) { value.increment(by: amount) }
    func reset() { value.reset() }
}

/// A meter, or a recorder that does not aggregate.
final class GaugeSeries: SeriesHandler, MeterHandler, RecorderHandler {
    let family: String
    let group: SeriesGroup
    private let value: RegistryGauge

    init(family: String, group: SeriesGroup, value: RegistryGauge) {
        self.family = family
        self.group = group
        self.value = value
    }

    func set(_ new: Int64) { value.set(Double(new)) }
    func set(_ new: Double) { value.set(new) }
    func record(_ new: Int64) { value.set(Double(new)) }
    func record(_ new: Double) { value.set(new) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }
}

final class HistogramSeries: SeriesHandler, RecorderHandler {
    let family: String
    let group: SeriesGroup
    private let value: Histogram

    init(family: String, group: SeriesGroup, value: Histogram) {
        self.family = family
        self.group = group
        self.value = value
    }

    func record(_ new: Int64) { value.observe(Double(new)) }
    func record(_ new: Double) { value.observe(new) }
}

final class TimerSeries: SeriesHandler, TimerHandler {
    let family: String
    let group: SeriesGroup
    private let value: DurationHistogram

    init(family: String, group: SeriesGroup, value: DurationHistogram) {
        self.family = family
        self.group = group
        self.value = value
    }

    func recordNanoseconds(_ duration: Int64) { value.observe(nanoseconds: duration) }
}
