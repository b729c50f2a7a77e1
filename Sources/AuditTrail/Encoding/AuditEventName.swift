/// The events of the audit trail: the values of the key `event`, and of the label `event` of
/// `holdfast_audit_events_total`.
public enum AuditEventName: String, CaseIterable, Sendable {
    /// A stream was started.
    case streamStarted = "stream_started"
    /// A stream is live, for the first time or again.
    case streamLive = "stream_live"
    /// A live connection was lost.
    case connectionLost = "connection_lost"
    /// The delay before the next attempt was drawn.
    case backoffScheduled = "backoff_scheduled"
    /// A reconnect attempt ended, well or badly.
    case websocketReconnection = "websocket_reconnection"
    /// The first attempt of a start failed.
    case connectFailed = "connect_failed"
    /// The server acknowledged a resume.
    case reconnectAck = "reconnect_ack"
    /// What a resume brought back is known.
    case resumeSettled = "resume_settled"
    /// The server took the session but not all of its subscriptions.
    case subscriptionsRejected = "subscriptions_rejected"
    /// Messages between open and acknowledgment were set aside.
    case bufferFlushed = "buffer_flushed"
    /// Sequence numbers were jumped over.
    case sequenceGap = "sequence_gap"
    /// The numbers of a gap all arrived after all.
    case sequenceGapClosed = "sequence_gap_closed"
    /// Sequence numbers were given up as lost.
    case messagesLost = "messages_lost"
    /// The server numbers anew.
    case sequenceReset = "sequence_reset"
    /// A heartbeat was not answered in time.
    case heartbeatTimeout = "heartbeat_timeout"
    /// Nothing was received for too long.
    case silenceTimeout = "silence_timeout"
    /// A new token is in use.
    case tokenRefreshed = "token_refreshed"
    /// A credential or its token was rejected.
    case tokenRejected = "token_rejected"
    /// A hand-over to another connection was planned, went through, or came to nothing.
    case plannedHandover = "planned_handover"
    /// The retry limit was reached.
    case retriesExhausted = "retries_exhausted"
    /// A stream ended.
    case streamStopped = "stream_stopped"
    /// The configuration was read again.
    case configReloaded = "config_reloaded"
    /// A sink can be written to again; what it could not take meanwhile is counted here.
    case auditDropped = "audit_dropped"
}
