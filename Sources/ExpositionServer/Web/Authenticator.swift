/// Basic authentication against bcrypt hashes, off the polling threads.
///
/// A hash takes as long to compute for an unknown user as for a known one. What has verified once is remembered, so
/// that each scrape does not pay for it. A client that fails too often is refused without computing anything; what it
/// has once proven still passes.
final class Authenticator: Sendable {
    enum Decision {
        case allowed
        case denied(Response)
        /// To be verified.
        case unknown(BasicCredentials)
    }

    private struct State {
        var hashes: [String: BcryptHash]
        var decoy: BcryptHash?
        /// Grows with every change of the users: what was verified against the old ones is void.
        var generation: UInt64 = 0
        /// Passwords that have verified, by user.
        var verified: [String: [[UInt8]]] = [:]
        var failures: [UInt64: FailureBucket] = [:]
    }

    /// So many passwords per user are remembered: bcrypt looks at 72 bytes only, so that several may be right.
    private static let passwordsPerUser = 2
    private static let maximumFailingClients = 1024

    private let state: Monitor<State>
    private let thread = SerialThread(name: "exposition-auth", capacity: 64)

    /// Without users everybody may ask.
    init(users: [String: BcryptHash]) {
        state = Monitor(State(hashes: users, decoy: Self.decoy(for: users)))
    }

    private static func decoy(for users: [String: BcryptHash]) -> BcryptHash? {
        BcryptHash.decoy(cost: users.values.map(\.cost).max() ?? 10)
    }

    /// Other users, other passwords: whoever was let in before has to prove it anew.
    func replace(users: [String: BcryptHash]) {
        state.withLock { state in
            guard users != state.hashes else { return }
            state.hashes = users
            state.decoy = Self.decoy(for: users)
            state.generation += 1
            state.verified = [:]
        }
    }

    /// Decides what can be decided at once.
    func check(_ authorization: String?, client: UInt64, now: MonotonicTime) -> Decision {
        if state.withLock({ $0.hashes.isEmpty }) { return .allowed }
        guard let credentials = authorization.flatMap({ BasicCredentials(authorization: $0) }) else {
            return .denied(Self.unauthorized)
        }
        return state.withLock { state in
            let remembered = state.verified[credentials.user] ?? []
            if remembered.contains(where: { ConstantTime.equal($0, credentials.password) }) { return .allowed }
            if state.failures[client]?.isExhausted(now: now) == true {
                return .denied(
                    .text(429, "Too many failed logins; try again in a second.", headers: [("Retry-After", "1")]))
            }
            return .unknown(credentials)
        }
    }

    /// Computes the hash on the authenticator's own thread, then calls `reply` with nil, or with the denial. False if
    /// too many wait already; `reply` is not called then.
    func verify(_ credentials: BasicCredentials, client: UInt64, reply: @escaping @Sendable (Response?) -> Void) -> Bool
    {
        thread.submit { [self] in
            let (hash, decoy, generation) = state.withLock { state in
                (state.hashes[credentials.user], state.decoy, state.generation)
            }
            let isRight = (hash ?? decoy)?.verifies(credentials.password) ?? false
            if hash != nil, isRight {
                remember(credentials, generation: generation)
                reply(nil)
            } else {
                noteFailure(of: client, now: .now())
                reply(Self.unauthorized)
            }
        }
    }

    func stop() { thread.stop() }

    private static var unauthorized: Response {
        .text(401, "A user name and a password are needed.", headers: [("WWW-Authenticate", "Basic")])
    }

    private func remember(_ credentials: BasicCredentials, generation: UInt64) {
        state.withLock { state in
            guard state.generation == generation else { return }
            let others = (state.verified[credentials.user] ?? []).filter { $0 != credentials.password }
            state.verified[credentials.user] = [credentials.password] + others.prefix(Self.passwordsPerUser - 1)
        }
    }

    private func noteFailure(of client: UInt64, now: MonotonicTime) {
        state.withLock { state in
            if state.failures.count >= Self.maximumFailingClients, state.failures[client] == nil {
                state.failures = state.failures.filter { !$0.value.isFull(now: now) }
                if state.failures.count >= Self.maximumFailingClients { state.failures.removeAll() }
            }
            state.failures[client, default: FailureBucket(now: now)].take(now: now)
        }
    }
}

/// How often a client may fail: a burst of 20, then twice a second.
struct FailureBucket {
    private static let burst = 20.0
    private static let perSecond = 2.0

    private var tokens = Self.burst
    private var updated: MonotonicTime

    init(now: MonotonicTime) { updated = now }

    func isExhausted(now: MonotonicTime) -> Bool { tokens(at: now) < 1 }

    func isFull(now: MonotonicTime) -> Bool { tokens(at: now) >= Self.burst }

    mutating func take(now: MonotonicTime) {
        tokens = max(0, tokens(at: now) - 1)
        updated = now
    }

    private func tokens(at now: MonotonicTime) -> Double {
        min(Self.burst, tokens + Double(now.milliseconds(since: updated)) / 1000 * Self.perSecond)
    }
}
