public import StreamModel

/// One token for however many streams use it: asked for once at a time, kept until shortly before its end, thrown away
/// when a server refuses it. A pure state machine: no socket, no clock.
///
///     idle ──▶ requesting ──▶ idle                 granted, rejected or failed
///      │          │   ▲
///      │          ▼   │
///      └──▶ resting (429, or too many requests of our own), then requesting
public struct OAuthCredential: Sendable {
    /// Requests within one flight that the server may answer with 429.
    private static let maximumTries = 3
    /// No token endpoint means longer than this: its bucket refills by the minute.
    private static let longestRest = Duration.seconds(3_600)
    /// How long a 429 without `Retry-After` means.
    private static let defaultRest = Duration.seconds(5)

    private enum Phase: Hashable {
        case idle
        /// A request is out.
        case requesting(deadline: Instant, tries: Int)
        /// The next request comes later; `isThrottled` where the server asked for it.
        case resting(until: Instant, tries: Int, isThrottled: Bool)
    }

    private let configuration: OAuthConfiguration
    private var phase = Phase.idle
    private var flight: UInt64 = 0
    /// On whose behalf the flight began.
    private var initiator: UInt64 = 0
    private var waiting: [UInt64] = []
    private var cached: Token?
    /// The token's end on the monotonic clock: holds even where the wall clock is set back.
    private var cachedUntil: Instant?
    private var generation: UInt64 = 0
    private var refusals = RefusalLedger()
    /// Below the 300 a minute at which the endpoint throttles, for a fleet that wants new tokens at every reconnect.
    private var bucket = TokenBucket(burst: 20, perSecond: 4)

    /// A credential without a token yet.
    public init(_ configuration: OAuthConfiguration) {
        self.configuration = configuration
    }

    /// When ``CredentialInput/deadlineReached`` is due; nil where nothing is waited for.
    public var nextDeadline: Instant? {
        switch phase {
        case .idle: nil
        case .requesting(let deadline, _): deadline
        case .resting(let until, _, _): until
        }
    }

    /// Takes a fact in, and gives the orders that follow from it, in order.
    public mutating func handle(_ input: CredentialInput, at now: Instant, wall: WallTime) -> [CredentialOutput] {
        switch input {
        case .tokenWanted(let requester, let notBefore):
            return want(requester, notBefore: notBefore, at: now, wall: wall)
        case .tokenUnwanted(let requester):
            return unwant(requester)
        case .requesterGone(let requester):
            refusals.forget(requester)
            return unwant(requester)
        case .tokenAccepted(let requester):
            refusals.forget(requester)
            return []
        case .tokenRefused(let requester, let generation, let status, let detail):
            return refuse(requester, generation: generation, status: status, detail: detail)
        case .responseReceived(let flight, let response):
            guard flight == self.flight, case .requesting(_, let tries) = phase else { return [] }
            return receive(response, tries: tries, at: now, wall: wall)
        case .requestFailed(let flight, let failure):
            guard flight == self.flight, case .requesting = phase else { return [] }
            return fail(detail: words(for: failure), outcome: .error)
        case .deadlineReached:
            return passDeadline(at: now)
        }
    }

    // MARK: - Who wants one

    private mutating func want(
        _ requester: UInt64, notBefore: Instant?, at now: Instant, wall: WallTime
    ) -> [CredentialOutput] {
        let isRecent = cached.map { token in notBefore.map { token.fetchedAt >= $0 } ?? true } ?? false
        if isRecent, let token = cached, hasLeft(configuration.refreshBeforeExpiry, token, at: now, wall: wall) {
            return [.deliver(token, to: [requester])]
        }
        switch phase {
        case .idle:
            initiator = requester
            if bucket.take(at: now) {
                waiting = [requester]
                return [send(tries: 1, at: now)]
            }
            // A token that still works is better than one more request than the endpoint takes.
            if let token = cached, hasLeft(.zero, token, at: now, wall: wall) {
                return [.deliver(token, to: [requester])]
            }
            waiting = [requester]
            phase = .resting(until: bucket.available(at: now), tries: 0, isThrottled: false)
            return []
        case .requesting:
            join(requester)
            return []
        case .resting(let until, _, let isThrottled):
            join(requester)
            return isThrottled ? [.throttled([requester], until: until)] : []
        }
    }

    private mutating func join(_ requester: UInt64) {
        if !waiting.contains(requester) { waiting.append(requester) }
    }

    private mutating func unwant(_ requester: UInt64) -> [CredentialOutput] {
        waiting.removeAll { $0 == requester }
        // A request that is out may finish, its token will be wanted; one that nobody waits for is not begun.
        if waiting.isEmpty, case .resting = phase { phase = .idle }
        return []
    }

    private func hasLeft(_ duration: Duration, _ token: Token, at now: Instant, wall: WallTime) -> Bool {
        if let expiry = token.expiry, wall.milliseconds + duration.nanoseconds / 1_000_000 >= expiry.milliseconds {
            return false
        }
        if let cachedUntil, now + duration >= cachedUntil { return false }
        return true
    }

    // MARK: - The flight

    private mutating func send(tries: Int, at now: Instant) -> CredentialOutput {
        flight += 1
        phase = .requesting(deadline: now + configuration.requestTimeout, tries: tries)
        return .sendRequest(configuration.request(flight: flight))
    }

