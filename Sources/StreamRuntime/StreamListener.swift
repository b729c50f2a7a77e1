// The unsafe pointers to payloads are valid during the call.

public import StreamModel

/// Hears what happens to one stream. Every call is made on that stream's event loop, in the order in which things
/// happened; a listener must not block.
public protocol StreamListener: Sendable {
    /// Something happened.
    func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime)
    /// Something happened to the stream's credential, on this stream's behalf.
    func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime)
    /// A batch of reads is over, or time has changed what is counted.
    func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?)
    /// So many bytes went over the wire.
    func streamMoved(received: UInt64, sent: UInt64)
    /// An attempt waited so long for the connect budget.
    func streamWaitedForBudget(_ duration: Duration)
    /// A message arrived while live. `payload` is valid during the call.
    func streamReceived(_ facts: MessageFacts, payload: UnsafeRawBufferPointer)
    /// Whether ``streamReceived(_:payload:)`` is to be called at all.
    var wantsMessages: Bool { get }
}

extension StreamListener {
    /// Messages are not wanted.
    public var wantsMessages: Bool { false }

    /// Does nothing.
    public func streamReceived(_ facts: MessageFacts, payload: UnsafeRawBufferPointer) {}
}
