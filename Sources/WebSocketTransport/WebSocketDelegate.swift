// The unsafe pointers to payloads are valid during the call.

public import WebSocketCodec

/// Hears what happens to a ``WebSocketConnection``; every call is made on the connection's event loop.
///
/// A connection that was started ends in exactly one of `webSocketFailed` and `webSocketClosed`, also when this side
/// aborts it; nothing follows that call. The connection keeps its delegate alive until then.
public protocol WebSocketDelegate: AnyObject {
    /// The handshake is done. Frames that came together with the 101 follow at once.
    func webSocketOpened(_ connection: WebSocketConnection, _ opening: WebSocketOpening)
    /// The connection did not open.
    func webSocketFailed(_ connection: WebSocketConnection, _ failure: DialFailure)
    /// A whole message. `payload` is valid during the call; text has been checked to be UTF-8.
    func webSocketReceived(
        _ connection: WebSocketConnection, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer)
    /// Whole messages that arrived together, in the order of the wire. Both the messages and their payloads are valid
    /// during the call. Whoever has nothing to gain from seeing them together leaves this out and is given them one by
    /// one.
    func webSocketReceived(_ connection: WebSocketConnection, _ messages: UnsafeBufferPointer<WebSocketMessage>)
    /// A pong, asked for or not. `payload`, at most 125 bytes, is valid during the call.
    func webSocketReceivedPong(_ connection: WebSocketConnection, _ payload: UnsafeRawBufferPointer)
    /// A batch of reads is over: the moment to publish tallies. Comes before `webSocketClosed` of the same batch.
    func webSocketReadCompleted(_ connection: WebSocketConnection)
    /// An open connection has ended.
    func webSocketClosed(_ connection: WebSocketConnection, _ closure: WebSocketClosure)
}

extension WebSocketDelegate {
    /// Hands the messages over one by one. A delegate that aborts in the middle hears nothing of the rest.
    public func webSocketReceived(
        _ connection: WebSocketConnection, _ messages: UnsafeBufferPointer<WebSocketMessage>
    ) {
        for message in messages where connection.delivers {
            webSocketReceived(connection, message.kind, message.payload)
        }
    }
}

/// A whole message where it lies: valid during the call that hands it over. Text has been checked to be UTF-8.
public struct WebSocketMessage {
    /// Text or bytes.
    public let kind: MessageKind
    /// The message.
    public let payload: UnsafeRawBufferPointer

    /// The message at `payload`.
    public init(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        self.kind = kind
        self.payload = payload
    }
}

/// What was agreed when a connection opened.
public struct WebSocketOpening: Sendable {
    /// How long each phase took.
    public let phases: DialPhases
    /// The headers of the 101.
    public let headers: [HTTPHeaderField]
    /// The subprotocol that the server chose, of those offered.
    public let subprotocol: String?
    /// Whether permessage-deflate (RFC 7692) is on.
    public let isCompressed: Bool
}

/// How an open connection ended.
public struct WebSocketClosure: Sendable, Hashable {
    /// Who or what ended it.
    public enum Origin: Sendable, Hashable {
        /// The peer sent a close frame first.
        case peer
        /// The connection ended without a close frame (RFC 6455 section 7.1.5).
        case endOfStream
        /// The peer broke the protocol and we failed the connection (section 7.1.7).
        case protocolError
        /// A message was larger than allowed.
        case tooLarge
        /// The socket or TLS failed.
        case transport
        /// We closed it: the close handshake is over, or `abort` was called.
        case local
    }

    /// Who or what ended it.
    public let origin: Origin
    /// The code of the peer's close frame, 1005 where the frame had none, 1006 where there was no frame.
    public let code: UInt16
    /// The reason of the peer's close frame, at most 123 bytes of text from outside, or what went wrong.
    public let reason: String

    package init(origin: Origin, code: UInt16, reason: String) {
        self.origin = origin
        self.code = code
        self.reason = reason
    }
}
