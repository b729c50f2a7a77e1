// The unsafe pointers are into the channel's buffer or the codec's, valid during the call, and only handed on in it.

import Glibc
import NIOCore
import NIOSSL
import WebSocketCodec

/// Between the channel's bytes and the codec: the only handler of a WebSocket, from the request to the last byte.
///
///     handshaking ──▶ open ──▶ closing ──▶ lingering ──▶ gone
///          │            └──────────────────▶ ▲           ▲
///          └─────────────────────────────────────────────┘
///
/// One handler from the start, so that no byte can be lost between two: what follows the 101 in the same read goes
/// into the decoder in the same call.
final class WebSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// The request is sent, the answer is awaited.
        case handshaking
        /// Messages go both ways.
        case open
        /// We have sent a close frame and await the peer's.
        case closing
        /// It is over and told; the peer may close its side first.
        case lingering
        /// The channel is closed or being closed.
        case gone
    }

    /// Above this, pings are answered by the newest pong alone (RFC 6455 section 5.5.3): pings must not grow the queue.
    static let pongBacklogLimit = 64 * 1024

    /// Shorter messages are sent as they are: subscriptions and heartbeats gain nothing, and the deflater that the first
    /// compressed message makes holds 256 KiB for as long as the connection lives.
    static let deflateThreshold = 4096

    private let connection: WebSocketConnection
    /// Nil once it is over: ten thousand requests and answers that nobody reads again are ten megabytes.
    private var handshake: ClientHandshake?
    private var phase = Phase.handshaking
    private var decoder: WebSocketDecoder
    private var encoder: WebSocketEncoder
    private var context: ChannelHandlerContext?
    /// Frames that are not handed to the socket yet: those of one batch of reads go out together.
    private var outgoing: [UInt8] = []
    /// What the socket was handed and has not written yet, in bytes.
    private var outstanding = 0
    /// The pong that could not be sent while the peer did not read.
    private var postponedPong: [UInt8]?
    private var isReading = false

    init(connection: WebSocketConnection, handshake: ClientHandshake) {
        self.connection = connection
        self.handshake = handshake
        decoder = WebSocketDecoder(role: .client, maxMessageSize: connection.options.maxMessageSize, deflate: nil)
        encoder = WebSocketEncoder(role: .client, deflate: nil)
    }

    var isOpen: Bool { phase == .open }

    var isHandshakeDone: Bool { phase != .handshaking }

    /// Whether the delegate is told what arrives.
    var delivers: Bool { phase == .open || phase == .closing }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let handshake { outgoing.append(contentsOf: handshake.request) }
        flush()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard phase != .lingering, phase != .gone else { return }
        isReading = true
        connection.bytesReceived += UInt64(buffer.readableBytes)
        buffer.withUnsafeReadableBytes { bytes in
            if phase == .handshaking {
                advanceHandshake(bytes)
            } else {
                decode(bytes)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flush()
        guard delivers else { return }
        decoder.rest()
        connection.delegate?.webSocketReadCompleted(connection)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isReading = false
        switch phase {
        case .handshaking: handshakeStreamEnded()
        case .open: end(.endOfStream, "the connection ended without a close frame")
        case .closing: end(.local, "the connection ended without an answer to the close frame")
        case .lingering, .gone: break
        }
        phase = .gone
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end of a TLS stream without its notice: most servers do so. The end itself follows as channelInactive.
        if let error = error as? NIOSSLError, error == .uncleanShutdown { return }
        switch phase {
        case .handshaking:
            let isTLS = error is NIOSSLError || error is BoringSSLError
            let words = isTLS ? TLSFailureText.text(for: error, certificate: nil, nowUnixSeconds: 0) : errorWords(error)
            drop()
            connection.fail(
                isTLS ? .tls : .closed, "the connection to \(connection.target) broke before the answer: \(words)")
        case .open, .closing:
            drop()
            // A reset is an end without a close frame like any other (RFC 6455, section 7.1.5).
            let isReset = [ECONNRESET, EPIPE].contains((error as? IOError)?.errnoCode)
            end(isReset ? .endOfStream : .transport, errorWords(error))
        case .lingering, .gone: drop()
        }
    }

    // MARK: Handshake

    private func advanceHandshake(_ bytes: UnsafeRawBufferPointer) {
        do {
            switch try handshake?.receive(bytes) {
            case .needsMore, nil: break
            case .refused(let refusal):
                drop()
                connection.refused(refusal)
            case .accepted(let accepted):
                decoder = WebSocketDecoder(
                    role: .client, maxMessageSize: connection.options.maxMessageSize, deflate: accepted.deflate)
                encoder = WebSocketEncoder(role: .client, deflate: accepted.deflate)
                handshake = nil
                phase = .open
                connection.opened(accepted)
                let rest = UnsafeRawBufferPointer(rebasing: bytes[min(accepted.consumed, bytes.count)...])
                if delivers, !rest.isEmpty { decode(rest) }
            }
        } catch {
            drop()
            connection.fail(.protocol, "\(connection.target) did not answer as a WebSocket server: \(error)")
        }
    }

    private func handshakeStreamEnded() {
        phase = .gone
        do {
            if let refusal = try handshake?.receiveEnd() { return connection.refused(refusal) }
            connection.fail(.closed, "\(connection.target) closed the connection without an answer")
        } catch {
            guard error.kind == .endOfStream else {
                return connection.fail(.protocol, "\(connection.target) did not answer as a WebSocket server: \(error)")
            }
            connection.fail(.closed, "\(connection.target) closed the connection before its answer was complete")
        }
    }

    /// A server that has refused but whose body has no end in time has still refused.
    func handshakeDeadlineReached() {
        guard phase == .handshaking else { return }
        drop()
        if let refusal = try? handshake?.receiveEnd() { return connection.refused(refusal) }
        connection.fail(.timeout(.answer), connection.timeoutText(.answer))
    }

    // MARK: Messages

    private func decode(_ bytes: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: WebSocketMessage.self, capacity: MessageCollector.most) { storage in
            var receiver = MessageCollector(handler: self, input: bytes, storage: storage)
            do throws(WebSocketError) {
                try decoder.decode(bytes, into: &receiver)
                receiver.deliver()
            } catch {
                receiver.deliver()
                guard delivers else { return }
                if phase == .open { encodeClose(code: error.closeCode, reason: "") }
                linger()
                end(error.kind == .messageTooBig ? .tooLarge : .protocolError, error.description)
            }
        }
    }

    func received(_ messages: UnsafeBufferPointer<WebSocketMessage>) {
        guard delivers else { return }
        connection.delegate?.webSocketReceived(connection, messages)
    }

    func receivedPing(_ payload: UnsafeRawBufferPointer) {
        guard phase == .open else { return }
        answerPing(payload)
    }

    func receivedPong(_ payload: UnsafeRawBufferPointer) {
        guard delivers else { return }
        connection.delegate?.webSocketReceivedPong(connection, payload)
    }

    private func answerPing(_ payload: UnsafeRawBufferPointer) {
        guard outstanding + outgoing.count < Self.pongBacklogLimit else {
            postponedPong = Array(payload)
            return
        }
        encoder.pong(payload, maskingKey: .random(in: .min ... .max), into: &outgoing)
    }

    func receivedClose(code: UInt16, reason: String) {
        switch phase {
        case .open:
            encodeClose(code: code, reason: "")
            linger()
            end(.peer, reason, code: code)
        case .closing:
            linger()
            end(.local, reason, code: code)
        case .handshaking, .lingering, .gone: break
        }
    }

    // MARK: Sending

    func send(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) throws(WebSocketSendError) {
        try checkSendable(payload.count)
        encoder.encode(
            kind, payload, maskingKey: .random(in: .min ... .max), compressed: payload.count >= Self.deflateThreshold,
            into: &outgoing)
        flushUnlessReading()
    }

    func sendPing(_ payload: [UInt8]) throws(WebSocketSendError) {
        try checkSendable(payload.count)
        payload.withUnsafeBytes { encoder.ping($0, maskingKey: .random(in: .min ... .max), into: &outgoing) }
        flushUnlessReading()
    }

    private func checkSendable(_ count: Int) throws(WebSocketSendError) {
        guard phase == .open else { throw .notOpen }
        guard outstanding + outgoing.count + count <= connection.options.maxOutboundBytes else { throw .backlog }
    }

    func close(code: UInt16, reason: String) {
        guard phase == .open else { return }
        phase = .closing
        encodeClose(code: code, reason: reason)
        flushUnlessReading()
    }

    func abort() {
        guard phase != .gone, phase != .lingering else { return }
        let wasHandshaking = phase == .handshaking
        drop()
        connection.loop.assumeIsolated().execute { [connection] in
            if wasHandshaking {
                connection.fail(.aborted, "given up while \(DialPhase.answer.words)")
            } else {
                connection.end(
                    WebSocketClosure(origin: .local, code: CloseCode.abnormal, reason: "dropped by this side"))
            }
        }
    }

    private func encodeClose(code: UInt16, reason: String) {
        encoder.close(code: code, reason: reason, maskingKey: .random(in: .min ... .max), into: &outgoing)
    }

    private func flushUnlessReading() {
        if !isReading { flush() }
    }

    private func flush() {
        guard let context, !outgoing.isEmpty else { return }
        let count = outgoing.count
        let buffer = context.channel.allocator.buffer(bytes: outgoing)
        outgoing = []
        outstanding += count
        connection.bytesSent += UInt64(count)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.wrote(count) }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: written)
    }

    private func wrote(_ count: Int) {
        outstanding -= count
        guard phase == .open, let pong = postponedPong, outstanding < Self.pongBacklogLimit else { return }
        postponedPong = nil
        pong.withUnsafeBytes { encoder.pong($0, maskingKey: .random(in: .min ... .max), into: &outgoing) }
        flushUnlessReading()
    }

    // MARK: Ending

    private func end(_ origin: WebSocketClosure.Origin, _ reason: String, code: UInt16 = CloseCode.abnormal) {
        connection.end(WebSocketClosure(origin: origin, code: code, reason: reason))
    }

    /// Everything has been said. Closing now, with bytes of the peer unread, could reset the connection before the
    /// peer has read our close frame; so the peer is given time to close first.
    private func linger() {
        phase = .lingering
        flush()
        // Most peers close right behind their close frame, which is seen in the same batch of reads: no timer for them.
        context?.eventLoop.assumeIsolated().execute { [weak self] in self?.setLingerTimer() }
    }

    private func setLingerTimer() {
        guard phase == .lingering, let context else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(connection.options.lingerTimeout)) {
            [weak self] in self?.drop()
        }
    }

    private func drop() {
        guard phase != .gone else { return }
        phase = .gone
        context?.close(mode: .all, promise: nil)
    }
}
