public import CoreMetrics
public import Logging
public import MetricsRegistry
import NIOConcurrencyHelpers

/// A backend for swift-metrics: what an application and its libraries count comes out of the same endpoint as the figures
/// of its streams.
///
///     let factory = RegistryMetricsFactory()
///     MetricsSystem.bootstrap(factory)
///     configuration.registry = factory.registry
///
/// Names follow Prometheus: what is no letter, digit, `_` or `:` becomes `_`; a counter ends in `_total`, a timer in
/// `_seconds`. A `Timer`, and a `Recorder` that aggregates, is a histogram; a `Gauge`, a `Meter` and a `Recorder` that does
/// not are gauges. The same name with the same dimensions is the same series.
///
/// Everything is bounded. What is beyond a limit, of a name that another kind of metric has, or of a name of Holdfast's
/// own (`holdfast_…`, `process_…`) is not exposed: its first case is logged, and each is counted in
/// `metrics_backend_refused_total`.
public final class RegistryMetricsFactory: MetricsFactory {
    /// How a factory works.
    public struct Options: Sendable {
        /// The upper bounds of timers' buckets, in seconds, ascending.
        public var timerBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
        /// The upper bounds of recorders' buckets, ascending.
        public var recorderBounds = [1.0, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
        /// Bounds for single timers and recorders, by label.
        public var bounds: [String: [Double]] = [:]
        /// How many different names there may be.
        public var maximumFamilies = 1_000
        /// How many sets of dimensions one name may have.
        public var maximumSeries = 1_000
        /// How many bytes of a dimension's value are kept.
        public var maximumValueLength = 512

        /// The defaults.
        public init() {}
    }

    /// Where the metrics are registered: what an exporter is to be given.
    public let registry: MetricsRegistry
    private let options: Options
    private let logger: Logger
    private let refused: RefusalCounters?
    private let families = NIOLockedValueBox<[String: Family]>([:])

    /// A factory of metrics in `registry`.
    ///
    /// - Parameter logger: is told of the first metric of each name that cannot be exposed.
    public init(
        registry: MetricsRegistry = MetricsRegistry(), options: Options = Options(),
        logger: Logger = Logger(label: "holdfast.metrics")
    ) {
        self.registry = registry
        self.options = options
        self.logger = logger
        refused = RefusalCounters(registry)
    }

    // MARK: Making

    /// The counter `label`.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(label, dimensions, .counter, as: (any CounterHandler).self) ?? NOOPMetricsHandler.instance
    }

    /// The counter `label` of floating-point amounts.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        make(label, dimensions, .doubleCounter, as: (any FloatingPointCounterHandler).self)
            ?? NOOPMetricsHandler.instance
    }

    /// The gauge `label`.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        make(label, dimensions, .gauge, as: (any MeterHandler).self) ?? NOOPMetricsHandler.instance
    }

    /// The histogram `label`; a gauge where it is not to aggregate.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let kind = aggregate ? Family.Kind.histogram(options.bounds[label] ?? options.recorderBounds) : .gauge
        return make(label, dimensions, kind, as: (any RecorderHandler).self) ?? NOOPMetricsHandler.instance
    }

    /// The histogram `label` of durations.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        make(
            label, dimensions, .timer(options.bounds[label] ?? options.timerBounds), as: (any TimerHandler).self)
            ?? NOOPMetricsHandler.instance
    }

    /// The type is said in full: beside `??`, it would be taken to be that of what stands in for it.
    private func make<Handler>(
        _ label: String, _ dimensions: [(String, String)], _ kind: Family.Kind, as type: Handler.Type
    ) -> Handler? {
        let name = kind.name(of: label)
        let labels = Naming.labels(dimensions, maximumValueLength: options.maximumValueLength)
        let result: Result<any SeriesHandler, Refusal> = families.withLockedValue { families in
            do throws(Refusal) {
                let series = try series(name, label, labels, kind, &families)
                return .success(series)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let handler): return handler as? Handler
        case .failure(let refusal):
            if refused?.count(refusal, of: name) == true {
                logger.warning("metric not exposed: \(refusal)", metadata: ["metric": "\(label)"])
            }
            return nil
        }
    }

    private func series(
        _ name: String, _ label: String, _ labels: LabelSet, _ kind: Family.Kind, _ families: inout [String: Family]
    ) throws(Refusal) -> any SeriesHandler {
        if families[name] == nil {
            guard !Naming.isReserved(name) else { throw .reserved(name) }
            guard families.count < options.maximumFamilies else { throw .families(options.maximumFamilies) }
            families[name] = try Family(name: name, label: label, kind: kind, in: registry)
        }
        // Taken out while it changes, so that the dictionary of its series is not copied.
        guard var family = families.removeValue(forKey: name) else { throw .reserved(name) }
        defer { families[name] = family }
        guard family.kind.isSame(as: kind) else { throw .otherKind(name) }
        return try family.series(labels, limit: options.maximumSeries, in: registry)
    }

    // MARK: Destroying

    /// No longer exposes the counter.
    public func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    /// No longer exposes the counter.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
    /// No longer exposes the gauge.
    public func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
    /// No longer exposes the histogram or gauge.
    public func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    /// No longer exposes the histogram.
    public func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

    /// Made again, the series begins anew; until then its handlers write to what nobody sees.
    private func destroy(_ handler: AnyObject) {
        guard let handler = handler as? any SeriesHandler else { return }
        families.withLockedValue { families in
            guard families[handler.family]?.forget(handler) == true else { return }
            registry.remove(handler.group)
        }
    }
}
