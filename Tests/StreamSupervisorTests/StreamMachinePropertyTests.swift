import StreamModel
import Testing

@testable import StreamSupervisor

/// Every state meets every input, and long random lives keep every promise.
@Suite struct StreamMachinePropertyTests {
    private static func inputs(generation: UInt64, now: Instant) -> [StreamInput] {
        let failures: [AttemptFailure] = [
            AttemptFailure(reason: .gatewayError, httpStatus: 502),
            AttemptFailure(reason: .refusedToken, httpStatus: 401, consequence: .retryWithNewToken),
            AttemptFailure(reason: .throttled, httpStatus: 429, retryAfter: .seconds(50)),
            AttemptFailure(reason: .token, consequence: .retryAtCap),
            AttemptFailure(reason: .httpError, httpStatus: 404, consequence: .prepareAnew),
        ]
        let closures: [Closure] = [
            Closure(origin: .peer, code: 1011), Closure(origin: .endOfStream, code: 1006),
            Closure(origin: .peer, code: 4401, meaning: .staleCredential),
            Closure(origin: .protocolError, code: 1002), Closure(origin: .tooLarge, code: 1009),
            Closure(origin: .transport, code: 1006), Closure(origin: .peer, code: 4429, meaning: .throttled),
        ]
        let roles: [MessageFacts.Role] = [
            .event, .acknowledgment, .refusal, .hello, .heartbeat, .heartbeatAnswer, .closeNotice, .credentialNotice,
        ]
        return [
            .started, .reconnectRequested, .permitGranted(generation: generation),
            .tokenObtained(generation: generation), .tokenThrottled(generation: generation, until: now + .seconds(5)),
            .transportOpened(generation: generation, PhaseTimings()), .pongReceived(generation: generation),
            .heartbeatIntervalNamed(generation: generation, .seconds(11)), .deadlineReached,
        ]
            + failures.map { .transportFailed(generation: generation, $0, PhaseTimings()) }
            + failures.prefix(1).map { .tokenFailed(generation: generation, $0) }
            + closures.map { .transportClosed(generation: generation, $0) }
            + roles.map { .messageReceived(generation: generation, MessageFacts(role: $0, sequence: 7)) }
    }

    private static let finals: [StreamInput] = [.stopRequested]

    /// A machine brought into `state`.
    private static func machine(in state: StreamState) -> MachineDriver {
        var policy = StreamPolicy.architect
        policy.backoff.maxAttempts = 1
        var driver = MachineDriver(policy)
        switch state {
        case .idle: break
        case .authenticating: driver.handle(.started)
        case .connecting:
            driver.handle(.started)
            driver.handle(.permitGranted(generation: 1))
            driver.handle(.tokenObtained(generation: 1))
        case .subscribing:
            driver.handle(.started)
            driver.open()
        case .live: driver.goLive()
        case .backingOff:
            driver.goLive()
            driver.close()
        case .exhausted:
            driver.goLive()
            driver.close()
            driver.retryAndOpen()
            driver.close()
        case .stopped:
            driver.goLive()
            driver.handle(.stopRequested)
            driver.pass(.seconds(5))
        }
        _ = driver.drain()
        return driver
    }

    /// Where each input leads from each state. What is not named leaves the state as it is.
    @Test(arguments: StreamState.allCases)
    func everyStateMeetsEveryInput(state: StreamState) {
        let reference = Self.machine(in: state)
        #expect(reference.machine.state == state)
        for input in Self.inputs(generation: reference.generation, now: reference.now) + Self.finals {
            var driver = reference
            driver.handle(input)
            let expected = Self.successor(of: state, on: input)
            #expect(driver.machine.state == expected, "\(state) met \(input)")
            // A fact of an earlier or a later connection changes nothing.
            for stranger in [reference.generation &+ 1, reference.generation &- 1] {
                var other = reference
                let foreign = Self.inputs(generation: stranger, now: reference.now)
                guard
                    let index = Self.inputs(generation: reference.generation, now: reference.now).firstIndex(of: input)
                else { continue }
                switch foreign[index] {
                case .started, .stopRequested, .reconnectRequested, .deadlineReached: continue
                default: break
                }
                other.handle(foreign[index])
                #expect(other.machine.state == state, "\(state) met a stale \(foreign[index])")
                #expect(other.drain().isEmpty, "\(state) acted on a stale \(foreign[index])")
            }
        }
    }

