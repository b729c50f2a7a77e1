// The unsafe pointers to payloads are valid during the call.

public import NIOCore
public import StreamModel
public import WebSocketCodec
public import WebSocketTransport

/// What opens connections and sends requests: the network, or a simulation of one.
public protocol StreamConnecting: Sendable {
    /// A connection that opens itself once it is started. Called on `loop`.
    func connection(
        _ request: ConnectionRequest, on loop: any EventLoop, delegate: any StreamConnectionDelegate
    ) -> any StreamConnection
    /// One HTTP request; the future fails with `DialFailure` only.
    func send(
        _ request: HTTPExchangeRequest, timeout: Duration, maxBodySize: Int, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse>
}

/// What a connection is to be like.
public struct ConnectionRequest: Sendable {
    /// The generation that every call to the delegate carries.
    public var generation: UInt64
    /// Where to.
    public var target: ConnectTarget
    /// Headers of the handshake.
    public var headers: [HTTPHeaderField]
    /// Subprotocols offered.
    public var subprotocols: [String]
    /// The largest message taken, in bytes after inflating.
    public var maxMessageSize: Int
    /// How long everything up to the 101 may take.
    public var timeout: Duration
}

/// One WebSocket. Bound to its event loop.
public protocol StreamConnection: AnyObject {
    /// Begins to connect.
    func start()
    /// Sends a text message; false where it could not be.
    func send(text: [UInt8]) -> Bool
    /// Sends a ping; false where it could not be.
    func sendPing() -> Bool
    /// Begins the closing handshake.
    func close(code: UInt16, reason: String)
    /// Ends it at once. The delegate hears nothing more.
    func abort()
    /// The bytes received and sent so far.
    var traffic: (received: UInt64, sent: UInt64) { get }
}

/// Hears what happens to a ``StreamConnection``, on its event loop.
public protocol StreamConnectionDelegate: AnyObject {
    /// The WebSocket is open.
    func connectionOpened(_ generation: UInt64, phases: PhaseTimings)
    /// The WebSocket could not be opened.
    func connectionFailed(_ generation: UInt64, _ failure: DialFailure)
    /// Whole messages that arrived together, in their order; they are valid during the call.
    func connectionReceived(_ generation: UInt64, _ messages: UnsafeBufferPointer<WebSocketMessage>)
    /// A pong.
    func connectionReceivedPong(_ generation: UInt64)
    /// A batch of reads is over.
    func connectionReadCompleted(_ generation: UInt64)
    /// An open connection has ended.
    func connectionClosed(_ generation: UInt64, _ closure: WebSocketClosure)
}

extension StreamConnectionDelegate {
    /// One whole message; `payload` is valid during the call.
    public func connectionReceived(_ generation: UInt64, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        withUnsafePointer(to: WebSocketMessage(kind, payload)) {
            connectionReceived(generation, UnsafeBufferPointer(start: $0, count: 1))
        }
    }
}