    private mutating func passDeadline(at now: Instant) -> [CredentialOutput] {
        switch phase {
        case .idle: return []
        case .requesting(let deadline, _):
            if now < deadline { return [] }
            return [.cancelRequest(flight: flight)] + fail(detail: words(for: .timedOut), outcome: .error)
        case .resting(let until, let tries, _):
            if now < until { return [] }
            // What the server asked us to wait for is due, whatever our own limit says; it counts nonetheless.
            if !bucket.take(at: now), tries == 0 {
                phase = .resting(until: bucket.available(at: now), tries: 0, isThrottled: false)
                return []
            }
            return [send(tries: tries + 1, at: now)]
        }
    }

    private mutating func receive(
        _ response: TokenResponse, tries: Int, at now: Instant, wall: WallTime
    ) -> [CredentialOutput] {
        switch response.status {
        case 200..<300: return grant(response, at: now, wall: wall)
        case 429: return throttle(response, tries: tries, at: now, wall: wall)
        case 400, 401:
            let words = TokenAnswer.refusal(in: response, hiding: [configuration.clientSecret])
            let rejection = CredentialEvent.Rejection(cause: .invalidClient, status: response.status, detail: words)
            let event = CredentialOutput.event(.rejected(rejection), requester: initiator)
            return fail(
                detail: "\(configuration.shownURL) rejected the client: \(words)", outcome: .rejected,
                status: response.status, consequence: .retryAtCap, further: [event])
        default:
            return fail(
                detail: "\(configuration.shownURL) answered with status \(response.status)", outcome: .error,
                status: response.status)
        }
    }

    private mutating func grant(_ response: TokenResponse, at now: Instant, wall: WallTime) -> [CredentialOutput] {
        let grant: TokenAnswer.Grant
        do throws(TokenAnswer.Unusable) {
            grant = try TokenAnswer.grant(in: response)
        } catch {
            return fail(
                detail: "\(configuration.shownURL): \(error.reason)", outcome: .error, status: response.status)
        }
        let told = grant.lifetime.map { WallTime(milliseconds: wall.milliseconds + $0.nanoseconds / 1_000_000) }
        let claimed = TokenAnswer.expiry(ofJWT: grant.token)
        generation += 1
        let token = Token(
            value: Secret(grant.token), generation: generation, fetchedAt: now,
            expiry: [told, claimed].compactMap { $0 }.min())
        cached = token
        cachedUntil = grant.lifetime.map { now + $0 }
        phase = .idle
        let receivers = waiting
        waiting = []
        return [
            .event(.requestEnded(.ok), requester: initiator),
            .event(.refreshed(expiry: token.expiry), requester: initiator),
        ] + (receivers.isEmpty ? [] : [.deliver(token, to: receivers)])
    }

    private mutating func throttle(
        _ response: TokenResponse, tries: Int, at now: Instant, wall: WallTime
    ) -> [CredentialOutput] {
        let asked = response.retryAfter.flatMap { RetryAfter.parse($0, now: wall) }
            .map { min($0, Self.longestRest) }
        if tries >= Self.maximumTries {
            return fail(
                detail: "\(configuration.shownURL) throttles: status 429 for \(tries) tries", outcome: .throttled,
                status: response.status, retryAfter: asked)
        }
        let event = CredentialOutput.event(.requestEnded(.throttled), requester: initiator)
        if waiting.isEmpty {
            phase = .idle
            return [event]
        }
        let until = now + (asked ?? Self.defaultRest)
        phase = .resting(until: until, tries: tries, isThrottled: true)
        return [event, .throttled(waiting, until: until)]
    }

    private mutating func fail(
        detail: String, outcome: TokenOutcome, status: Int? = nil, retryAfter: Duration? = nil,
        consequence: AttemptFailure.Consequence = .retry, further: [CredentialOutput] = []
    ) -> [CredentialOutput] {
        phase = .idle
        let receivers = waiting
        waiting = []
        let failure = AttemptFailure(
            reason: .token, httpStatus: status, retryAfter: retryAfter, detail: detail, consequence: consequence)
        return [.event(.requestEnded(outcome), requester: initiator)] + further
            + (receivers.isEmpty ? [] : [.fail(receivers, failure)])
    }

    private func words(for failure: TokenRequestFailure) -> String {
        let endpoint = configuration.shownURL
        return switch failure {
        case .nameNotResolved: "\(endpoint): the host's name did not resolve"
        case .connectionRefused: "\(endpoint): connection refused"
        case .timedOut: "\(endpoint): no answer within \(configuration.requestTimeout)"
        case .tls(let words): "\(endpoint): TLS failed: \(words.prefix(300))"
        case .other(let words): "\(endpoint): \(words.prefix(300))"
        }
    }

    // MARK: - Refusals

    private mutating func refuse(
        _ requester: UInt64, generation: UInt64, status: Int?, detail: String
    ) -> [CredentialOutput] {
        if cached?.generation == generation { cached = nil }
        let (cause, consequence) = refusals.judge(requester: requester, generation: generation, isRenewable: true)
        return [
            .event(.rejected(.init(cause: cause, status: status, detail: detail)), requester: requester),
            .refusalJudged(requester: requester, consequence),
        ]
    }
}
