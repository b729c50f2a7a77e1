public import AuditTrail
public import ExpositionServer
public import MetricsRegistry
public import StreamRuntime
public import StreamSupervisor
public import WebSocketTransport

/// Everything that an exporter does, as a value: what a configuration file says, or an application.
public struct ExporterConfiguration: Sendable {
    /// The streams and their credentials.
    public var plan: RuntimePlan
    /// TLS towards gateways.
    public var tls = TLSOptions()
    /// The proxies towards gateways.
    public var proxies = ProxySettings()
    /// Handshakes allowed for each host and credential.
    public var budget = ConnectBudget.Limits()
    /// Where the audit trail goes. Its redaction is set by the exporter.
    public var audit = AuditTrailConfiguration()
    /// Where cursors survive a restart; nil: in memory only.
    public var stateDirectory: String?
    /// Where the HTTP endpoint listens; empty: there is none.
    public var listenAddresses: [ListenAddress] = []
    /// The endpoint's path, limits and lifecycle routes.
    public var server = ExpositionServer.Options()
    /// TLS, users and headers of the endpoint.
    public var web: WebConfiguration?
    /// Where the metrics are registered, beside others of the application's own; nil: in a registry of the exporter's. One
    /// registry serves one exporter.
    public var registry: MetricsRegistry?
    /// Seeds all jitter, and the identifiers of attempts; nil: a random seed.
    public var seed: UInt64?
    /// Event loops; 0: as many as there are cores.
    public var threads = 0
    /// The process's environment, for tokens.
    public var environment: [String: String] = [:]

    /// An exporter of these streams, without an endpoint.
    public init(plan: RuntimePlan) {
        self.plan = plan
    }
}
