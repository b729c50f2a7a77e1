// The unsafe pointers to payloads are valid during the call, and only handed on in it.

public import NIOCore
import StreamModel
import WebSocketCodec
public import WebSocketTransport

/// The real network: WebSocketTransport with the TLS and proxy settings of the configuration.
public struct NetworkConnecting: StreamConnecting {
    private let tls: TLSOptions
    private let proxies: ProxySettings

    /// Connections with these settings.
    public init(tls: TLSOptions = TLSOptions(), proxies: ProxySettings = ProxySettings()) {
        self.tls = tls
        self.proxies = proxies
    }

    /// A WebSocket over TCP.
    public func connection(
        _ request: ConnectionRequest, on loop: any EventLoop, delegate: any StreamConnectionDelegate
    ) -> any StreamConnection {
        NetworkConnection(request, options: dial(request.target, timeout: request.timeout), loop, delegate)
    }

    /// An HTTP request over TCP.
    public func send(
        _ request: HTTPExchangeRequest, timeout: Duration, maxBodySize: Int, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse> {
        HTTPExchange.send(
            request, options: dial(request.target, timeout: timeout), maxBodySize: maxBodySize, on: loop)
    }

    private func dial(_ target: ConnectTarget, timeout: Duration) -> DialOptions {
        DialOptions(connectTimeout: timeout, tls: tls, proxy: proxies.proxy(for: target))
    }
}

/// Tells a ``StreamConnectionDelegate`` what a `WebSocketConnection` does, under its generation.
private final class NetworkConnection: StreamConnection, WebSocketDelegate {
    private let generation: UInt64
    /// Held until the connection has ended: a weak reference costs each message more than its parsing.
    private var delegate: (any StreamConnectionDelegate)?
    private var connection: WebSocketConnection?
    private var finalTraffic: (received: UInt64, sent: UInt64) = (0, 0)

    init(
        _ request: ConnectionRequest, options: DialOptions, _ loop: any EventLoop,
        _ delegate: any StreamConnectionDelegate
    ) {
        generation = request.generation
        self.delegate = delegate
        let webSocket = WebSocketOptions(
            dial: options, maxMessageSize: request.maxMessageSize, subprotocols: request.subprotocols)
        connection = WebSocketConnection(
            loop: loop, target: request.target, headers: request.headers, options: webSocket, delegate: self)
    }

    var traffic: (received: UInt64, sent: UInt64) {
        connection.map { ($0.bytesReceived, $0.bytesSent) } ?? finalTraffic
    }

    func start() {
        connection?.start()
    }

    func send(text: [UInt8]) -> Bool {
        guard let connection else { return false }
        return text.withUnsafeBytes { bytes in
            do {
                try connection.send(.text, bytes)
                return true
            } catch {
                return false
            }
        }
    }

    func sendPing() -> Bool {
        (try? connection?.sendPing()) != nil
    }

    func close(code: UInt16, reason: String) {
        connection?.close(code: code, reason: reason)
    }

    func abort() {
        delegate = nil
        connection?.abort()
    }

    // MARK: WebSocketDelegate

    func webSocketOpened(_ connection: WebSocketConnection, _ opening: WebSocketOpening) {
        delegate?.connectionOpened(generation, phases: PhaseTimings(opening.phases))
    }

    func webSocketFailed(_ connection: WebSocketConnection, _ failure: DialFailure) {
        end(connection)?.connectionFailed(generation, failure)
    }

    func webSocketReceived(
        _ connection: WebSocketConnection, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer
    ) {
        delegate?.connectionReceived(generation, kind, payload)
    }

    func webSocketReceived(_ connection: WebSocketConnection, _ messages: UnsafeBufferPointer<WebSocketMessage>) {
        delegate?.connectionReceived(generation, messages)
    }

    func webSocketReceivedPong(_ connection: WebSocketConnection, _ payload: UnsafeRawBufferPointer) {
        delegate?.connectionReceivedPong(generation)
    }

    func webSocketReadCompleted(_ connection: WebSocketConnection) {
        delegate?.connectionReadCompleted(generation)
    }

    func webSocketClosed(_ connection: WebSocketConnection, _ closure: WebSocketClosure) {
        end(connection)?.connectionClosed(generation, closure)
    }

    private func end(_ connection: WebSocketConnection) -> (any StreamConnectionDelegate)? {
        finalTraffic = (connection.bytesReceived, connection.bytesSent)
        self.connection = nil
        defer { delegate = nil }
        return delegate
    }
}

extension PhaseTimings {
    /// The phases of a dial by the names that metrics know; a proxy's answer belongs to the TCP phase.
    init(_ phases: DialPhases) {
        self.init()
        self[.dns] = phases.dns
        if let tcp = phases.tcp { self[.tcp] = tcp + (phases.proxy ?? .zero) }
        self[.tls] = phases.tls
        self[.upgrade] = phases.answer
    }
}
