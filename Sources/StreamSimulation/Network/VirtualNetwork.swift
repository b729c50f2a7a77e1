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
        // The path of a stream's address is its number.
        let stream = Int(request.target.path.dropFirst(2)) ?? 0
        return VirtualConnection(
            request, stream: stream, life: life, world: world, delegate: delegate)
    }

    func send(
        _ request: HTTPExchangeRequest, timeout: Duration, maxBodySize: Int, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPExchangeResponse> {
        let promise = loop.makePromise(of: HTTPExchangeResponse.self)
        let exchange = Exchange(promise)
        let link = Link(world, stream: -1)
        let bound = NIOLoopBound(exchange, eventLoop: loop)
        _ = loop.scheduleTask(in: .nanoseconds(timeout.nanoseconds)) {
            bound.value.fail(.timeout(.answer), "no answer in time")
        }
        let world = world
        link.toGateway { [weak life] in
            guard let life, let answer = world.gateway.answerTokenRequest(life) else { return }
            link.toClient { [weak life] in
                guard let life else { return }
                world.deliver(to: life) {
                    switch answer {
                    case .failure(let kind): exchange.fail(kind, "no answer")
                    case .success(let response): exchange.succeed(response)
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
