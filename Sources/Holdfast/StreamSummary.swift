import StreamModel

/// The figures of one stream, for people.
public struct StreamSummary: Sendable {
    /// The stream's name.
    public let stream: String
    /// What it is doing, as `holdfast_stream_state` calls it.
    public let state: String
    /// The share of expected messages that arrived, 0 to 1; 1 before the first message.
    public let continuity: Double
    /// Messages received while live.
    public let received: UInt64
    /// Sequence numbers given up as lost.
    public let lost: UInt64
    /// Reconnect attempts made.
    public let retries: UInt64
    /// Times the stream became live again.
    public let reconnects: UInt64
    /// From the newest reconnect payload to its acknowledgment.
    public let lastReconnectLatency: Duration?

    init(_ status: StreamStatus) {
        stream = status.identity.name
        state = status.state.rawValue
        continuity = status.tallies.continuity
        received = status.tallies.received
        lost = status.tallies.lost
        retries = status.retries
        reconnects = status.reconnects
        lastReconnectLatency = status.lastReconnectLatency
    }
}
