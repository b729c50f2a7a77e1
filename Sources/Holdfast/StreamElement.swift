public import StreamModel

/// What a held stream gives to an application: its messages, and between them, in their place, what is missing.
public enum StreamElement: Hashable, Sendable {
    /// A message. Numbered ones come in the order of their numbers, each once.
    case message(StreamMessage)
    /// Numbers that were given up as lost: no message of them comes any more.
    case gap(SequenceRange)
    /// The server numbers anew, from `baseline` on.
    case reset(baseline: UInt64)
    /// The live connection was lost. Where the protocol has no numbers, this is all that can be known of a loss.
    case interrupted(DisconnectReason)
    /// The stream is live again after `outage`.
    case restored(outage: Duration)
    /// The application did not keep up: so many elements were dropped here.
    case dropped(count: Int)
}

/// A message of a held stream.
public struct StreamMessage: Hashable, Sendable {
    /// Its number; nil where it has none.
    public let sequence: UInt64?
    /// The payload: UTF-8 where the protocol sends text.
    public let payload: [UInt8]

    /// A message.
    public init(sequence: UInt64?, payload: [UInt8]) {
        self.sequence = sequence
        self.payload = payload
    }
}
