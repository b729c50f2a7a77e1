// The unsafe pointers are those of the codec: into the channel's buffer or a text, and valid for the call alone.

internal import Foundation
internal import NIOCore
internal import WebSocketCodec

/// One WebSocket connection of the gateway: the codec on a channel. What the frames mean is the gateway's business.
///
/// Lives on the gateway's event loop, as everything does that it touches.
final class WebSocketPeer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The largest message that a client may send.
    static let maximumMessageSize = 1 << 20
    /// How long the client may take to answer our close frame.
    static let closeTimeout: Duration = .seconds(1)

    /// Which protocol is spoken here.
    enum Route: Hashable {
        case architect
        case notify
        case channel(id: String)
    }

    /// 1, 2, 3 … in the order of the handshakes.
    let number: UInt64
    let route: Route
    let path: String
    /// The OAuth client whose token opened it; nil for notification channels, whose address is the secret.
    let oauthClient: String?
    /// The name of its session or stream, once it has subscribed.
    var session: String?
    /// Whether it gets events: subscribed or resumed, and acknowledged.
    var isAttached = false
    /// What struck with its handshake, and happens once it is attached.
    var pendingFaults: [Fault] = []
    /// Whether nothing is sent and nothing answered.
    private(set) var isSilent = false
    /// Counts silences, so that the end of one does not end a later one.
    private var silences = 0

    private let gateway: Gateway
    private var context: ChannelHandlerContext?
    private var decoder: WebSocketDecoder
    private var encoder: WebSocketEncoder
    private var isClosing = false

    init(
        number: UInt64, route: Route, path: String, oauthClient: String?, deflate: DeflateAgreement?, gateway: Gateway
    ) {
        self.number = number
        self.route = route
        self.path = path
        self.oauthClient = oauthClient
        self.gateway = gateway
        decoder = WebSocketDecoder(role: .server, maxMessageSize: Self.maximumMessageSize, deflate: deflate)
        encoder = WebSocketEncoder(role: .server, deflate: deflate)
    }

    /// What tells whether a fault applies to it.
    var facts: StreamFacts {
        var identities = [session, oauthClient].compactMap { $0 }
        if case .channel(let id) = route { identities.append(id) }
        return StreamFacts(path: path, identities: identities)
    }

    // MARK: Sending

    /// Sends texts in order; nothing while silent or after a close frame.
    func send(_ texts: some Sequence<String>) {
        var bytes: [UInt8] = []
        for var text in texts {
            text.withUTF8 { encoder.encode(.text, UnsafeRawBufferPointer($0), maskingKey: 0, into: &bytes) }
        }
        write(bytes)
    }

    /// Sends bytes as they are, whatever they mean.
    func write(_ bytes: [UInt8]) {
        guard let context, !isSilent, !isClosing, !bytes.isEmpty else { return }
        guard context.channel.isWritable else {
            gateway.log("connection \(number) does not read what it is sent: dropped")
            drop(.reset)
            return
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// Sends a close frame; the connection ends when the client has answered it, or after a second.
    func close(code: UInt16, reason: String) {
        guard let context, !isSilent, !isClosing else { return }
        var bytes: [UInt8] = []
        encoder.close(code: code, reason: reason, maskingKey: 0, into: &bytes)
        write(bytes)
        isClosing = true
        detach()
        gateway.after(Self.closeTimeout) { context.close(promise: nil) }
    }

    /// Ends the connection without a close frame.
    func drop(_ ending: Fault.Ending) {
        guard let context else { return }
        isClosing = true
        detach()
        if ending == .reset, let socket = context.channel as? any SocketOptionProvider {
            // No lingering: the kernel then ends the connection with a reset (socket(7)).
            let option = linger(l_onoff: 1, l_linger: 0)
            socket.setSoLinger(option).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        } else {
            context.close(promise: nil)
        }
    }

    /// Nothing is sent and nothing answered for `duration`. Then it goes on as if the network had been stuck.
    func fallSilent(for duration: Duration) {
        isSilent = true
        silences += 1
        let current = silences
        gateway.after(duration) { [self] in
            guard silences == current, context != nil else { return }
            isSilent = false
            gateway.silenceEnded(self)
        }
    }

    private func detach() {
        gateway.detach(self)
    }

    // MARK: Receiving

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        guard context != nil else { return }
        context = nil
        isClosing = true
        gateway.ended(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // While silent, what arrives is lost: a decoder that has missed bytes can't go on, so it still gets them.
        let buffer = unwrapInboundIn(data)
        var frames = FrameCollector()
        var failure: WebSocketError?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(WebSocketError) {
                try decoder.decode(bytes, into: &frames)
            } catch {
                failure = error
            }
        }
        for frame in frames.frames where self.context != nil { handle(frame) }
        if let failure {
            gateway.log("connection \(number) broke the WebSocket protocol: \(failure.description)")
            close(code: failure.closeCode, reason: "")
        }
        gateway.changed()
    }

    private func handle(_ frame: FrameCollector.Frame) {
        switch frame {
        case .message(_, let bytes):
            guard !isSilent, !isClosing else { return }
            gateway.received(bytes, from: self)
        case .ping(let bytes):
            gateway.pinged(self)
            var answer: [UInt8] = []
            bytes.withUnsafeBytes { encoder.pong($0, maskingKey: 0, into: &answer) }
            write(answer)
        case .close(let code, _):
            answerClose(code)
        }
    }

    private func answerClose(_ code: UInt16) {
        guard let context, !isSilent else { return }
        if !isClosing {
            var bytes: [UInt8] = []
            encoder.close(code: code, maskingKey: 0, into: &bytes)
            write(bytes)
            isClosing = true
            detach()
        }
        context.close(promise: nil)
    }
}

/// Keeps what a decoder finds until it may be acted on: acting may end the connection that is being decoded.
private struct FrameCollector: WebSocketReceiver {
    enum Frame {
        case message(MessageKind, [UInt8])
        case ping([UInt8])
        case close(code: UInt16, reason: String)
    }

    var frames: [Frame] = []

    mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        frames.append(.message(kind, [UInt8](payload)))
    }

    mutating func receivedPing(_ payload: UnsafeRawBufferPointer) {
        frames.append(.ping([UInt8](payload)))
    }

    mutating func receivedPong(_ payload: UnsafeRawBufferPointer) {}

    mutating func receivedClose(code: UInt16, reason: String) {
        frames.append(.close(code: code, reason: reason))
    }
}
