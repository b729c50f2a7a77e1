import StreamModel
import StreamSupervisor

/// The way of an attempt: leave, token, gateway, and what follows from its end.
extension Storm {
    private func process(of client: Int) -> Int { client / scenario.streamsPerProcess }

    private var instant: Instant { Instant(nanoseconds: Int64(now) * 1_000_000) }

    // MARK: Leave

    /// The delay is over.
    mutating func wake(_ client: Int) {
        observe?(.asked(client: client, at: now))
        guard !processes.budgets.isEmpty else { return begin(client) }
        let process = process(of: client)
        clients[client].stage = .awaitingPermit
        processes.budgets[process].request(UInt64(client), at: instant)
        // Where a grant is waited for already, this client cannot be the next.
        if !processes.pumpIsPending[process] { pump(process) }
    }

    /// Lets go ahead whom the budget of `process` lets go ahead.
    mutating func pump(_ process: Int) {
        for grant in processes.budgets[process].grant(at: instant) {
            result.budgetWaitSeconds += grant.waited.seconds
            begin(Int(grant.id))
        }
        guard !processes.pumpIsPending[process], let next = processes.budgets[process].nextGrant else { return }
        processes.pumpIsPending[process] = true
        let tick = max(now + 1, Self.ticks(nanoseconds: next.nanoseconds))
        wheel.schedule(Int32(scenario.clients + process), at: tick, now: now)
    }

    private mutating func release(_ client: Int) {
        guard !processes.budgets.isEmpty else { return }
        let process = process(of: client)
        processes.budgets[process].release(UInt64(client))
        if !processes.pumpIsPending[process] { pump(process) }
    }

    // MARK: Token

    private mutating func begin(_ client: Int) {
        result.attempts += 1
        clients[client].began = now
        observe?(.began(client: client, at: now))
        switch scenario.tokens {
        case .none: arrive(client)
        case .shared: awaitToken(client)
        case .client where clients[client].hasToken: arrive(client)
        case .client, .attempt:
            if endpoint.request(at: now) {
                clients[client].hasToken = true
                clients[client].stage = .fetchingToken
            } else {
                clients[client].stage = .failed(.throttled)
            }
            wheel.schedule(Int32(client), at: now + latency, now: now)
        }
    }

    private mutating func awaitToken(_ client: Int) {
        let process = process(of: client)
        guard processes.token[process] != .held else { return arrive(client) }
        clients[client].stage = .awaitingToken
        clients[client].nextWaiting = TimingWheel.none
        if processes.firstWaiting[process] == TimingWheel.none {
            processes.firstWaiting[process] = Int32(client)
        } else {
            clients[Int(processes.lastWaiting[process])].nextWaiting = Int32(client)
        }
        processes.lastWaiting[process] = Int32(client)
        if processes.token[process] == .none { requestToken(process) }
    }

    private mutating func requestToken(_ process: Int) {
        let isAnswered = endpoint.request(at: now)
        processes.token[process] = isAnswered ? .requested : .resting
        let tick = isAnswered ? now + latency : TokenEndpoint.nextWindow(after: now)
        wheel.schedule(Int32(scenario.clients + processes.count + process), at: tick, now: now)
    }

    /// The token of `process` has come, or it is time to ask again.
    mutating func tokenAnswered(_ process: Int) {
        guard processes.token[process] == .requested else { return requestToken(process) }
        processes.token[process] = .held
        var client = processes.firstWaiting[process]
        processes.firstWaiting[process] = TimingWheel.none
        while client != TimingWheel.none {
            let following = clients[Int(client)].nextWaiting
            arrive(Int(client))
            client = following
        }
    }

    // MARK: Gateway

    mutating func arrive(_ client: Int) {
        result.handshakes += 1
        let second = Int(now) / 1000
        result.timeline.extend(to: second)
        result.timeline.handshakes[second] += 1
        var cause: FailureCause?
        var wait = latency
        switch gateway.arrive(at: Double(now) / 1000) {
        case .down:
            cause = .down
            if scenario.whileDown == .timeout { wait = connectTimeout }
        case .full:
            cause = .full
        case .served(let time):
            let served = max(0, Int32(min(time * 1000 - Double(now), 2e8).rounded(.up))) + latency
            wait = min(served, connectTimeout)
            if served > connectTimeout {
                cause = .timeout
                result.abandonedHandshakes += 1
            } else if scenario.failureRate > 0, gatewayRandom.unit() < scenario.failureRate {
                cause = .gatewayError
            }
        }
        clients[client].stage = cause.map { .failed($0) } ?? .answered
        wheel.schedule(Int32(client), at: now + wait, now: now)
    }

    mutating func succeed(_ client: Int) {
        clients[client].stage = .back
        observe?(.back(client: client, at: now))
        result.successes += 1
        let second = Int(now) / 1000
        result.timeline.extend(to: second)
        result.timeline.back[second] += 1
        let seconds = Double(now) / 1000
        let count = scenario.clients
        if result.successes == (count + 1) / 2 { result.halfBackAfter = seconds }
        if result.successes == (count * 99 + 99) / 100 { result.mostBackAfter = seconds }
        if result.successes == count { result.allBackAfter = seconds }
        release(client)
    }

    mutating func fail(_ client: Int, _ cause: FailureCause) {
        observe?(.failed(client: client, cause, at: now))
        switch cause {
        case .down: result.failures.down += 1
        case .full: result.failures.full += 1
        case .timeout: result.failures.timeout += 1
        case .gatewayError: result.failures.gatewayError += 1
        case .throttled: result.failures.throttled += 1
        }
        let limit = strategy.backoff.maxAttempts
        if limit > 0, clients[client].retries >= limit {
            clients[client].stage = .parked
            result.parked += 1
        } else {
            let floor = cause == .full && scenario.retryAfter > .zero ? scenario.retryAfter : nil
            rest(client, from: strategy.countsFromStart ? clients[client].began : now, floor: floor)
        }
        release(client)
    }

    /// Draws the delay before the next attempt of `client`, and waits it out.
    mutating func rest(_ client: Int, from tick: Int32, floor: Duration?) {
        clients[client].stage = .backingOff
        if keepsDelays {
            let previous = clients[client].previousDelay
            backoff.previous = previous == 0 ? nil : .nanoseconds(previous)
        }
        let retry = Int(clients[client].retries)
        let delay = backoff.delay(retry: retry, floor: floor, using: &clients[client].random)
        if keepsDelays { clients[client].previousDelay = backoff.previous?.nanoseconds ?? 0 }
        clients[client].retries += 1
        wheel.schedule(Int32(client), at: max(now + 1, tick + Self.ticks(delay)), now: now)
    }
}
