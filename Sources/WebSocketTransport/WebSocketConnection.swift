// The unsafe pointers are to payloads of the caller, valid during the call, in which they are copied.

public import NIOCore
public import WebSocketCodec

/// A WebSocket connection of a client (RFC 6455), from resolving the name to the last byte.
///
/// It belongs to one event loop: every call, `init` apart, is made there, and the delegate is called there. It never
/// follows a redirect and never dials again; that is for the one who made it.
///
/// Pings are answered with pongs by itself, the newest alone where the peer sends more than it reads. A close frame of
/// the peer is answered with its own code. A peer that breaks the protocol is sent the fitting close code.
public final class WebSocketConnection {
    /// Where it connects to.
    public let target: ConnectTarget
    /// The event loop that it belongs to.
    public let loop: any EventLoop
    /// Whatever the owner wants to tell its connections apart by, such as a generation. Not used here.
    public var tag: UInt64 = 0
    /// The bytes received, after TLS: the 101 and the frames' headers included.
    public internal(set) var bytesReceived: UInt64 = 0
    /// The bytes handed to the socket, before TLS: the request and the frames' headers included.
    public internal(set) var bytesSent: UInt64 = 0
    /// Whether messages can be sent: opened, and neither closed nor closing.
    public var isOpen: Bool {
        if case .attached(let handler) = state { handler.isOpen } else { false }
    }

    var delivers: Bool {
        if case .attached(let handler) = state { handler.delivers } else { false }
    }

    let options: WebSocketOptions
    /// Held until the last call to it, so that an owner that lets go can't miss the end.
    private(set) var delegate: (any WebSocketDelegate)?

    private enum State {
        case idle
        case dialing(Dial)
        case attached(WebSocketHandler)
        case ended
    }

    /// Empty once they are sent.
    private var headers: [HTTPHeaderField]
    private var state = State.idle
    /// Nil once the connection is open.
    private var dial: Dial?
    private var deadline: Scheduled<Void>?

    /// A connection that ``start()`` opens.
    ///
    /// - Parameters:
    ///   - loop: the event loop that it belongs to.
    ///   - target: a `ws` or `wss` URL (`http` and `https` are taken as those).
    ///   - headers: sent with the handshake, such as `Authorization`; those of the handshake itself are refused.
    ///   - options: what it offers and allows.
    ///   - delegate: hears what happens; held until the connection has ended.
    public init(
        loop: any EventLoop, target: ConnectTarget, headers: [HTTPHeaderField] = [],
        options: WebSocketOptions = WebSocketOptions(), delegate: any WebSocketDelegate
    ) {
        self.loop = loop
        self.target = target
        self.headers = headers
        self.options = options
        self.delegate = delegate
        dial = Dial(target: target, options: options.dial, loop: loop)
    }

    // MARK: Opening

    /// Begins to connect. A second call does nothing. The delegate hears nothing before this call has returned.
    public func start() {
        loop.assertInEventLoop()
        guard case .idle = state, let dial else { return }
        state = .dialing(dial)
        setDeadline()
        // Deferred, since an address needs no look-up and an error could come at once.
        loop.assumeIsolated().execute { [self] in
            guard case .dialing = state else { return }
            dial.start { result in
                switch result {
                case .success(let channel): self.attach(to: channel)
                case .failure(let failure): self.end(failure)
                }
            }
        }
    }

    /// Performs the handshake on a channel that is connected already.
    func attach(to channel: any Channel) {
        do {
            let handshake = try ClientHandshake(
                host: target.hostHeader, target: target.requestTarget, headers: headers.map { ($0.name, $0.value) },
                subprotocols: options.subprotocols, offersDeflate: options.offersDeflate,
                takesContextOver: options.takesContextOver,
                nonce: (.random(in: .min ... .max), .random(in: .min ... .max)))
            guard channel.isActive else {
                return fail(.closed, "\(target) closed the connection before it was asked anything")
            }
            headers = []
            let handler = WebSocketHandler(connection: self, handshake: handshake)
            state = .attached(handler)
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch let error as HandshakeError {
            channel.close(mode: .all, promise: nil)
            fail(.other, "the request to \(target) can't be sent: \(error)")
        } catch {
            channel.close(mode: .all, promise: nil)
            fail(.closed, "\(target) closed the connection: \(errorWords(error))")
        }
    }

    private func setDeadline() {
        let time = TimeAmount(options.dial.connectTimeout)
        deadline = loop.assumeIsolated().scheduleTask(in: time) { [weak self] in self?.deadlineReached() }
    }

    /// Internal for tests, which must not wait for time to pass.
    func deadlineReached() {
        switch state {
        case .idle, .ended: break
        case .dialing(let dial):
            dial.cancel()
            fail(.timeout(dial.phase), timeoutText(dial.phase))
        case .attached(let handler): handler.handshakeDeadlineReached()
        }
    }

    func timeoutText(_ phase: DialPhase) -> String {
        "no connection to \(target) within \(options.dial.connectTimeout): the time was over while \(phase.words)"
    }

    // MARK: Using

    /// Sends a message of text.
    ///
    /// - Throws: ``WebSocketSendError`` where nothing was sent.
    public func send(text: String) throws(WebSocketSendError) {
        let bytes = Array(text.utf8)
        try send(.text, bytes)
    }

    /// Sends a message of bytes.
    ///
    /// - Throws: ``WebSocketSendError`` where nothing was sent.
    public func send(binary bytes: [UInt8]) throws(WebSocketSendError) {
        try send(.binary, bytes)
    }

    private func send(_ kind: MessageKind, _ bytes: [UInt8]) throws(WebSocketSendError) {
        let result = bytes.withUnsafeBytes { payload in
            Result { () throws(WebSocketSendError) in try send(kind, payload) }
        }
        try result.get()
    }

    /// Sends a message; `payload` is copied during the call. Text has to be UTF-8.
    ///
    /// - Throws: ``WebSocketSendError`` where nothing was sent.
    public func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) throws(WebSocketSendError) {
        guard case .attached(let handler) = state else { throw .notOpen }
        try handler.send(kind, payload)
    }

