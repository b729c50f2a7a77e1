import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// One attempt to open a channel to a target: resolve, connect by happy eyeballs, tunnel through a proxy, TLS.
///
/// Lives on one event loop. It has no deadline of its own: its owner's covers the server's answer too, and calls
/// ``cancel()``. Completion comes in the same turn of the loop in which the channel became ready, so that the owner's
/// handler is in place before anything is read.
final class Dial {
    /// A channel that is ready for the first byte of the request.
    typealias Completion = (Result<any Channel, DialFailure>) -> Void

    let target: ConnectTarget
    private(set) var phases = DialPhases()
    /// What the attempt is doing now; names the phase of a timeout.
    private(set) var phase: DialPhase = .dns

    private let options: DialOptions
    private let loop: any EventLoop
    private var completion: Completion?
    private var channel: (any Channel)?
    private var phaseStarted: NIODeadline

    init(target: ConnectTarget, options: DialOptions, loop: any EventLoop) {
        self.target = target
        self.options = options
        self.loop = loop
        phaseStarted = loop.now
    }

    /// Begins. `completion` is called once, unless ``cancel()`` comes first; a success never comes
    /// from within this call.
    func start(_ completion: @escaping Completion) {
        loop.assertInEventLoop()
        self.completion = completion
        phaseStarted = loop.now
        let host = options.proxy?.host ?? target.host
        let port = options.proxy?.port ?? target.port
        if let address = try? SocketAddress(ipAddress: host, port: port) {
            connect(host: host, port: port, addresses: [address])
            return
        }
        options.resolver.resolve(host: host, port: port, on: loop).hop(to: loop).assumeIsolated().whenComplete {
            switch $0 {
            case .success(let addresses):
                guard self.completion != nil else { return }
                self.finishPhase(.dns, next: .tcp)
                self.connect(host: host, port: port, addresses: addresses)
            case .failure(let error):
                self.fail(.dns, "can't resolve \(host): \(error)")
            }
        }
    }

    /// Gives up and closes what there is. No completion follows.
    func cancel() {
        completion = nil
        channel?.close(mode: .all, promise: nil)
        channel = nil
    }

    /// Ends the current phase; the owner calls it for the answer.
    func finishPhase(_ finished: DialPhase, next: DialPhase) {
        let now = loop.now
        phases[finished] = Duration(now - phaseStarted)
        phaseStarted = now
        phase = next
    }

    // MARK: TCP

