internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A Genesys Cloud gateway that can be made to misbehave: OAuth tokens, `genesys-architect`, `genesys-notify` and
/// `genesys-notifications` on one port, plain TCP, with faults by script or on demand.
///
/// It keeps the ground truth of what it did, so that a client's own counts can be judged.
public final class GatewaySimulator: Sendable {
    /// The address that it listens on.
    public let host: String
    /// The port that it listens on.
    public let port: Int

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let server: any Channel
    private let gateway: NIOLoopBound<Gateway>
    private let watchers = Atomic<UInt64>(0)

    private init(
        host: String, port: Int, group: MultiThreadedEventLoopGroup, loop: any EventLoop, server: any Channel,
        gateway: NIOLoopBound<Gateway>
    ) {
        self.host = host
        self.port = port
        self.group = group
        self.loop = loop
        self.server = server
        self.gateway = gateway
    }

    /// Starts a gateway.
    /// - Throws: ``GatewaySimulatorError/cannotListen(host:port:cause:)`` or
    ///   ``GatewaySimulatorError/wrongOptions(_:)``.
    public static func start(options: Options) async throws -> GatewaySimulator {
        try options.check()
        // One loop: all state lives on it, without a lock.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        do {
            let gateway = try await loop.submit {
                NIOLoopBound(Gateway(options: options, loop: loop), eventLoop: loop)
            }.get()
            let server = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1_024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.writeBufferWaterMark, value: .init(low: 1 << 20, high: 64 << 20))
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let gateway = gateway.value
                        guard gateway.sockets < Gateway.maximumSockets else {
                            gateway.log("too many sockets: refused one")
                            throw ChannelError.eof
                        }
                        try HTTPHandler(gateway: gateway).install(on: channel)
                    }
                }
                .bind(host: options.host, port: options.port).get()
            try await loop.submit { gateway.value.start() }.get()
            return GatewaySimulator(
                host: options.host, port: server.localAddress?.port ?? options.port, group: group, loop: loop,
                server: server, gateway: gateway)
        } catch {
            try? await group.shutdownGracefully()
            throw GatewaySimulatorError.cannotListen(
                host: options.host, port: options.port, cause: String(describing: error))
        }
    }

    /// Stops it: open connections are dropped. It can't be started again; further calls do nothing.
    public func stop() async {
        try? await loop.submit { [gateway] in gateway.value.stop() }.get()
        try? await server.close().get()
        try? await group.shutdownGracefully()
    }

    /// Has a fault strike now, or lie in wait from now on.
    public func inject(_ fault: Fault, scope: FaultScope = FaultScope()) async throws {
        try await perform { $0.strike(fault, scope: scope) }
    }

    /// Adds a step to the script; its time begins now.
    /// - Throws: ``GatewaySimulatorError/tooManySteps`` where there are 10,000 already.
    public func inject(_ step: FaultStep) async throws {
        guard try await perform({ $0.add(step) }) else { throw GatewaySimulatorError.tooManySteps }
    }

    /// Makes `count` events now (at most 1,000,000) for every stream that goes by `name`: a client identifier of
    /// `genesys-architect`, or the OAuth client of the others; for every stream where nil.
    /// - Returns: How many events were made, all streams together.
    @discardableResult
    public func emit(_ count: Int, to name: String? = nil) async throws -> Int {
        try await perform { $0.emit(count, to: name) }
    }

    /// Makes every token that was issued so far worthless; open connections stay open.
    public func revokeTokens() async throws {
        try await inject(.revokeTokens)
    }

    /// What the gateway did so far.
    public func groundTruth() async throws -> GroundTruth {
        try await perform { $0.snapshot() }
    }

    /// Waits until the ground truth satisfies `predicate`, which is asked again whenever something has happened.
    /// - Throws: ``GatewaySimulatorError/notReached(reason:truth:)`` after `timeout`.
    @discardableResult
    public func groundTruth(
        timeout: Duration = .seconds(10), when predicate: @escaping @Sendable (GroundTruth) -> Bool
    ) async throws -> GroundTruth {
        let promise = loop.makePromise(of: GroundTruth.self)
        let id = watchers.add(1, ordering: .relaxed).newValue
        let watcher = TruthWatcher(id: id, predicate: predicate, promise: promise)
        do {
            try await perform { $0.watch(watcher, timeout: timeout) }
        } catch {
            promise.fail(error)
        }
        return try await promise.futureResult.get()
    }

    private func perform<Value: Sendable>(_ body: @escaping @Sendable (Gateway) -> Value) async throws -> Value {
        try await loop.submit { [gateway] in body(gateway.value) }.get()
    }
}

extension GatewaySimulator {
    /// The addresses' host and port, as a URL writes them (RFC 3986, section 3.2).
    public var authority: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Where tokens are had: `token_url`.
    public var tokenURL: String {
        "http://" + authority + Gateway.tokenPath
    }

    /// Where `genesys-architect` is spoken.
    public var architectURL: String {
        "ws://" + authority + Gateway.architectPath
    }

    /// Where `genesys-notify` is spoken.
    public var notifyURL: String {
        "ws://" + authority + Gateway.notifyPath
    }

    /// Where the channels of `genesys-notifications` are made.
    public var notificationsURL: String {
        "http://" + authority + Gateway.channelsPath
    }
}
