public import StreamModel

/// What happened: facts in the past tense. Each fact about a connection carries its generation; what belongs to an
/// earlier one is ignored.
public enum StreamInput: Hashable, Sendable {
    /// The stream is to be held from now on.
    case started
    /// The stream is to end.
    case stopRequested
    /// A person asked for a reconnect: a fresh cycle for a parked stream, a planned reconnect for a live one.
    case reconnectRequested
    /// The connect budget let this attempt go ahead.
    case permitGranted(generation: UInt64)
    /// The token for this attempt is at hand.
    case tokenObtained(generation: UInt64)
    /// The token endpoint asked to wait; it will be asked again at `until`.
    case tokenThrottled(generation: UInt64, until: Instant)
    /// No token could be had.
    case tokenFailed(generation: UInt64, AttemptFailure)
    /// The WebSocket is open.
    case transportOpened(generation: UInt64, PhaseTimings)
    /// The WebSocket could not be opened.
    case transportFailed(generation: UInt64, AttemptFailure, PhaseTimings)
    /// An open WebSocket has ended.
    case transportClosed(generation: UInt64, Closure)
    /// A message arrived.
    case messageReceived(generation: UInt64, MessageFacts)
    /// What was prepared for an earlier connection, so long ago, serves this one too.
    case preparationReused(generation: UInt64, age: Duration)
    /// The server's hello named the interval at which it wants heartbeats.
    case heartbeatIntervalNamed(generation: UInt64, Duration)
    /// A pong arrived.
    case pongReceived(generation: UInt64)
    /// Time has passed; whatever is due is done.
    case deadlineReached
}

/// What is to be done: orders. They are to be carried out in their order.
public enum StreamAction: Hashable, Sendable {
    /// Ask the connect budget for leave; answer with `permitGranted`.
    case requestPermit(generation: UInt64)
    /// The attempt is over, live or failed: its place in the budget is free again.
    case releasePermit(generation: UInt64)
    /// Ask for a token, fetched no earlier than `notBefore` where that is given.
    case requestToken(generation: UInt64, notBefore: Instant?)
    /// The server refused the token that this generation used, with this status or close code and in these words:
    /// throw it away.
    case discardToken(generation: UInt64, status: Int?, detail: String)
    /// What was prepared for the connections of this stream is no longer good: prepare anew next time.
    case discardPrepared
    /// Make the requests that come first, resolve, connect, secure, upgrade.
    case openTransport(generation: UInt64, resuming: Bool)
    /// Send the messages that subscribe.
    case subscribe(generation: UInt64)
    /// Send the messages that resume after `lastSequence` (0 where no number was seen).
    case resume(generation: UInt64, lastSequence: UInt64, directive: StateDirective)
    /// Send the profile's heartbeat message.
    case sendHeartbeat(generation: UInt64)
    /// Send a WebSocket ping.
    case sendPing(generation: UInt64)
    /// Begin the closing handshake.
    case closeTransport(generation: UInt64, code: UInt16, reason: String)
    /// Give up whatever this generation is doing, at once.
    case abort(generation: UInt64)
    /// Tell whoever listens.
    case emit(StreamEvent)
    /// The retries are used up and the process is to end with status 1.
    case endProcess

    /// What a resume asks the server to do with the session's state.
    public enum StateDirective: String, Hashable, Sendable {
        /// Go on where it was.
        case preserve
        /// Start over: the last resume was refused.
        case reset
    }
}
