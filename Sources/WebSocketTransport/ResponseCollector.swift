import NIOCore
import NIOHTTP1
import NIOSSL

/// Collects one HTTP answer up to a limit and tells once how that ended.
final class ResponseCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    enum Outcome {
        case answer(HTTPResponseHead, body: [UInt8])
        case tooLarge
        case closed(hadHead: Bool)
        case failed(any Error)
    }

    private let maxBodySize: Int
    private var isHeadRequest = false
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var completion: ((Outcome) -> Void)?

    init(maxBodySize: Int, completion: @escaping (Outcome) -> Void) {
        self.maxBodySize = maxBodySize
        self.completion = completion
    }

    func send(_ head: HTTPRequestHead, body: [UInt8], on channel: any Channel) {
        isHeadRequest = head.method == .HEAD
        let pipeline = channel.pipeline.syncOperations
        pipeline.write(wrapOutboundOut(.head(head)), promise: nil)
        if !body.isEmpty {
            pipeline.write(
                wrapOutboundOut(.body(.byteBuffer(channel.allocator.buffer(bytes: body)))), promise: nil)
        }
        pipeline.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard completion != nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > maxBodySize,
                head.status.mayHaveResponseBody, !isHeadRequest
            {
                complete(.tooLarge)
            }
        case .body(let buffer):
            guard body.count + buffer.readableBytes <= maxBodySize else { return complete(.tooLarge) }
            body.append(contentsOf: buffer.readableBytesView)
        case .end:
            if let head { complete(.answer(head, body: body)) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        complete(.closed(hadHead: head != nil))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end of a TLS stream without its notice; most servers do so. Whether the answer is complete is told by its
        // own framing, when the end itself follows as channelInactive.
        if let error = error as? NIOSSLError, error == .uncleanShutdown { return }
        // An end in the middle of an answer; NIO has two words for it.
        switch error as? HTTPParserError {
        case .invalidEOFState?, .closedConnection?: complete(.closed(hadHead: head != nil))
        default: complete(.failed(error))
        }
    }

    private func complete(_ outcome: Outcome) {
        guard let completion else { return }
        self.completion = nil
        completion(outcome)
    }
}