    private func connect(host: String, port: Int, addresses: [SocketAddress]) {
        phase = .tcp
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Each connection keeps its buffer: small while little comes, so that idle ones cost little.
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65536)
            )
            // The owner's deadline is the one that counts; this one makes sure that no socket outlives it.
            .connectTimeout(TimeAmount(options.connectTimeout))
            .resolver(KnownAddresses(loop: loop, addresses: addresses))
        let connecting: EventLoopFuture<any Channel> =
            if addresses.count == 1, let address = addresses.first {
                bootstrap.connect(to: address)
            } else {
                bootstrap.connect(host: host, port: port)
            }
        connecting.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                guard self.completion != nil else {
                    channel.close(mode: .all, promise: nil)
                    return
                }
                self.channel = channel
                self.finishPhase(.tcp, next: self.options.proxy == nil ? .tls : .proxy)
                self.options.proxy.map(self.tunnel) ?? self.secure()
            case .failure(let error):
                let (kind, words) = Self.judge(error)
                self.fail(kind, "can't connect to \(host) port \(port): \(words)")
            }
        }
    }

    /// What the errors of all addresses come to. An address family without a route says nothing where another address
    /// answered, so a refusal counts first.
    static func judge(_ error: any Error) -> (kind: DialFailure.Kind, words: String) {
        let errors: [any Error] = (error as? NIOConnectionError).map { $0.connectionErrors.map(\.error) } ?? [error]
        let codes = errors.compactMap { ($0 as? IOError)?.errnoCode }
        if codes.contains(ECONNREFUSED) { return (.refused, "connection refused") }
        let timedOut = errors.contains { error in
            if case .connectTimeout? = error as? ChannelError { return true }
            return (error as? IOError)?.errnoCode == ETIMEDOUT
        }
        if timedOut || errors.isEmpty { return (.timeout(.tcp), "no answer") }
        if let code = codes.first { return (.other, String(cString: strerror(code))) }
        return (.other, String(describing: errors[0]).prefix(200).description)
    }

    // MARK: Proxy

    private func tunnel(through proxy: ProxyOptions) {
        guard let channel else { return }
        let handler = ProxyConnectHandler(target: target, proxy: proxy) { [weak self] outcome in
            self?.proxyAnswered(outcome, proxy: proxy)
        }
        do {
            try channel.pipeline.syncOperations.addHandler(handler, name: Self.proxyHandlerName)
        } catch {
            fail(.closed, "the proxy \(proxy) closed the connection")
        }
    }

    private static let proxyHandlerName = "proxy-connect"

    private func proxyAnswered(_ outcome: ProxyConnectHandler.Outcome, proxy: ProxyOptions) {
        switch outcome {
        case .tunnel:
            // Taken now: after a plain tunnel the channel is its owner's.
            guard let channel else { return }
            finishPhase(.proxy, next: .tls)
            secure()
            channel.pipeline.syncOperations.removeHandler(name: Self.proxyHandlerName, promise: nil)
        case .refused(let status, let reason):
            let advice = status == 407 ? "; it wants a user name and password, or others than those given" : ""
            fail(.proxy(status: status), "the proxy \(proxy) refused to connect: \(status) \(reason)\(advice)")
        case .broken(let words):
            fail(.proxy(status: nil), "the proxy \(proxy) did not answer as a proxy: \(words)")
        case .failed(let error):
            fail(.proxy(status: nil), "the connection to the proxy \(proxy) broke: \(errorWords(error))")
        case .closed:
            fail(.proxy(status: nil), "the proxy \(proxy) closed the connection without an answer")
        }
    }

    // MARK: TLS

    private func secure() {
        guard let channel, completion != nil else { return }
        guard target.isSecure else {
            phase = .answer
            return succeed(channel)
        }
        let pipeline = channel.pipeline.syncOperations
        do {
            let context = try TLSContexts.context(for: options.tls)
            // An address has no place in SNI (RFC 6066 section 3); the certificate is then checked against the address
            // that we are connected to, which behind a proxy is the proxy's.
            let name = target.isAddress ? nil : target.host
            if name == nil, options.proxy != nil, !options.tls.insecureSkipVerify {
                return fail(.tls, "TLS to an address through a proxy can't be verified; use the server's name")
            }
            let handler = try NIOSSLClientHandler(context: context, serverHostname: name)
            let watch = TLSHandshakeWatch { [weak self, weak handler] result in
                self?.handshakeEnded(result, certificate: handler?.peerCertificate)
            }
            // The watch first: the TLS handler begins, and may fail, the moment it is added.
            try pipeline.addHandler(watch, name: Self.watchName)
            try pipeline.addHandler(handler, position: .before(watch))
        } catch {
            fail(.tls, tlsText(error, certificate: nil))
        }
    }

    private static let watchName = "tls-watch"

    private func handshakeEnded(_ result: Result<Void, any Error>, certificate: NIOSSLCertificate?) {
        guard let channel, completion != nil else { return }
        switch result {
        case .success:
            finishPhase(.tls, next: .answer)
            succeed(channel)
            channel.pipeline.syncOperations.removeHandler(name: Self.watchName, promise: nil)
        case .failure(let error):
            fail(.tls, tlsText(error, certificate: certificate))
        }
    }

    private func tlsText(_ error: any Error, certificate: NIOSSLCertificate?) -> String {
        let words = TLSFailureText.text(
            for: error, certificate: certificate, nowUnixSeconds: Int64(time(nil)))
        return "no TLS with \(target.authority): \(words)"
    }

    // MARK: End

    private func succeed(_ channel: any Channel) {
        guard let completion else { return }
        self.completion = nil
        self.channel = nil
        completion(.success(channel))
    }

    private func fail(_ kind: DialFailure.Kind, _ text: String) {
        guard let completion else { return }
        self.completion = nil
        channel?.close(mode: .all, promise: nil)
        channel = nil
        completion(.failure(DialFailure(kind, phases: phases, text: text)))
    }
}

/// An error of a socket or of TLS, short enough for a log line.
func errorWords(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    return String(describing: error).prefix(200).description
}
