import NIOCore

/// Asks a proxy for a tunnel and removes itself once it stands, so that nothing of the proxy stays in the pipeline.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// More than any proxy's answer has.
    static let maxHeadSize = 16 * 1024

    /// How the proxy answered.
    enum Outcome {
        case tunnel
        case refused(status: Int, reason: String)
        case broken(String)
        case failed(any Error)
        case closed
    }

    private let request: String
    private var received = ByteBuffer()
    private var completion: ((Outcome) -> Void)?

    init(target: ConnectTarget, proxy: ProxyOptions, completion: @escaping (Outcome) -> Void) {
        var request = "CONNECT \(target.authority) HTTP/1.1\r\nHost: \(target.authority)\r\n"
        if let authorization = proxy.authorization { request += "Proxy-Authorization: \(authorization)\r\n" }
        self.request = request + "\r\n"
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        // The answer has been given already, and the handler is on its way out: what comes now is the tunnel's.
        guard completion != nil else { return context.fireChannelRead(data) }
        received.writeBuffer(&bytes)
        guard let end = headEnd() else {
            if received.readableBytes > Self.maxHeadSize {
                complete(.broken("its answer has no end after \(Self.maxHeadSize) bytes"))
            }
            return
        }
        let head = received.readString(length: end) ?? ""
        complete(Self.outcome(of: head))
    }

    /// Whatever followed the proxy's head in the same segment belongs to the tunnel.
    func handlerRemoved(context: ChannelHandlerContext) {
        guard received.readableBytes > 0 else { return }
        context.fireChannelRead(wrapInboundOut(received))
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        complete(.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        complete(.failed(error))
    }

    private func complete(_ outcome: Outcome) {
        guard let completion else { return }
        self.completion = nil
        completion(outcome)
    }

    private func headEnd() -> Int? {
        let view = received.readableBytesView
        guard view.count >= 4 else { return nil }
        var newlines = 0
        for (offset, byte) in view.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"):
                newlines += 1
                if newlines == 2 { return offset + 1 }
            case UInt8(ascii: "\r"): break
            default: newlines = 0
            }
        }
        return nil
    }

    private static func outcome(of head: String) -> Outcome {
        let line = head.prefix { !$0.isNewline }
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), parts[1].utf8.count == 3, let status = Int(parts[1]),
            (100...599).contains(status)
        else { return .broken("its answer is not HTTP/1.1") }
        guard !(200...299).contains(status) else { return .tunnel }
        let reason = parts.count == 3 ? String(parts[2].prefix(100)) : ""
        return .refused(
            status: status, reason: String(reason.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) }))
    }
}
