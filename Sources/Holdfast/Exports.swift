// `import Holdfast` is all that an application needs to say what is to be held and to read what came of it. Not exported
// is MetricsRegistry: its `Counter` and `Gauge` would be ambiguous beside those of swift-metrics.
@_exported public import AuditTrail
@_exported public import Credentials
@_exported public import ExpositionServer
@_exported public import Logging
@_exported public import StreamMetrics
@_exported public import StreamModel
@_exported public import StreamProfiles
@_exported public import StreamRuntime
@_exported public import StreamSupervisor
@_exported public import WebSocketTransport
