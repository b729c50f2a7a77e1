import MetricsRegistry
import NIOConcurrencyHelpers

/// Counts what is not exposed, and knows which names were logged.
struct RefusalCounters: Sendable {
    /// Names that are remembered as logged; those beyond are logged no more.
    private static let nameLimit = 100

    private let counters: [String: Counter]
    private let logged = NIOLockedValueBox<Set<String>>([])

    /// Nil where another factory counts in this registry.
    init?(_ registry: MetricsRegistry) {
        var declaration = SeriesDeclaration(writers: .many)
        let key = declaration.counter(
            "metrics_backend_refused_total", "Metrics of the application that are not exposed, by why.",
            by: .init("reason", Refusal.reasons))
        guard let group = try? registry.register(declaration).makeGroup(), (try? registry.add(group)) != nil else {
            return nil
        }
        var counters: [String: Counter] = [:]
        for (index, reason) in Refusal.reasons.enumerated() { counters[reason] = group[key, index] }
        self.counters = counters
    }

    /// Counts it, and tells whether `name` is to be logged.
    func count(_ refusal: Refusal, of name: String) -> Bool {
        counters[refusal.reason]?.increment()
        return logged.withLockedValue { logged in
            logged.count < Self.nameLimit && logged.insert(name).inserted
        }
    }
}
