import NIOCore
import StreamModel
import StreamRuntime
import WebSocketTransport

/// What a simulated process opens connections with.
///
/// Unchecked: everything of a simulation happens on the thread that runs it.
final class VirtualNetwork: StreamConnecting, @unchecked Sendable {
    private weak var life: ProcessLife?
    unowned let world: World

    init(_ life: ProcessLife, _ world: World) {
        self.life = life
        self.world = world
    }

    func connection(
        _ request: ConnectionRequest, on loop: any EventLoop, delegate: any StreamConnectionDelegate
    ) -> any StreamConnection {
        let connection = VirtualConnection(
            request, stream: Self.stream(of: request.target) ?? 0, life: life, loop: loop, world: world,
            delegate: delegate)
        life?.made(connection, for: delegate)
        return connection
    }

    /// The path of each address of a stream begins with the stream's name.
    private static func stream(of target: ConnectTarget) -> Int? {
        guard let first = target.path.split(separator: "/").first, first.hasPrefix("s") else { return nil }
        return Int(first.dropFirst())
    }

    func send(
        _ request: HTTPExchangeRequest, timeout: Duration, maxBodySize: Int, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse> {
        guard let life, !life.isGone else {
            return loop.makeFailedFuture(DialFailure(.closed, phases: DialPhases(), text: "the process is gone"))
        }
        let promise = loop.makePromise(of: HTTPExchangeResponse.self)
        let exchange = Exchange(promise)
        let stream = Self.stream(of: request.target)
        let link = Link(world, stream: stream ?? -1)
        let bound = NIOLoopBound(exchange, eventLoop: loop)
        _ = loop.scheduleTask(in: .nanoseconds(timeout.nanoseconds)) {
            bound.value.fail(.timeout(.answer), "no answer in time")
        }
        let world = world
        // What asks is the attempt that is under way now, whichever is when the answer comes.
        let probe = stream.flatMap { life.probe(of: $0) }
        let generation = probe?.prepares(request)
        link.toGateway { [weak life] in
            guard let life, let answer = world.gateway.answer(request, of: stream, to: life) else { return }
            link.toClient { [weak life] in
                guard let life else { return }
                world.deliver(to: life, on: loop) {
                    if let generation { probe?.willHear(answer, for: generation) }
                    switch answer {
                    case .failure(let kind, _): exchange.fail(kind, "no answer")
                    case .response(let response, _): exchange.succeed(response)
                    }
                }
            }
        }
        return promise.futureResult
    }

    /// One request, answered once.
    private final class Exchange {
        private var promise: EventLoopPromise<HTTPExchangeResponse>?
        init(_ promise: EventLoopPromise<HTTPExchangeResponse>) { self.promise = promise }

        func succeed(_ answer: VirtualGateway.Answer) {
            promise?.succeed(
                HTTPExchangeResponse(
                    status: answer.status, headers: answer.headers.map { HTTPHeaderField($0.0, $0.1) },
                    body: Array(answer.body.utf8), phases: DialPhases()))
            promise = nil
        }

        func fail(_ kind: DialFailure.Kind, _ text: String) {
            promise?.fail(DialFailure(kind, phases: DialPhases(), text: text))
            promise = nil
        }
    }
}
