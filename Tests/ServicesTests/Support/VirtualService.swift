import NIOCore
import StreamModel
import StreamRuntime
import WebSocketCodec

@testable import WebSocketTransport

/// A service without sockets, in the time of an event loop that a test moves on by hand.
///
/// `@unchecked Sendable`: everything happens on the one thread of the test, which runs the embedded loop.
final class VirtualService: StreamConnecting, @unchecked Sendable {
    /// What a service makes of a handshake.
    enum Handshake {
        case accepted
        case refused(status: Int)
        /// No answer at all.
        case unanswered
    }

    struct Answer {
        var status = 200
        var body = ""
    }

    /// The HTTP requests so far, as `METHOD path?query`.
    private(set) var requests: [String] = []
    /// The bodies of those, and the tokens that they carried.
    private(set) var bodies: [String] = []
    private(set) var authorizations: [String] = []
    /// The connections so far; the first is that of the first attempt that came as far.
    private(set) var connections: [VirtualConnection] = []

    /// Answers an HTTP request, given `METHOD path?query`.
    var answer: (String) -> Answer = { _ in Answer(status: 404) }
    /// Decides on a handshake.
    var handshake: (VirtualConnection) -> Handshake = { _ in .accepted }
    /// Right after an accepted handshake.
    var opened: (VirtualConnection) -> Void = { _ in }
    /// A message of the client's.
    var received: (VirtualConnection, String) -> Void = { _, _ in }

    func connection(
        _ request: ConnectionRequest, on loop: any EventLoop, delegate: any StreamConnectionDelegate
    ) -> any StreamConnection {
        let connection = VirtualConnection(request, self, loop, delegate)
        connections.append(connection)
        return connection
    }

    func send(
        _ request: HTTPExchangeRequest, timeout: Duration, maxBodySize: Int, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse> {
        let line = "\(request.method) \(request.target.requestTarget)"
        requests.append(line)
        bodies.append(String(decoding: request.body, as: UTF8.self))
        authorizations.append(request.headers.first { $0.name == "Authorization" }?.value ?? "")
        let answer = answer(line)
        return loop.makeSucceededFuture(
            HTTPExchangeResponse(
                status: answer.status, headers: [], body: Array(answer.body.utf8), phases: DialPhases()))
    }

    /// How many requests begin so.
    func count(_ prefix: String) -> Int {
        requests.count { $0.hasPrefix(prefix) }
    }
}

/// One WebSocket of a ``VirtualService``.
final class VirtualConnection: StreamConnection {
    let request: ConnectionRequest
    /// When it was dialled.
    private(set) var startedAt: Instant?
    /// The messages of the client's.
    private(set) var messages: [String] = []
    /// The code of the client's close frame.
    private(set) var closeCode: UInt16?
    private(set) var isAborted = false
    private(set) var isOpen = false
    private let service: VirtualService
    private let loop: any EventLoop
    private weak var delegate: (any StreamConnectionDelegate)?

    init(
        _ request: ConnectionRequest, _ service: VirtualService, _ loop: any EventLoop,
        _ delegate: any StreamConnectionDelegate
    ) {
        self.request = request
        self.service = service
        self.loop = loop
        self.delegate = delegate
    }

    /// The value of a header of the handshake.
    func header(_ name: String) -> String? { request.headers.first { $0.name == name }?.value }

    /// Where it went.
    var address: String { "\(request.target.scheme.rawValue)://\(host)\(requestTarget)" }
    var host: String { request.target.host }
    var path: String { request.target.path }
    var query: String? { request.target.query }
    var requestTarget: String { request.target.requestTarget }

    // MARK: The client's side

    var traffic: (received: UInt64, sent: UInt64) { (0, 0) }

    func start() {
        startedAt = Instant(nanoseconds: Int64(loop.now.uptimeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.shakeHands() }
    }

    private func shakeHands() {
        guard !isAborted else { return }
        switch service.handshake(self) {
        case .accepted:
            isOpen = true
            delegate?.connectionOpened(request.generation, phases: PhaseTimings())
            service.opened(self)
        case .refused(let status):
            let refusal = HTTPRefusal(status: status, headers: [], body: [])
            let failure = DialFailure(.refusedByServer(refusal), phases: DialPhases(), text: "status \(status)")
            delegate?.connectionFailed(request.generation, failure)
        case .unanswered:
            break
        }
    }

    func send(text: [UInt8]) -> Bool {
        guard isOpen, closeCode == nil else { return false }
        let message = String(decoding: text, as: UTF8.self)
        messages.append(message)
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.service.received(bound.value, message) }
        return true
    }

    func sendPing() -> Bool {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute {
            let connection = bound.value
            if connection.isOpen { connection.delegate?.connectionReceivedPong(connection.request.generation) }
        }
        return true
    }

    func close(code: UInt16, reason: String) {
        closeCode = code
    }

    func abort() {
        isAborted = true
        isOpen = false
        delegate = nil
    }

    // MARK: The service's side

    /// A message to the client.
    func give(_ text: String) {
        Array(text.utf8).withUnsafeBytes { delegate?.connectionReceived(request.generation, .text, $0) }
        delegate?.connectionReadCompleted(request.generation)
    }

    /// The service's answer to the client's close frame, or a close of its own; 1006: without a frame.
    func end(_ code: UInt16 = 1006, reason: String = "") {
        guard isOpen else { return }
        isOpen = false
        let origin: WebSocketClosure.Origin = closeCode != nil ? .local : code == 1006 ? .endOfStream : .peer
        delegate?.connectionClosed(
            request.generation, WebSocketClosure(origin: origin, code: code, reason: reason))
    }
}
