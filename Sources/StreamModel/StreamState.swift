/// What a stream is doing now; the label values of `holdfast_stream_state`.
///
///     idle ──▶ authenticating ──▶ connecting ──▶ subscribing ──▶ live
///                    ▲                 │              │           │
///                    └── backing_off ◀─┴──────────────┴───────────┘
///                             │
///                             └──▶ exhausted          (any) ──▶ stopped
public enum StreamState: String, CaseIterable, Sendable {
    /// Not started yet.
    case idle
    /// An attempt is under way and waits for the connect budget or for its token.
    case authenticating
    /// An attempt is under way and waits for prepared requests, name, socket, TLS or upgrade.
    case connecting
    /// The socket is open; the acknowledgment is awaited.
    case subscribing
    /// Acknowledged, or proven by a message where the protocol has no acknowledgment.
    case live
    /// Waiting for the delay before the next attempt.
    case backingOff = "backing_off"
    /// The retry limit was reached; parked.
    case exhausted
    /// Ended: asked to, or by a close that is final.
    case stopped
}
