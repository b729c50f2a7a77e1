import Credentials
import NIOCore
import StreamModel
import WebSocketTransport

/// Runs one ``Credential``: sends its requests, keeps its deadline, and answers the streams on their own loops.
///
/// Everything happens on `loop`; the methods may be called from any thread.
final class CredentialKeeper: Sendable {
    /// What a stream that uses this credential hears, on its own loop.
    struct Client: Sendable {
        let loop: any EventLoop
        let obtained: @Sendable (UInt64, Token) -> Void
        let failed: @Sendable (UInt64, AttemptFailure) -> Void
        let throttled: @Sendable (UInt64, Instant) -> Void
        let event: @Sendable (CredentialEvent) -> Void
    }

    /// The state of the loop: touched on the loop alone.
    private struct State {
        var credential: Credential
        var clients: [UInt64: Client] = [:]
        /// The generation of the attempt that each client wants its token for.
        var wanted: [UInt64: UInt64] = [:]
        var timer: (at: Instant, task: Scheduled<Void>)?
    }

    let name: String
    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>
    private let network: any StreamConnecting
    private let wall: WallClock
    private let tokenObtained: @Sendable (String) -> Void

    init(
        name: String, credential: Credential, network: any StreamConnecting, wall: WallClock, loop: any EventLoop,
        tokenObtained: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.name = name
        self.tokenObtained = tokenObtained
        self.loop = loop
        self.network = network
        self.wall = wall
        state = NIOLoopBoundBox.makeBoxSendingValue(State(credential: credential), eventLoop: loop)
    }

    // MARK: Streams

    func join(_ requester: UInt64, _ client: Client) {
        run { $0.state.value.clients[requester] = client }
    }

    func leave(_ requester: UInt64) {
        run {
            $0.state.value.clients[requester] = nil
            $0.state.value.wanted[requester] = nil
            $0.handle(.requesterGone(requester: requester))
        }
    }

    func want(_ requester: UInt64, attempt: UInt64, notBefore: Instant?) {
        run {
            $0.state.value.wanted[requester] = attempt
            $0.handle(.tokenWanted(requester: requester, notBefore: notBefore))
        }
    }

    func forgo(_ requester: UInt64, attempt: UInt64) {
        run {
            guard $0.state.value.wanted[requester] == attempt else { return }
            $0.state.value.wanted[requester] = nil
            $0.handle(.tokenUnwanted(requester: requester))
        }
    }

    func refused(_ requester: UInt64, generation: UInt64, status: Int?, detail: String) {
        run {
            $0.handle(.tokenRefused(requester: requester, generation: generation, status: status, detail: detail))
        }
    }

    func accepted(_ requester: UInt64) {
        run { $0.handle(.tokenAccepted(requester: requester)) }
    }

    /// Calls in order: an `execute` for each, also from the loop itself, so that a call never overtakes another.
    private func run(_ body: @escaping @Sendable (CredentialKeeper) -> Void) {
        loop.execute { body(self) }
    }

    // MARK: The credential

    private func handle(_ input: CredentialInput) {
        let outputs = state.value.credential.handle(input, at: loop.instant, wall: wall.now())
        for output in outputs { perform(output) }
        schedule()
    }

    private func perform(_ output: CredentialOutput) {
        switch output {
        case .sendRequest(let request): send(request)
        case .cancelRequest: break  // its answer is told by its flight, and ignored
        case .deliver(let token, let requesters):
            tokenObtained(token.value.reveal())
            answer(requesters) { $0.obtained($1, token) }
        case .fail(let requesters, let failure):
            answer(requesters) { $0.failed($1, failure) }
        case .throttled(let requesters, let until):
            for requester in requesters {
                guard let client = state.value.clients[requester], let attempt = state.value.wanted[requester] else {
                    continue
                }
                client.loop.execute { client.throttled(attempt, until) }
            }
        case .refusalJudged: break  // the machine counts refusals itself
        case .event(let event, let requester):
            // Told through whichever stream asked; through any other where that one has left meanwhile.
            guard let client = state.value.clients[requester] ?? state.value.clients.min(by: { $0.key < $1.key })?.value
            else { return }
            client.loop.execute { client.event(event) }
        }
    }

    private func answer(_ requesters: [UInt64], _ body: @escaping @Sendable (Client, UInt64) -> Void) {
        for requester in requesters {
            guard let client = state.value.clients[requester],
                let attempt = state.value.wanted.removeValue(forKey: requester)
            else { continue }
            client.loop.execute { body(client, attempt) }
        }
    }

    private func send(_ request: TokenRequest) {
        let target: ConnectTarget
        do {
            target = try ConnectTarget(request.url)
        } catch {
            run { $0.handle(.requestFailed(flight: request.flight, .other("\(error)"))) }
            return
        }
        let exchange = HTTPExchangeRequest(
            "POST", target,
            headers: [
                HTTPHeaderField("Authorization", request.authorization.reveal()),
                HTTPHeaderField("Content-Type", TokenRequest.contentType),
                HTTPHeaderField("Accept", "application/json"),
            ], body: Array(request.body.utf8))
        network.send(exchange, timeout: request.timeout, maxBodySize: TokenResponse.maximumBodySize, on: loop)
            .whenComplete { [weak self] result in
                switch result {
                case .success(let response):
                    let answer = TokenResponse(
                        status: response.status, retryAfter: response.retryAfter,
                        body: response.body)
                    self?.handle(.responseReceived(flight: request.flight, answer))
                case .failure(let error):
                    self?.handle(.requestFailed(flight: request.flight, TokenRequestFailure(error)))
                }
            }
    }

    private func schedule() {
        guard let deadline = state.value.credential.nextDeadline else { return }
        if let timer = state.value.timer, timer.at <= deadline { return }
        state.value.timer?.task.cancel()
        let task = loop.schedule(at: deadline) { [weak self] in
            self?.state.value.timer = nil
            self?.handle(.deadlineReached)
        }
        state.value.timer = (deadline, task)
    }
}

extension TokenRequestFailure {
    fileprivate init(_ error: any Error) {
        guard let failure = error as? DialFailure else {
            self = .other("\(error)")
            return
        }
        switch failure.kind {
        case .dns: self = .nameNotResolved
        case .refused: self = .connectionRefused
        case .timeout: self = .timedOut
        case .tls: self = .tls(failure.text)
        case .refusedByServer, .protocol, .closed, .proxy, .tooLarge, .aborted, .other: self = .other(failure.text)
        }
    }
}
