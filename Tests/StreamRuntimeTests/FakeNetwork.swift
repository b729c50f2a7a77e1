import NIOCore
import StreamModel
import WebSocketCodec

@testable import StreamRuntime
@testable import WebSocketTransport

/// A network that does nothing by itself: tests say what becomes of every connection and every request.
///
/// Unchecked: a test and its embedded loop run on one thread.
final class FakeNetwork: StreamConnecting, @unchecked Sendable {
    struct Request {
        let exchange: HTTPExchangeRequest
        let timeout: Duration
        let promise: EventLoopPromise<HTTPExchangeResponse>

        /// Method and path, as in a log.
        var line: String { "\(exchange.method) \(exchange.target.requestTarget)" }
        var body: String { String(decoding: exchange.body, as: UTF8.self) }

        func answer(_ status: Int, _ body: String = "", retryAfter: String? = nil) {
            promise.succeed(
                HTTPExchangeResponse(
                    status: status, headers: retryAfter.map { [HTTPHeaderField("Retry-After", $0)] } ?? [],
                    body: Array(body.utf8), phases: DialPhases()))
        }

        func grant(_ token: String, lifetime: Int = 3600) {
            answer(200, #"{"access_token":"\#(token)","token_type":"bearer","expires_in":\#(lifetime)}"#)
        }

        func fail(_ kind: DialFailure.Kind) {
            promise.fail(DialFailure(kind, phases: DialPhases(), text: "no answer"))
        }
    }

    var connections: [FakeConnection] = []
    var requests: [Request] = []

    /// The newest connection.
    var newest: FakeConnection? { connections.last }

    /// Who hears of the connection of this generation, for what a careless network would still tell it.
    func delegate(of generation: UInt64) -> (any StreamConnectionDelegate)? { delegates[generation] }
    private var delegates: [UInt64: any StreamConnectionDelegate] = [:]
    /// Holds on to nothing that was made with it.
    func forget() {
        delegates = [:]
        connections = []
        requests = []
    }

    func connection(
        _ request: ConnectionRequest, on loop: any EventLoop, delegate: any StreamConnectionDelegate
    ) -> any StreamConnection {
        let connection = FakeConnection(request, delegate)
        connections.append(connection)
        delegates[request.generation] = delegate
        return connection
    }

    func send(
        _ request: HTTPExchangeRequest, timeout: Duration, maxBodySize: Int, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse> {
        let promise = loop.makePromise(of: HTTPExchangeResponse.self)
        requests.append(Request(exchange: request, timeout: timeout, promise: promise))
        return promise.futureResult
    }
}

/// A WebSocket whose peer is the test. As the real one does, it tells its delegate nothing after an abort.
final class FakeConnection: StreamConnection {
    let request: ConnectionRequest
    private weak var delegate: (any StreamConnectionDelegate)?
    private(set) var isStarted = false
    private(set) var isAborted = false
    private(set) var sent: [String] = []
    private(set) var pings = 0
    private(set) var closeCodes: [UInt16] = []
    var traffic: (received: UInt64, sent: UInt64) = (0, 0)
    /// What happens in the middle of a `send`, for calls that come back while orders are carried out.
    var whileSending: (() -> Void)?

    init(_ request: ConnectionRequest, _ delegate: any StreamConnectionDelegate) {
        self.request = request
        self.delegate = delegate
    }

    // MARK: What the driver does

    func start() { isStarted = true }

    func send(text: [UInt8]) -> Bool {
        sent.append(String(decoding: text, as: UTF8.self))
        traffic.sent += UInt64(text.count)
        whileSending?()
        return true
    }

    func sendPing() -> Bool {
        pings += 1
        return true
    }

    func close(code: UInt16, reason: String) { closeCodes.append(code) }

    func abort() {
        isAborted = true
        delegate = nil
    }

    // MARK: What the peer does

    func open(_ phases: PhaseTimings = PhaseTimings()) {
        delegate?.connectionOpened(request.generation, phases: phases)
    }

    func fail(_ kind: DialFailure.Kind) {
        delegate?.connectionFailed(
            request.generation, DialFailure(kind, phases: DialPhases(), text: "it did not open"))
    }

    func refuse(_ status: Int, retryAfter: String? = nil, body: String = "") {
        let headers = retryAfter.map { [HTTPHeaderField("Retry-After", $0)] } ?? []
        fail(.refusedByServer(HTTPRefusal(status: status, headers: headers, body: Array(body.utf8))))
    }

    /// Delivers messages as one batch of reads.
    func receive(_ messages: String...) { receive(batch: messages) }

    func receive(batch messages: [String]) {
        let bytes = messages.flatMap { Array($0.utf8) }
        traffic.received += UInt64(bytes.count)
        bytes.withUnsafeBytes { all in
            var start = 0
            let batch = messages.map { message in
                defer { start += message.utf8.count }
                let payload = UnsafeRawBufferPointer(rebasing: all[start..<(start + message.utf8.count)])
                return WebSocketMessage(.text, payload)
            }
            batch.withUnsafeBufferPointer { delegate?.connectionReceived(request.generation, $0) }
        }
        delegate?.connectionReadCompleted(request.generation)
    }

    /// Delivers one message of a batch that goes on.
    func deliver(_ message: String) {
        traffic.received += UInt64(message.utf8.count)
        Array(message.utf8).withUnsafeBytes { delegate?.connectionReceived(request.generation, .text, $0) }
    }

    func pong() { delegate?.connectionReceivedPong(request.generation) }

    func close(_ code: UInt16, _ reason: String = "", origin: WebSocketClosure.Origin = .peer) {
        delegate?.connectionClosed(
            request.generation, WebSocketClosure(origin: origin, code: code, reason: reason))
    }
}

extension WebSocketClosure {
    static let stale = WebSocketClosure(origin: .peer, code: 1000, reason: "")
}

extension DialFailure {
    static let stale = DialFailure(.refused, phases: DialPhases(), text: "late")
}