    /// Sends a ping (RFC 6455 section 5.5.2).
    ///
    /// - Parameter payload: at most 125 bytes; what is beyond is cut off.
    /// - Throws: ``WebSocketSendError`` where nothing was sent.
    public func sendPing(_ payload: [UInt8] = []) throws(WebSocketSendError) {
        guard case .attached(let handler) = state else { throw .notOpen }
        try handler.sendPing(payload)
    }

    /// Begins the closing handshake (RFC 6455 section 7.1.2); messages that were on the way are still delivered.
    ///
    /// There is no deadline for the peer's answer: a caller that won't wait any longer calls ``abort()``. Before the
    /// connection is open, this is the same as ``abort()``; after it is closed or closing, nothing.
    ///
    /// - Parameters:
    ///   - code: 1000, or another that may be sent; one that may not gives a close frame without code.
    ///   - reason: cut to 123 bytes.
    public func close(code: UInt16 = CloseCode.normal, reason: String = "") {
        guard case .attached(let handler) = state, handler.isHandshakeDone else { return abort() }
        handler.close(code: code, reason: reason)
    }

    /// Drops the connection at once, without a close frame. The delegate is told the end, though not during this call.
    public func abort() {
        switch state {
        case .ended: break
        case .idle:
            state = .ended
            delegate = nil
        case .dialing(let dial):
            dial.cancel()
            state = .ended
            loop.assumeIsolated().execute { self.fail(.aborted, "given up while \(dial.phase.words)") }
        case .attached(let handler): handler.abort()
        }
    }

    // MARK: What the handler tells

    func opened(_ accepted: ClientHandshake.Accepted) {
        deadline?.cancel()
        deadline = nil
        let phases = endDial()
        delegate?.webSocketOpened(
            self,
            WebSocketOpening(
                phases: phases, headers: accepted.headers.map { HTTPHeaderField($0.name, $0.value) },
                subprotocol: accepted.subprotocol, isCompressed: accepted.deflate != nil))
    }

    /// The answer is here; the phases up to it.
    private func endDial() -> DialPhases {
        dial?.finishPhase(.answer, next: .answer)
        defer { dial = nil }
        return dial?.phases ?? DialPhases()
    }

    func fail(_ kind: DialFailure.Kind, _ text: String) {
        end(DialFailure(kind, phases: dial?.phases ?? DialPhases(), text: text))
    }

    func refused(_ refusal: ClientHandshake.Refusal) {
        dial?.finishPhase(.answer, next: .answer)
        let location = (300...399).contains(refusal.status) ? "; redirects are not followed" : ""
        let reason = refusal.reason.isEmpty ? "" : " \(refusal.reason.prefix(100))"
        let answer = HTTPRefusal(
            status: refusal.status, headers: refusal.headers.map { HTTPHeaderField($0.name, $0.value) },
            body: Array(refusal.body.prefix(HTTPRefusal.maxBodySize)))
        fail(.refusedByServer(answer), "\(target) refused the WebSocket: \(refusal.status)\(reason)\(location)")
    }

    private func end(_ failure: DialFailure) {
        guard let delegate = letGo() else { return }
        delegate.webSocketFailed(self, failure)
    }

    func end(_ closure: WebSocketClosure) {
        guard let delegate = letGo() else { return }
        delegate.webSocketClosed(self, closure)
    }

    private func letGo() -> (any WebSocketDelegate)? {
        deadline?.cancel()
        deadline = nil
        state = .ended
        defer { delegate = nil }
        return delegate
    }
}

/// Why a message was not sent.
public enum WebSocketSendError: Error, Hashable, CustomStringConvertible {
    /// The connection is not open, or no longer.
    case notOpen
    /// The peer does not read, and ``WebSocketOptions/maxOutboundBytes`` are waiting already.
    case backlog

    /// What happened, for people.
    public var description: String {
        switch self {
        case .notOpen: "the connection is not open"
        case .backlog: "too much is waiting to be sent; the peer does not read"
        }
    }
}
