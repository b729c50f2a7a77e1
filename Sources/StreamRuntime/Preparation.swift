import NIOCore
import StreamModel
import StreamProfiles
import WebSocketTransport

/// What prepared requests have brought: good for one connection or, where the profile says so, for several.
struct PreparedSession {
    let variables: [String: VariableValue]
    /// Items that the service did not accept, for people.
    let rejections: [PrepareRequest.Rejection]
    /// How often a connection was made with it.
    var connections = 0
    /// When its preparation began.
    var preparedAt = Instant(nanoseconds: .min)
}

/// Makes the requests of a profile that come before a connection, one after the other. On one event loop.
final class Preparation {
    /// The generation of the attempt that it is for.
    let generation: UInt64
    private let wire: StreamWire
    private var attempt: StreamWire.Attempt
    private let network: any StreamConnecting
    private let wall: WallClock
    private let deadline: NIODeadline
    private let loop: any EventLoop
    private var rejections: [PrepareRequest.Rejection] = []

    init(
        generation: UInt64, wire: StreamWire, attempt: StreamWire.Attempt, network: any StreamConnecting,
        wall: WallClock, timeout: Duration, loop: any EventLoop
    ) {
        self.generation = generation
        self.wire = wire
        self.attempt = attempt
        self.network = network
        self.wall = wall
        self.loop = loop
        deadline = loop.now + .nanoseconds(timeout.nanoseconds)
    }

    func start(_ done: @escaping (Result<PreparedSession, AttemptFailureError>) -> Void) {
        next(wire.profile.prepare[...], done)
    }

    private func next(
        _ requests: ArraySlice<PrepareRequest>,
        _ done: @escaping (Result<PreparedSession, AttemptFailureError>) -> Void
    ) {
        guard let request = requests.first else {
            done(.success(PreparedSession(variables: attempt.captured, rejections: rejections)))
            return
        }
        let exchange: HTTPExchangeRequest
        do {
            let rendered = try request.render(wire.variables(of: attempt))
            exchange = HTTPExchangeRequest(
                rendered.method.rawValue, try ConnectTarget(rendered.url),
                headers: rendered.headers.map { HTTPHeaderField($0.name, $0.value) }, body: rendered.body ?? [])
        } catch {
            let detail = "\(request.name): the request cannot be built: \(error)"
            done(.failure(AttemptFailureError(AttemptFailure(reason: .other, detail: detail))))
            return
        }
        let left = Duration.nanoseconds(max(1, (deadline - loop.now).nanoseconds))
        network.send(exchange, timeout: left, maxBodySize: 1 << 20, on: loop).assumeIsolated().whenComplete { result in
            switch self.judge(result, of: request) {
            case .success: self.next(requests.dropFirst(), done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    private func judge(
        _ result: Result<HTTPExchangeResponse, any Error>, of request: PrepareRequest
    ) -> Result<Void, AttemptFailureError> {
        switch result {
        case .success(let response):
            let retryAfter = response.retryAfter?.delay(nowUnixSeconds: wall.now().milliseconds / 1000)
            return request.outcome(status: response.status, retryAfter: retryAfter, body: response.body).map {
                success in
                attempt.captured.merge(success.variables) { _, new in new }
                rejections += success.rejections
            }
        case .failure(let error):
            var failure =
                (error as? DialFailure).map { wire.failure(for: $0, wall: wall.now()) }
                ?? AttemptFailure(reason: .other, detail: "\(error)")
            failure.detail = "\(request.name): \(failure.detail ?? "no answer")"
            return .failure(AttemptFailureError(failure))
        }
    }
}
