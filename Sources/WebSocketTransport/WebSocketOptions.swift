/// What a ``WebSocketConnection`` offers and allows.
public struct WebSocketOptions: Sendable {
    /// How the connection is made.
    public var dial: DialOptions
    /// The largest message taken, in bytes after inflating. A larger one fails the connection with code 1009.
    public var maxMessageSize: Int
    /// Whether permessage-deflate (RFC 7692) is offered.
    public var offersDeflate: Bool
    /// Whether compression may refer to earlier messages: smaller messages for 40 KiB of memory a connection. Only what is
    /// asked of the server: one that does so unasked is understood.
    public var takesContextOver: Bool
    /// The subprotocols offered, in the order of preference (RFC 6455 section 1.9).
    public var subprotocols: [String]
    /// The most that may wait to be written, in bytes. Beyond it `send` reports failure: the peer does not read.
    public var maxOutboundBytes: Int
    /// How long, after the closing handshake or a protocol error, the peer may take to close its side before the
    /// socket is closed under it (RFC 6455 section 7.1.1). The delegate does not wait for it.
    public var lingerTimeout: Duration

    /// The defaults: messages to 1 MiB, deflate without context offered, no subprotocol, 16 MiB outbound, 2 s of linger.
    public init(
        dial: DialOptions = DialOptions(), maxMessageSize: Int = 1 << 20, offersDeflate: Bool = true,
        takesContextOver: Bool = false, subprotocols: [String] = [], maxOutboundBytes: Int = 16 << 20,
        lingerTimeout: Duration = .seconds(2)
    ) {
        self.dial = dial
        self.maxMessageSize = maxMessageSize
        self.offersDeflate = offersDeflate
        self.takesContextOver = takesContextOver
        self.subprotocols = subprotocols
        self.maxOutboundBytes = maxOutboundBytes
        self.lingerTimeout = lingerTimeout
    }
}