    private static func successor(of state: StreamState, on input: StreamInput) -> StreamState {
        if case .stopRequested = input { return .stopped }
        switch (state, input) {
        case (.idle, .started): return .authenticating
        case (.authenticating, .tokenFailed), (.authenticating, .transportFailed), (.authenticating, .transportClosed),
            (.connecting, .tokenFailed), (.connecting, .transportFailed), (.connecting, .transportClosed),
            (.subscribing, .tokenFailed), (.subscribing, .transportFailed), (.subscribing, .transportClosed),
            (.live, .transportClosed):
            return .backingOff
        case (.connecting, .transportOpened): return .subscribing
        case (.subscribing, .messageReceived(_, let facts)):
            switch facts.role {
            case .acknowledgment: return .live
            case .refusal: return .backingOff
            case .event, .hello, .heartbeat, .heartbeatAnswer, .closeNotice, .credentialNotice: return .subscribing
            }
        case (.live, .messageReceived(_, let facts)) where facts.role == .closeNotice: return .authenticating
        // The policy resumes: a session that the server takes back is over.
        case (.live, .messageReceived(_, let facts)) where facts.role == .refusal: return .backingOff
        case (.live, .reconnectRequested), (.exhausted, .reconnectRequested), (.stopped, .reconnectRequested):
            return .authenticating
        default: return state
        }
    }

    /// A random life: whatever happens and in whatever order, the promises hold.
    @Test(arguments: 0..<150 as Range<UInt64>)
    func promisesHoldOverRandomLives(seed: UInt64) {
        var chance = SplitMix64(seed: seed &* 77 &+ 5)
        var policy = StreamPolicy.architect
        policy.backoff.jitter = [.none, .full, .equal, .decorrelated, .additive(ratio: 0.4)][Int(seed % 5)]
        policy.backoff.maxAttempts = seed % 4 == 0 ? 3 : 0
        policy.rearmAfter = seed % 8 == 0 ? .seconds(100) : .zero
        policy.handover = seed % 2 == 0 ? .makeBeforeBreak : .breakBeforeMake
        policy.silenceTimeout = seed % 3 == 0 ? .seconds(20) : .zero
        var driver = MachineDriver(policy, seed: seed)
        var checker = PromiseChecker()
        driver.handle(.started)
        checker.check(&driver, seed: seed)
        for _ in 0..<600 {
            let generation =
                Int.random(in: 0..<10, using: &chance) == 0
                ? UInt64.random(in: 0...driver.generation + 1, using: &chance) : driver.generation
            let choices = Self.inputs(generation: generation, now: driver.now)
            switch Int.random(in: 0..<10, using: &chance) {
            case 0...2: driver.open()
            case 3...4: driver.acknowledge()
            case 5: driver.receive([UInt64.random(in: 0...500, using: &chance)])
            case 6: driver.passToDeadline()
            case 7: driver.now = driver.now + .milliseconds(Int.random(in: 0...9000, using: &chance))
            default: driver.handle(choices[Int.random(in: 0..<choices.count, using: &chance)])
            }
            checker.check(&driver, seed: seed)
        }
        driver.handle(.stopRequested)
        driver.pass(.seconds(10))
        #expect(driver.machine.state == .stopped, "seed \(seed)")
        #expect(driver.machine.nextDeadline == nil, "seed \(seed): nothing is waited for after the end")
    }

    @Test func theSameSeedGivesTheSameLife() {
        func life(_ seed: UInt64) -> [StreamEvent] {
            var driver = MachineDriver(.architect, seed: seed)
            driver.goLive()
            for _ in 0..<9 {
                driver.close()
                driver.retryAndOpen()
            }
            return driver.events
        }
        #expect(life(4) == life(4))
        #expect(life(4) != life(5))
    }
}

/// Watches the orders that a machine gives.
private struct PromiseChecker {
    private var redialAllowedAt: Instant?
    private var planned = false
    private var liveGenerations: Set<UInt64> = []
    private var lost: UInt64 = 0
    private var reconnects = 0
    private var outcomes = 0

    mutating func check(_ driver: inout MachineDriver, seed: UInt64) {
        for action in driver.drain() {
            switch action {
            case .emit(.backoffScheduled(let delay, _, _)):
                #expect(delay > .zero, "seed \(seed): a redial without a delay")
                redialAllowedAt = driver.now + delay
            case .emit(.handover): planned = true
            case .emit(.attemptStarted(let attempt)):
                if let allowed = redialAllowedAt, !planned {
                    #expect(driver.now >= allowed, "seed \(seed): a retry before its deadline")
                }
                redialAllowedAt = nil
                planned = false
                if attempt.isReconnect { reconnects += 1 }
            case .emit(.attemptFailed(let attempt, _, _)) where attempt.isReconnect: outcomes += 1
            case .emit(.reconnected): outcomes += 1
            case .emit(.live(let attempt, _, _)): liveGenerations.insert(attempt.generation)
            case .emit(.connectionLost(let loss)): liveGenerations.remove(loss.generation)
            default: break
            }
        }
        #expect(liveGenerations.count <= 1, "seed \(seed): more than one live connection")
        #expect((driver.machine.state == .live) == (liveGenerations.count == 1), "seed \(seed)")
        let tallies = driver.tallies
        #expect(tallies.lost >= lost, "seed \(seed)")
        lost = tallies.lost
        #expect(tallies.continuity >= 0 && tallies.continuity <= 1, "seed \(seed)")
        let underWay = driver.machine.attempt?.facts.isReconnect == true ? 1 : 0
        #expect(reconnects == outcomes + underWay, "seed \(seed): a reconnect attempt without its line")
    }
}
