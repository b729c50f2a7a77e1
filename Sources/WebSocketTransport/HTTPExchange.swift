public import NIOCore
import NIOHTTP1
import NIOSSL

/// A request for ``HTTPExchange``.
public struct HTTPExchangeRequest: Sendable {
    /// The method, such as `GET` or `POST`.
    public var method: String
    /// Where to: an `http` or `https` URL.
    public var target: ConnectTarget
    /// The headers; `Host`, `Content-Length` and `Connection` are added.
    public var headers: [HTTPHeaderField]
    /// The body; empty for none.
    public var body: [UInt8]

    /// A request.
    public init(_ method: String, _ target: ConnectTarget, headers: [HTTPHeaderField] = [], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// The answer to an ``HTTPExchangeRequest``, whatever its status. Redirects are answers, never followed.
public struct HTTPExchangeResponse: Sendable {
    /// The HTTP status.
    public let status: Int
    /// The headers in their order.
    public let headers: [HTTPHeaderField]
    /// The whole body.
    public let body: [UInt8]
    /// How long each phase took.
    public let phases: DialPhases

    package init(status: Int, headers: [HTTPHeaderField], body: [UInt8], phases: DialPhases) {
        self.status = status
        self.headers = headers
        self.body = body
        self.phases = phases
    }

    /// The header `Retry-After` as it came (RFC 9110, section 10.2.3): seconds, or a date.
    public var retryAfter: String? { headers.first(named: "retry-after") }
}

/// One HTTP/1.1 request on a connection of its own, with the dialing, TLS and proxy of the WebSocket. Meant for the few
/// requests around a stream: tokens, channels, probes.
public enum HTTPExchange {
    /// Sends `request` and collects the answer.
    ///
    /// - Parameters:
    ///   - request: what to send.
    ///   - options: how to connect. Its `connectTimeout` is the deadline for everything, the body included.
    ///   - maxBodySize: the most that the answer's body may have, in bytes; 1 MiB by default.
    ///   - loop: where it runs; the future is of this loop. May be called from any thread.
    /// - Returns: the answer; fails with ``DialFailure`` only.
    public static func send(
        _ request: HTTPExchangeRequest, options: DialOptions, maxBodySize: Int = 1 << 20, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse> {
        loop.flatSubmit {
            let exchange = RunningExchange(request, options: options, maxBodySize: maxBodySize, loop: loop)
            return exchange.start()
        }
    }
}

/// An exchange under way. Alive through its deadline and its channel.
private final class RunningExchange {
    private let request: HTTPExchangeRequest
    private let timeout: Duration
    private let maxBodySize: Int
    private let loop: any EventLoop
    private let dial: Dial
    private let promise: EventLoopPromise<HTTPExchangeResponse>
    private var deadline: Scheduled<Void>?
    private var channel: (any Channel)?
    private var isDone = false

    init(_ request: HTTPExchangeRequest, options: DialOptions, maxBodySize: Int, loop: any EventLoop) {
        self.request = request
        self.timeout = options.connectTimeout
        self.maxBodySize = maxBodySize
        self.loop = loop
        dial = Dial(target: request.target, options: options, loop: loop)
        promise = loop.makePromise()
    }

    func start() -> EventLoopFuture<HTTPExchangeResponse> {
        if let complaint = Self.complaint(about: request) {
            fail(.other, "the request to \(request.target) can't be sent: \(complaint)")
            return promise.futureResult
        }
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) { self.deadlineReached() }
        dial.start { [self] result in
            switch result {
            case .success(let channel): converse(on: channel)
            case .failure(let failure): end(.failure(failure))
            }
        }
        return promise.futureResult
    }

    private func deadlineReached() {
        let phase = dial.phase
        dial.cancel()
        fail(
            .timeout(phase),
            "no answer from \(request.target) within \(timeout): the time was over while \(phase.words)")
    }

    private func converse(on channel: any Channel) {
        self.channel = channel
        guard channel.isActive else {
            return fail(.closed, "\(request.target) closed the connection before it was asked anything")
        }
        let collector = ResponseCollector(maxBodySize: maxBodySize) { [self] outcome in finish(outcome) }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = 256 * 1024
        do {
            let pipeline = channel.pipeline.syncOperations
            let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
            try pipeline.addHandlers([HTTPRequestEncoder(), ByteToMessageHandler(decoder), collector])
        } catch {
            return fail(.closed, "\(request.target) closed the connection: \(errorWords(error))")
        }
        collector.send(head(), body: request.body, on: channel)
    }

    private func head() -> HTTPRequestHead {
        var head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target.requestTarget)
        head.headers.add(name: "Host", value: request.target.hostHeader)
        for field in request.headers { head.headers.add(name: field.name, value: field.value) }
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            head.headers.replaceOrAdd(name: "Content-Length", value: String(request.body.count))
        }
        return head
    }

    private func finish(_ outcome: ResponseCollector.Outcome) {
        let target = request.target
        switch outcome {
        case .answer(let head, let body):
            dial.finishPhase(.answer, next: .answer)
            end(
                .success(
                    HTTPExchangeResponse(
                        status: Int(head.status.code), headers: head.headers.map { HTTPHeaderField($0.name, $0.value) },
                        body: body, phases: dial.phases)))
        case .tooLarge:
            fail(.tooLarge(limit: maxBodySize), "the answer of \(target) is larger than \(maxBodySize) bytes")
        case .closed(let hadHead):
            let when = hadHead ? "before its answer was complete" : "without an answer"
            fail(.closed, "\(target) closed the connection \(when)")
        case .failed(let error):
            switch error {
            case is HTTPParserError: fail(.protocol, "\(target) did not answer in HTTP/1.1: \(error)")
            case is NIOSSLError, is BoringSSLError:
                let words = TLSFailureText.text(for: error, certificate: nil, nowUnixSeconds: 0)
                fail(.tls, "the connection to \(target) broke before the answer: \(words)")
            case is IOError, is ChannelError:
                fail(.closed, "the connection to \(target) broke before the answer: \(errorWords(error))")
            default: fail(.protocol, "\(target) did not answer in HTTP/1.1: \(errorWords(error))")
            }
        }
    }

    private func fail(_ kind: DialFailure.Kind, _ text: String) {
        end(.failure(DialFailure(kind, phases: dial.phases, text: text)))
    }

    private func end(_ result: Result<HTTPExchangeResponse, DialFailure>) {
        guard !isDone else { return }
        isDone = true
        deadline?.cancel()
        deadline = nil
        channel?.close(mode: .all, promise: nil)
        channel = nil
        promise.completeWith(result.mapError { $0 as any Error })
    }

    /// What would break the request or let a value smuggle a header in; nil where all is well.
    private static func complaint(about request: HTTPExchangeRequest) -> String? {
        guard !request.method.isEmpty, request.method.utf8.count <= 32, request.method.utf8.allSatisfy(isTokenCharacter)
        else { return "its method is no token" }
        for field in request.headers {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isTokenCharacter) else {
                return "the header name '\(field.name.prefix(64))' is no token"
            }
            guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                return "the value of the header '\(field.name.prefix(64))' has a control character"
            }
            guard !["host", "content-length", "transfer-encoding"].contains(field.name.lowercased()) else {
                return "the header '\(field.name.prefix(64))' is set by the exchange itself"
            }
        }
        return nil
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }
}
