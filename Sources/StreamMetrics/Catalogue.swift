public import MetricsRegistry

extension StreamMetrics {
    /// One metric as people find it: what it is, and which labels it always has.
    public struct CatalogueEntry: Hashable, Sendable {
        /// Name, type, help, unit, and the metric's own label with its closed set of values.
        public let family: MetricFamily
        /// The labels of the group that it belongs to; a stream's extra labels come on top.
        public let groupLabels: [String]

        /// All labels that its series always have, in the order in which they are exposed.
        public var labels: [String] {
            groupLabels + (family.dimension.map { [$0.label] } ?? [])
        }
    }

    /// Every metric that Holdfast exposes, in the order in which it does.
    public static let catalogue: [CatalogueEntry] = {
        let parts: [([MetricFamily], [String])] = [
            (StreamKeys().declaration.families, ["stream", "profile"]),
            (ProfileKeys().declaration.families, ["profile"]),
            (CredentialKeys().declaration.families, ["credential"]),
            (ProcessKeys(auditEvents: auditEvents).declaration.families, []),
            (SinkKeys().declaration.families, ["sink"]),
            (BuildKeys().declaration.families, ["version", "swift"]),
            (ProcessMetrics.families, []),
        ]
        return parts.flatMap { families, labels in
            families.map { CatalogueEntry(family: $0, groupLabels: labels) }
        }
    }()

    /// The events of the audit trail: the values of the label `event`.
    public static let auditEvents = [
        "websocket_reconnection", "stream_started", "stream_live", "connection_lost", "backoff_scheduled",
        "reconnect_ack", "buffer_flushed", "sequence_gap", "sequence_gap_closed", "messages_lost", "sequence_reset",
        "heartbeat_timeout", "silence_timeout", "token_refreshed", "token_rejected", "planned_handover",
        "retries_exhausted", "stream_stopped", "config_reloaded", "connect_failed",
        "subscriptions_rejected", "resume_settled", "audit_dropped",
    ]

    /// Names that a stream's extra labels may not have, besides those that begin with `__`: one would overwrite a label
    /// that a metric has of its own, or be taken for it in a query.
    public static let reservedLabels: Set<String> = [
        "stream", "profile", "credential", "reason", "state", "outcome", "phase", "event", "sink", "le", "quantile",
    ]
}
