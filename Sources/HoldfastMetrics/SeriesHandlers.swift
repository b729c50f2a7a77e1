// Unchecked because a class that is not final cannot be checked, nor what inherits from it; every property of these
// classes is a constant of a Sendable type.

import CoreMetrics
import MetricsRegistry

/// One series, as swift-metrics writes it.
class SeriesHandler: @unchecked Sendable {
    let family: String
    let group: SeriesGroup

    init(family: String, group: SeriesGroup) {
        self.family = family
        self.group = group
    }
}

final class CounterSeries: SeriesHandler, CounterHandler, @unchecked Sendable {
    private let value: RegistryCounter

    init(family: String, group: SeriesGroup, value: RegistryCounter) {
        self.value = value
        super.init(family: family, group: group)
    }

    /// A counter never decreases: a negative amount adds nothing.
    func increment(by amount: Int64) { value.increment(by: UInt64(max(0, amount))) }
    func reset() { value.reset() }
}

final class DoubleCounterSeries: SeriesHandler, FloatingPointCounterHandler, @unchecked Sendable {
    private let value: DoubleCounter

    init(family: String, group: SeriesGroup, value: DoubleCounter) {
        self.value = value
        super.init(family: family, group: group)
    }

    func increment(by amount: Double) { value.increment(by: amount) }
    func reset() { value.reset() }
}

/// A meter, or a recorder that does not aggregate.
final class GaugeSeries: SeriesHandler, MeterHandler, RecorderHandler, @unchecked Sendable {
    private let value: RegistryGauge

    init(family: String, group: SeriesGroup, value: RegistryGauge) {
        self.value = value
        super.init(family: family, group: group)
    }

    func set(_ new: Int64) { value.set(Double(new)) }
    func set(_ new: Double) { value.set(new) }
    func record(_ new: Int64) { value.set(Double(new)) }
    func record(_ new: Double) { value.set(new) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }
}

final class HistogramSeries: SeriesHandler, RecorderHandler, @unchecked Sendable {
    private let value: Histogram

    init(family: String, group: SeriesGroup, value: Histogram) {
        self.value = value
        super.init(family: family, group: group)
    }

    func record(_ new: Int64) { value.observe(Double(new)) }
    func record(_ new: Double) { value.observe(new) }
}

final class TimerSeries: SeriesHandler, TimerHandler, @unchecked Sendable {
    private let value: DurationHistogram

    init(family: String, group: SeriesGroup, value: DurationHistogram) {
        self.value = value
        super.init(family: family, group: group)
    }

    func recordNanoseconds(_ duration: Int64) { value.observe(nanoseconds: duration) }
}
