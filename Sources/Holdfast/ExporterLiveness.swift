import ExpositionServer
import NIOCore
import NIOPosix

extension Exporter {
    /// Returns once every event loop has run a task that was given to it now, and each address of the endpoint has
    /// answered a connection of this process: proof for a watchdog. After ``start()`` it is also proof that every stream
    /// was started, since their starts were given to the same loops before.
    ///
    /// Where a loop hangs, so does this. A watchdog waits for it and falls silent by itself.
    ///
    /// - Throws: where an address of the endpoint cannot be connected to, or closes without a word.
    public func respond() async throws {
        for loop in group.makeIterator() {
            try await loop.submit {}.get()
        }
        let isPlain = configuration.web?.tls == nil
        for address in listening {
            try await EndpointProbe.run(
                host: address.host, port: Int(address.port), isPlain: isPlain, on: group.next())
        }
    }
}

/// One connection to the endpoint of this process, to see that somebody answers there.
enum EndpointProbe {
    /// The endpoint accepted a connection, and then said nothing of what was expected.
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - host: what is listened on; nil: everything, so also 127.0.0.1, or ::1 where there is no IPv4.
    ///   - isPlain: whether HTTP is spoken there. Where TLS is, the end of a connection on which nothing was said is
    ///     answered with an end: also a proof, and one for which no certificate has to fit.
    static func run(host: String?, port: Int, isPlain: Bool, on loop: any EventLoop) async throws {
        let answered = loop.makePromise(of: Void.self)
        let request = isPlain ? "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" : ""
        let handlers: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Handler(request: request, answered: answered))
            }
        }
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(.seconds(10))
            .channelOption(.allowRemoteHalfClosure, value: false).channelInitializer(handlers)
        let hosts = host.map { [reachable($0)] } ?? ["127.0.0.1", "::1"]
        var failure: (any Error)?
        for host in hosts {
            do {
                let channel = try await bootstrap.connect(host: host, port: port).get()
                defer { channel.close(promise: nil) }
                return try await answered.futureResult.get()
            } catch {
                failure = error
            }
        }
        // Nobody waits for it any more.
        let last = failure ?? Silence(description: "there is no address to connect to")
        answered.fail(last)
        throw last
    }

    /// Where a socket that is bound to `host` can be reached from here.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let request: String
        private let answered: EventLoopPromise<Void>

        init(request: String, answered: EventLoopPromise<Void>) {
            self.request = request
            self.answered = answered
        }

        func channelActive(context: ChannelHandlerContext) {
            if request.isEmpty {
                context.close(mode: .output, promise: nil)
            } else {
                context.writeAndFlush(NIOAny(ByteBuffer(string: request)), promise: nil)
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            // Whatever it says, somebody said it: also 401, where there are users.
            answered.succeed()
        }

        func channelInactive(context: ChannelHandlerContext) {
            if request.isEmpty {
                answered.succeed()
            } else {
                answered.fail(Silence(description: "the connection was closed without an answer"))
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            answered.fail(error)
            context.close(promise: nil)
        }
    }
}
