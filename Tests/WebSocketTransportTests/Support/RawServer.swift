import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// A server on 127.0.0.1 that does byte for byte what a test tells it.
struct RawServer: Sendable {
    let channel: any Channel
    let port: Int

    /// Listens; `serve` is called on each connection's event loop when it is there, and sets its hooks.
    static func start(
        tls: NIOSSLContext? = nil, options: @Sendable (ServerBootstrap) -> ServerBootstrap = { $0 },
        _ serve: @escaping @Sendable (RawConnection) -> Void
    ) async throws -> RawServer {
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(RawConnection(serve: serve))
                }
            }
        let channel = try await options(bootstrap).bind(host: "127.0.0.1", port: 0).get()
        return RawServer(channel: channel, port: channel.localAddress?.port ?? 0)
    }

    func stop() async throws {
        try await channel.close().get()
    }

    /// A port on which nothing listens.
    static func unusedPort() async throws -> Int {
        let server = try await start { _ in }
        try await server.stop()
        return server.port
    }
}

/// One accepted connection. Its hooks run on its event loop.
final class RawConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// All that was received so far; a hook may take from it.
    var received: [UInt8] = []
    var onBytes: (RawConnection) -> Void = { _ in }
    var onClosed: (RawConnection) -> Void = { _ in }
    private let serve: @Sendable (RawConnection) -> Void
    private(set) var channel: (any Channel)?

    init(serve: @escaping @Sendable (RawConnection) -> Void) {
        self.serve = serve
    }

    func channelActive(context: ChannelHandlerContext) {
        channel = context.channel
        serve(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        onBytes(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        onClosed(self)
        onClosed = { _ in }
        onBytes = { _ in }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func send(_ bytes: [UInt8]) {
        guard let channel else { return }
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func close() { channel?.close(promise: nil) }

    /// Drops the connection with a reset instead of an end.
    func reset() {
        guard let channel else { return }
        // A linger time of zero makes the close a reset.
        guard let socket = channel as? any SocketOptionProvider else { return close() }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }

    /// Takes the head of an HTTP request with its blank line, once it is there.
    func takeHead() -> String? {
        let end = Array("\r\n\r\n".utf8)
        guard received.count >= 4 else { return nil }
        for start in 0...(received.count - 4) where Array(received[start..<start + 4]) == end {
            let head = String(decoding: received[..<(start + 4)], as: UTF8.self)
            received.removeFirst(start + 4)
            return head
        }
        return nil
    }

    /// Calls `body` with the request's head when it has come.
    func onRequest(_ body: @escaping (RawConnection, String) -> Void) {
        onBytes = { connection in
            guard let head = connection.takeHead() else { return }
            connection.onBytes = { _ in }
            body(connection, head)
        }
    }

    /// Accepts the WebSocket, sending `bytes` in the same write as the 101, then calls `body`.
    func upgrade(with bytes: [UInt8] = [], then body: @escaping (RawConnection) -> Void = { _ in }) {
        onRequest { connection, head in
            connection.send(Array(Wire.acceptance(of: head).utf8) + bytes)
            body(connection)
        }
    }
}
