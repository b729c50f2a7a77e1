import Holdfast
import HoldfastMetrics
import Metrics

enum MetricsOfYourOwn {
    static func bootstrap(_ configuration: inout ExporterConfiguration) throws {
        let metrics = RegistryMetricsFactory()
        MetricsSystem.bootstrap(metrics)
        configuration.registry = metrics.registry
        configuration.listenAddresses = [try ListenAddress(parsing: ":10046")]
    }

    static func count(_ bytes: Int, _ duration: Duration) {
        let taken = Counter(label: "orders.taken", dimensions: [("market", "de")])
        taken.increment()
        Recorder(label: "order.bytes").record(bytes)
        Timer(label: "order.duration").record(duration: duration)
        Meter(label: "orders.open").increment()
    }

    static func bounds() -> RegistryMetricsFactory {
        var options = RegistryMetricsFactory.Options()
        options.timerBounds = [0.01, 0.1, 1, 10]
        options.bounds["order.bytes"] = [100, 1_000, 10_000]
        options.maximumSeries = 200
        return RegistryMetricsFactory(options: options)
    }
}
