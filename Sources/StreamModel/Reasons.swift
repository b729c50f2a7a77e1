/// Why an attempt did not become live; the label values of `holdfast_connect_failures_total`.
public enum ConnectFailureReason: String, CaseIterable, Sendable {
    /// No token could be had.
    case token
    /// The server refused the token: 401 at the handshake, or a close that means 401.
    case refusedToken = "refused_token"
    /// 403.
    case forbidden
    /// 429.
    case throttled
    /// 5xx.
    case gatewayError = "gateway_error"
    /// Any other HTTP status than the one hoped for.
    case httpError = "http_error"
    /// The name did not resolve.
    case dns
    /// The connection was refused.
    case refused
    /// Connecting, securing, upgrading or preparing took too long.
    case timeout
    /// TLS could not be established.
    case tls
    /// Open, but not acknowledged in time.
    case ackTimeout = "ack_timeout"
    /// The server answered the subscription or the resume with a refusal.
    case ackRejected = "ack_rejected"
    /// The peer broke the WebSocket or HTTP protocol.
    case `protocol`
    /// Closed before it became live.
    case closed
    /// Anything else.
    case other
}

/// Why a live connection was lost; the label values of `holdfast_disconnects_total`.
public enum DisconnectReason: String, CaseIterable, Sendable {
    /// The server closed with a code that the profile calls final (1000, 1001).
    case closedNormal = "closed_normal"
    /// The server closed with another code, or the connection ended without a close frame (1006).
    case closedAbnormal = "closed_abnormal"
    /// A close that means that the token is stale.
    case token
    /// A heartbeat was not answered in time.
    case heartbeat
    /// Nothing was received for `silence_timeout`.
    case silence
    /// The peer broke the WebSocket protocol.
    case `protocol`
    /// A message exceeded `max_message_size`.
    case tooLarge = "too_large"
    /// The socket or TLS failed.
    case transport
    /// We closed it to open another: a hand-over, or a person asked for it.
    case planned
    /// We closed it because the stream or the process stops.
    case shutdown
}

/// What a resume brought back; the label values of `holdfast_resumes_total`.
public enum ResumeOutcome: String, CaseIterable, Sendable {
    /// Nothing is missing.
    case full
    /// Some of what was sent meanwhile was lost.
    case partial
    /// The server did not resume: it said so, or it numbers anew.
    case refused
    /// Cannot be told: no sequence, or nothing arrived that would have told.
    case unknown
}

/// The label values of `holdfast_heartbeats_total`.
public enum HeartbeatOutcome: String, CaseIterable, Sendable {
    case answered
    case missed
}

/// The parts of an attempt that are timed; the label values of `holdfast_connect_phase_duration_seconds`.
public enum ConnectPhase: String, CaseIterable, Sendable {
    case token
    case prepare
    case dns
    case tcp
    case tls
    case upgrade
    case ack
}

/// How a token request ended; the label values of `holdfast_token_requests_total`.
public enum TokenOutcome: String, CaseIterable, Sendable {
    case ok
    case throttled
    case rejected
    case error
}

/// How a reconnect attempt ended; `status` in the audit trail.
public enum AttemptStatus: String, CaseIterable, Sendable {
    case success
    case failure
    case timeout
}
