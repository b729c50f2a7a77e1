import MetricsRegistry

// Files that import CoreMetrics cannot say `Counter` and mean this one: the module has a class of its own name.
typealias RegistryCounter = Counter
typealias RegistryGauge = Gauge

/// The series of one name.
struct Family: Sendable {
    /// What it is, and with which bounds.
    enum Kind: Sendable {
        case counter
        case doubleCounter
        case gauge
        case histogram([Double])
        case timer([Double])

        /// The name in the manner of Prometheus: a counter ends in `_total`, a timer in its unit.
        func name(of label: String) -> String {
            switch self {
            case .counter, .doubleCounter: Naming.metric(label, ending: "_total")
            case .gauge, .histogram: Naming.metric(label, ending: "")
            case .timer: Naming.metric(label, ending: "_seconds")
            }
        }

        /// Bounds aside: those of the first one stand.
        func isSame(as other: Kind) -> Bool {
            switch (self, other) {
            case (.counter, .counter), (.doubleCounter, .doubleCounter), (.gauge, .gauge), (.histogram, .histogram),
                (.timer, .timer):
                true
            case (.counter, _), (.doubleCounter, _), (.gauge, _), (.histogram, _), (.timer, _): false
            }
        }

        /// What the metric is called in its help.
        var word: String {
            switch self {
            case .counter, .doubleCounter: "Counter"
            case .gauge: "Gauge"
            case .histogram: "Recorder"
            case .timer: "Timer"
            }
        }
    }

    let name: String
    let kind: Kind
    private let layout: SeriesLayout
    private let handler: @Sendable (SeriesGroup) -> any SeriesHandler
    private var handlers: [[Label]: any SeriesHandler] = [:]

    init(name: String, label: String, kind: Kind, in registry: MetricsRegistry) throws(Refusal) {
        self.name = name
        self.kind = kind
        var declaration = SeriesDeclaration(writers: .many)
        let help = "\(kind.word) \(label) of the application."
        switch kind {
        case .counter:
            let key = declaration.counter(name, help)
            handler = { CounterSeries(family: name, group: $0, value: $0[key]) }
        case .doubleCounter:
            let key = declaration.doubleCounter(name, help)
            handler = { DoubleCounterSeries(family: name, group: $0, value: $0[key]) }
        case .gauge:
            let key = declaration.gauge(name, help)
            handler = { GaugeSeries(family: name, group: $0, value: $0[key]) }
        case .histogram(let bounds):
            let key = declaration.histogram(name, help, bounds: bounds)
            handler = { HistogramSeries(family: name, group: $0, value: $0[key]) }
        case .timer(let bounds):
            let key = declaration.durationHistogram(name, help, bounds: bounds)
            handler = { TimerSeries(family: name, group: $0, value: $0[key]) }
        }
        do {
            layout = try registry.register(declaration)
        } catch {
            throw .registry(error)
        }
    }

    /// The series with these labels, which is made where there is none.
    mutating func series(
        _ labels: LabelSet, limit: Int, in registry: MetricsRegistry
    ) throws(Refusal) -> any SeriesHandler {
        // Labels are sorted by name and none is empty, so that equal sets are equal lists.
        if let known = handlers[labels.labels] { return known }
        guard handlers.count < limit else { throw .series(limit, name) }
        do {
            let group = try layout.makeGroup(labels)
            try registry.add(group)
            let new = handler(group)
            handlers[labels.labels] = new
            return new
        } catch {
            throw .registry(error)
        }
    }

    /// Whether `handler` was the one of its series.
    mutating func forget(_ handler: any SeriesHandler) -> Bool {
        let labels = handler.group.labels.labels
        guard handlers[labels] === handler else { return false }
        handlers[labels] = nil
        return true
    }
}

/// Why a metric is not exposed.
enum Refusal: Error, CustomStringConvertible {
    case reserved(String)
    case families(Int)
    case series(Int, String)
    case otherKind(String)
    case registry(RegistryError)

    /// What happened, and what to do.
    var description: String {
        switch self {
        case .reserved(let name): "\(name) is a name of Holdfast's own; choose another"
        case .families(let limit): "there are \(limit) names of metrics already, which is the limit"
        case .series(let limit, let name):
            "\(name) has \(limit) sets of dimensions already, which is the limit; use dimensions with few values"
        case .otherKind(let name): "\(name) is the name of another kind of metric; choose another"
        case .registry(let error): "\(error)"
        }
    }

    /// The value of the label `reason`.
    var reason: String {
        switch self {
        case .reserved, .otherKind, .registry: "name"
        case .families, .series: "limit"
        }
    }

    static let reasons = ["limit", "name"]
}
