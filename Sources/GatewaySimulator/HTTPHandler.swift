internal import NIOCore
internal import NIOHTTP1

/// Gathers requests, has the gateway decide on them one at a time, and turns the connection into a WebSocket where
/// that is the decision.
final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The largest body that is read.
    static let maximumBodySize = 1 << 20
    /// Requests that may wait for the answers before theirs.
    static let maximumPipelined = 64

    private let gateway: Gateway
    private let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    private let encoder: HTTPResponseEncoder
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var isTooLarge = false
    private var waiting: [HTTPRequest] = []
    private var isBusy = false
    private var isOpen = true

    init(gateway: Gateway) {
        self.gateway = gateway
        decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
        encoder = HTTPResponseEncoder()
    }

    /// Puts HTTP on a channel that has just been accepted.
    func install(on channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandlers([encoder, decoder, self])
        gateway.sockets += 1
        channel.closeFuture.assumeIsolated().whenComplete { [gateway] _ in gateway.sockets -= 1 }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
            isTooLarge = false
        case .body(let buffer):
            if body.count + buffer.readableBytes > Self.maximumBodySize {
                isTooLarge = true
                body = []
            } else if !isTooLarge {
                body.append(contentsOf: buffer.readableBytesView)
            }
        case .end:
            guard let head else { return }
            self.head = nil
            if isTooLarge {
                let message = "the body exceeds \(Self.maximumBodySize) bytes"
                refuse(.failure(.payloadTooLarge, code: "request.too.large", message), context)
                return
            }
            guard waiting.count < Self.maximumPipelined else {
                context.close(promise: nil)
                return
            }
            waiting.append(HTTPRequest(head: head, body: body))
            body = []
            next(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOpen = false
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else {
            context.close(promise: nil)
            return
        }
        refuse(.failure(.badRequest, code: "bad.request", "not HTTP: \(error)"), context)
    }

    private func refuse(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        guard isOpen else { return }
        isBusy = true
        write(answer, isHead: false, keepAlive: false, context)
    }

    private func next(_ context: ChannelHandlerContext) {
        guard !isBusy, isOpen, !waiting.isEmpty else { return }
        isBusy = true
        let request = waiting.removeFirst()
        switch gateway.decide(on: request) {
        case .answer(let answer, let delay):
            gateway.after(delay) { [self] in
                guard isOpen else { return }
                // A refused upgrade ends the connection: the parser has stopped at it.
                let keepAlive =
                    !request.headers.contains(name: "Upgrade")
                    && !request.headers[canonicalForm: "Connection"].contains { $0.lowercased() == "close" }
                write(answer, isHead: request.method == .HEAD, keepAlive: keepAlive, context)
                isBusy = false
                next(context)
            }
        case .upgrade(let upgrade, let delay):
            gateway.after(delay) { [self] in
                guard isOpen else { return }
                self.upgrade(upgrade, context)
            }
        }
        gateway.changed()
    }

    private func write(_ answer: HTTPAnswer, isHead: Bool, keepAlive: Bool, _ context: ChannelHandlerContext) {
        var head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: answer.headers)
        if answer.status != .noContent {
            head.headers.replaceOrAdd(name: "Content-Length", value: String(answer.body.count))
        }
        head.headers.replaceOrAdd(name: "Connection", value: keepAlive ? "keep-alive" : "close")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead, !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !keepAlive {
            isOpen = false
            written.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
    }

    private func upgrade(_ upgrade: HTTPOutcome.Upgrade, _ context: ChannelHandlerContext) {
        let peer = gateway.makePeer(for: upgrade)
        let pipeline = context.pipeline.syncOperations
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: upgrade.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        isOpen = false
        do {
            try pipeline.addHandler(peer)
        } catch {
            context.close(promise: nil)
            return
        }
        // The decoder goes last: what came after the request's end goes on to the peer, once nothing stands between.
        let removals = [pipeline.removeHandler(encoder), pipeline.removeHandler(self)]
        let eventLoop = context.eventLoop
        EventLoopFuture.andAllComplete(removals, on: eventLoop).assumeIsolated().whenComplete { [self] _ in
            gateway.opened(peer)
            pipeline.removeHandler(decoder, promise: nil)
        }
    }
}
