import StreamModel
import Testing

@testable import StreamSupervisor

@Suite struct StreamMachineTests {
    // MARK: The ordinary way

    @Test func aStartAsksForLeaveThenATokenThenASocketThenSubscribes() {
        var driver = MachineDriver(.architect)
        driver.handle(.started)
        #expect(driver.machine.state == .authenticating)
        #expect(driver.drain().last == .emit(.stateChanged(.authenticating)))
        driver.handle(.permitGranted(generation: 1))
        #expect(driver.drain() == [.requestToken(generation: 1, notBefore: nil)])
        driver.handle(.tokenObtained(generation: 1))
        #expect(
            driver.drain() == [.openTransport(generation: 1, resuming: false), .emit(.stateChanged(.connecting))])
        driver.handle(.transportOpened(generation: 1, PhaseTimings()))
        #expect(driver.drain() == [.subscribe(generation: 1), .emit(.stateChanged(.subscribing))])
        driver.now = driver.now + .milliseconds(40)
        driver.acknowledge()
        #expect(driver.machine.state == .live)
        #expect(driver.drain().first == .releasePermit(generation: 1))
        #expect(!driver.events.contains { if case .reconnected = $0 { true } else { false } })
    }

    @Test func aReconnectResumesFromTheHighestNumberWithANewToken() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.receive(1...41)
        driver.now = driver.now + .seconds(5)
        let lostAt = driver.now
        driver.close(1006)
        #expect(driver.events.compactMap(\.lossReason) == [.closedAbnormal])
        _ = driver.drain()
        driver.passToDeadline()
        driver.handle(.permitGranted(generation: 2))
        #expect(driver.drain().contains(.requestToken(generation: 2, notBefore: lostAt)))
        driver.handle(.tokenObtained(generation: 2))
        #expect(driver.drain().contains(.openTransport(generation: 2, resuming: true)))
        driver.handle(.transportOpened(generation: 2, PhaseTimings()))
        #expect(driver.drain().contains(.resume(generation: 2, lastSequence: 41, directive: .preserve)))
        driver.now = driver.now + .milliseconds(148)
        driver.acknowledge()
        let outcomes = driver.events.compactMap { event -> StreamEvent.AttemptOutcome? in
            if case .reconnected(let attempt, let outcome) = event, attempt.retryCount == 1 { outcome } else { nil }
        }
        #expect(outcomes.count == 1)
        #expect(outcomes.first?.latency == .milliseconds(148))
        #expect(outcomes.first?.lastSequence == 41)
        let outage = driver.events.compactMap { event -> Duration? in
            if case .live(_, _, let outage) = event { outage } else { nil }
        }
        #expect(outage == [driver.now - lostAt])
    }

    @Test func aFirstAttemptThatFailsIsRetriedAsAFreshSubscription() {
        var driver = MachineDriver(.architect)
        driver.handle(.started)
        driver.handle(.permitGranted(generation: 1))
        driver.handle(.tokenObtained(generation: 1))
        driver.handle(.transportFailed(generation: 1, AttemptFailure(reason: .gatewayError), PhaseTimings()))
        _ = driver.drain()
        driver.retryAndOpen()
        #expect(driver.drain().contains(.subscribe(generation: 2)))
    }

    @Test func aSavedCursorIsResumedByTheFirstAttempt() {
        var driver = MachineDriver(.architect, lastSequence: 99)
        driver.handle(.started)
        driver.open()
        #expect(driver.drain().contains(.resume(generation: 1, lastSequence: 99, directive: .preserve)))
        driver.acknowledge()
        driver.receive([103])
        driver.pass(.seconds(2))
        #expect(driver.tallies.lost == 3)
        #expect(driver.events.compactMap(\.resumeOutcome) == [.partial])
    }

    // MARK: Backoff

    @Test func aServerThatAcceptsAndDropsIsRetriedAsTheBackoffSaysThenGivenUp() {
        var policy = StreamPolicy.architect
        policy.backoff.jitter = .none
        var driver = MachineDriver(policy)
        driver.goLive()
        var attempts = 1
        while driver.machine.state == .live {
            driver.close(1006)
            guard driver.machine.state == .backingOff else { break }
            driver.retryAndOpen()
            driver.acknowledge()
            attempts += 1
            #expect(attempts < 100)
        }
        #expect(attempts == 11, "the first attempt and ten retries")
        #expect(driver.events.compactMap(\.delay).map(\.seconds) == [1, 2, 4, 8, 16, 30, 30, 30, 30, 30])
        #expect(driver.machine.state == .exhausted)
        #expect(driver.machine.nextDeadline == nil, "rearm_after 0 never rearms")
        #expect(
            driver.events.contains(
                .retriesExhausted(retries: 10, cause: "closed_abnormal", willRearmAfter: nil)))
    }

    @Test func everyReconnectAttemptAsksForATokenFetchedSinceTheOneBeforeItFailed() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close()
        driver.passToDeadline()
        driver.handle(.permitGranted(generation: driver.generation))
        let failure = AttemptFailure(reason: .gatewayError, httpStatus: 502)
        driver.pass(.seconds(1))
        driver.handle(.transportFailed(generation: driver.generation, failure, PhaseTimings()))
        let failedAt = driver.now
        driver.passToDeadline()
        _ = driver.drain()
        driver.handle(.permitGranted(generation: driver.generation))
        #expect(driver.drain().contains(.requestToken(generation: driver.generation, notBefore: failedAt)))
    }

    @Test func theRetryCountGoesBackOnlyWhenTheStreamHasHeld() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close()
        driver.retryAndOpen()
        driver.acknowledge()
        driver.pass(.seconds(29))
        #expect(driver.machine.retries == 1)
        driver.close()
        driver.retryAndOpen()
        driver.acknowledge()
        #expect(driver.machine.retries == 2)
        driver.handle(.pongReceived(generation: driver.generation))
        driver.pass(.seconds(30))
        #expect(driver.machine.retries == 0)
        #expect(driver.events.contains(.held))
    }

    @Test func aParkedStreamRearmsWithAFreshCycle() {
        var policy = StreamPolicy.architect
        policy.backoff.maxAttempts = 1
        policy.rearmAfter = .seconds(60)
        var driver = MachineDriver(policy)
        driver.handle(.started)
        for _ in 0..<2 {
            let failure = AttemptFailure(reason: .refused)
            driver.handle(.transportFailed(generation: driver.generation, failure, PhaseTimings()))
            if driver.machine.state == .backingOff { driver.passToDeadline() }
        }
        #expect(driver.machine.state == .exhausted)
        driver.pass(.seconds(59))
        #expect(driver.machine.state == .exhausted)
        driver.pass(.seconds(1))
        #expect(driver.machine.state == .authenticating)
        #expect(driver.machine.retries == 0)
    }

    @Test func aPersonCanRestartAParkedStream() {
        var policy = StreamPolicy.architect
        policy.backoff.maxAttempts = 1
        policy.onExhausted = .exit
        var driver = MachineDriver(policy)
        driver.goLive()
        driver.close()
        driver.retryAndOpen()
        driver.close()
        #expect(driver.machine.state == .exhausted)
        #expect(driver.drain().contains(.endProcess))
        driver.handle(.reconnectRequested)
        #expect(driver.machine.state == .authenticating)
        driver.open()
        #expect(driver.drain().contains { if case .resume = $0 { true } else { false } })
    }

    @Test func retryAfterIsAFloor() {
        var driver = MachineDriver(.architect)
        driver.handle(.started)
        let failure = AttemptFailure(reason: .throttled, httpStatus: 429, retryAfter: .seconds(120))
        driver.handle(.transportFailed(generation: 1, failure, PhaseTimings()))
        let delay = driver.events.compactMap(\.delay).first ?? .zero
        #expect(delay >= .seconds(120) && delay <= .seconds(132))
    }

    // MARK: Tokens

    @Test func aRefusedTokenIsThrownAwayAndTheSecondRefusalWaitsAtTheCap() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close(4401, .staleCredential)
        #expect(driver.drain().contains(.discardToken(generation: 1, status: 4401, detail: "")))
        #expect(driver.events.compactMap(\.lossReason) == [.token])
        #expect((driver.events.compactMap(\.delay).last ?? .zero) < .seconds(2))
        driver.passToDeadline()
        driver.handle(.permitGranted(generation: 2))
        driver.handle(.tokenObtained(generation: 2))
        let refusal = AttemptFailure(reason: .refusedToken, httpStatus: 401, consequence: .retryWithNewToken)
        driver.handle(.transportFailed(generation: 2, refusal, PhaseTimings()))
        #expect(driver.drain().contains(.discardToken(generation: 2, status: 401, detail: "")))
        #expect((driver.events.compactMap(\.delay).last ?? .zero) >= .seconds(30))
    }

    @Test func aTokenThatDoesNotComeIsAFailureAndAThrottledOneIsWaitedFor() {
        var driver = MachineDriver(.architect)
        driver.handle(.started)
        driver.handle(.permitGranted(generation: 1))
        driver.handle(.tokenThrottled(generation: 1, until: driver.now + .seconds(100)))
        driver.pass(.seconds(129))
        #expect(driver.machine.state == .authenticating)
        driver.pass(.seconds(1))
        #expect(driver.events.compactMap { $0.failure?.reason } == [.token])
    }

    // MARK: Deadlines

    @Test func everyWaitEndsByItself() {
        var driver = MachineDriver(.architect)
        driver.handle(.started)
        driver.handle(.permitGranted(generation: 1))
        driver.handle(.tokenObtained(generation: 1))
        driver.pass(.seconds(10))
        #expect(driver.events.compactMap { $0.failure?.reason } == [.timeout])
        driver.retryAndOpen()
        driver.pass(.milliseconds(4999))
        #expect(driver.machine.state == .subscribing)
        driver.pass(.milliseconds(1))
        #expect(driver.events.compactMap { $0.failure?.reason } == [.timeout, .ackTimeout])
        let statuses = driver.events.compactMap { event -> AttemptStatus? in
            if case .attemptFailed(_, let outcome, _) = event { outcome.status } else { nil }
        }
        #expect(statuses == [.timeout, .timeout])
    }

    @Test func anUnansweredHeartbeatDropsTheConnection() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        _ = driver.drain()
        driver.pass(.seconds(30))
        #expect(driver.drain().contains(.sendPing(generation: 1)))
        driver.now = driver.now + .milliseconds(20)
        driver.handle(.pongReceived(generation: 1))
        #expect(driver.events.last == .heartbeatAnswered(roundTrip: .milliseconds(20)))
        driver.pass(.milliseconds(29_980))
        #expect(driver.drain().filter { $0 == .sendPing(generation: 1) }.count == 1)
        driver.pass(.milliseconds(9_999))
        #expect(driver.machine.state == .live)
        driver.pass(.milliseconds(1))
        #expect(driver.machine.state == .backingOff)
        #expect(driver.events.compactMap(\.lossReason) == [.heartbeat])
        #expect(driver.drain().contains(.abort(generation: 1)))
    }

    @Test func theHeartbeatRestartsAfterAReconnectAndNeverRunsTwice() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.pass(.seconds(29))
        driver.close()
        driver.retryAndOpen()
        driver.acknowledge()
        _ = driver.drain()
        var pings = 0
        for _ in 0..<90 {
            driver.pass(.seconds(1))
            let sent = driver.drain().filter { $0 == .sendPing(generation: 2) }.count
            pings += sent
            if sent > 0 { driver.handle(.pongReceived(generation: 2)) }
        }
        #expect(pings == 3)
    }

    @Test func aSilentStreamIsStalledWhetherOrNotItAnswersPings() {
        var policy = StreamPolicy.architect
        policy.silenceTimeout = .seconds(35)
        var driver = MachineDriver(policy)
        driver.goLive()
        driver.pass(.seconds(30))
        driver.handle(.pongReceived(generation: 1))
        driver.pass(.milliseconds(4999))
        driver.receive([1])
        driver.pass(.seconds(34))
        #expect(driver.machine.state == .live)
        driver.handle(.pongReceived(generation: 1))
        driver.pass(.seconds(1))
        #expect(driver.events.compactMap(\.lossReason) == [.silence])
    }

    // MARK: Closes

    @Test(arguments: [UInt16(1000), 1001])
    func aFinalCloseEndsTheStream(code: UInt16) {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close(code, .final)
        #expect(driver.machine.state == .stopped)
        #expect(driver.machine.nextDeadline == nil)
        #expect(driver.events.compactMap(\.lossReason) == [.closedNormal])
        #expect(driver.events.contains(.stopped(.finalClose(code: code))))
    }

    @Test func aFinalCloseBeforeTheAcknowledgmentEndsTheStreamToo() {
        var driver = MachineDriver(.architect)
        driver.handle(.started)
        driver.open()
        driver.close(1000, .final)
        #expect(driver.machine.state == .stopped)
        #expect(driver.events.compactMap { $0.failure?.reason } == [.closed])
    }

    @Test(arguments: [
        (Closure.Origin.peer, UInt16(1011), DisconnectReason.closedAbnormal),
        (.endOfStream, 1006, .closedAbnormal), (.protocolError, 1002, .protocol), (.tooLarge, 1009, .tooLarge),
        (.transport, 1006, .transport),
    ])
    func otherClosesReconnect(origin: Closure.Origin, code: UInt16, reason: DisconnectReason) {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.handle(.transportClosed(generation: 1, Closure(origin: origin, code: code)))
        #expect(driver.events.compactMap(\.lossReason) == [reason])
        #expect(driver.machine.state == .backingOff)
    }

    @Test func aStopClosesCleanlyAndNothingComesAfter() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.handle(.stopRequested)
        #expect(driver.drain().contains(.closeTransport(generation: 1, code: 1000, reason: "")))
        #expect(driver.events.compactMap(\.lossReason) == [.shutdown])
        #expect(driver.machine.state == .stopped)
        driver.pass(.seconds(2))
        #expect(driver.drain().contains(.abort(generation: 1)))
        #expect(driver.machine.nextDeadline == nil)
        driver.handle(.started)
        driver.handle(.stopRequested)
        #expect(driver.drain().isEmpty)
    }

    @Test func aStopDuringAReconnectEndsTheAttempt() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close()
        driver.retryAndOpen()
        driver.handle(.stopRequested)
        #expect(driver.events.compactMap { $0.failure?.reason } == [.other])
        #expect(driver.drain().contains(.abort(generation: 2)))
        #expect(driver.machine.state == .stopped)
    }

    // MARK: Early messages

    @Test func messagesBeforeTheAcknowledgmentAreFlushed() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.receive(1...10)
        driver.close()
        driver.retryAndOpen()
        driver.receive(11...13)
        driver.acknowledge()
        #expect(driver.tallies.flushed == 3)
        #expect(driver.events.contains(.bufferFlushed(count: 3)))
        #expect(driver.tallies.received == 10)
        driver.receive([14])
        driver.pass(.seconds(2))
        #expect(driver.tallies.lost == 3, "what was flushed was not processed")
    }

    @Test func aRefusedResumeStartsOver() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.receive(1...10)
        driver.close()
        driver.retryAndOpen()
        driver.message(.refusal)
        #expect(driver.events.compactMap { $0.failure?.reason } == [.ackRejected])
        #expect(driver.events.compactMap(\.resumeOutcome) == [.refused])
        _ = driver.drain()
        driver.retryAndOpen()
        #expect(driver.drain().contains { if case .resume(_, _, .reset) = $0 { true } else { false } })
    }

    @Test func withoutAnAcknowledgmentTheFirstMessageOrQuietProvesIt() {
        var policy = StreamPolicy()
        policy.acknowledgment = .firstMessageOrQuiet
        var driver = MachineDriver(policy)
        driver.handle(.started)
        driver.open()
        driver.message(.event)
        #expect(driver.machine.state == .live)
        #expect(driver.tallies.received == 1)
        driver.close(1011)
        driver.retryAndOpen()
        driver.pass(.milliseconds(4999))
        #expect(driver.machine.state == .subscribing)
        driver.pass(.milliseconds(1))
        #expect(driver.machine.state == .live)
        #expect(driver.events.compactMap(\.resumeOutcome) == [.unknown])
    }

    @Test func anOpenAloneNeverResetsTheBackoff() {
        var policy = StreamPolicy()
        policy.acknowledgment = .firstMessageOrQuiet
        policy.backoff.jitter = .none
        var driver = MachineDriver(policy)
        driver.handle(.started)
        for _ in 0..<6 {
            driver.open()
            driver.close(1006)
            driver.passToDeadline()
        }
        #expect(driver.events.compactMap(\.delay).map(\.seconds) == [1, 2, 4, 8, 16, 30])
    }

    @Test func aHelloComesBeforeTheSubscription() {
        var policy = StreamPolicy.architect
        policy.awaitsHello = true
        var driver = MachineDriver(policy)
        driver.handle(.started)
        driver.open()
        #expect(!driver.drain().contains(.subscribe(generation: 1)))
        driver.handle(.heartbeatIntervalNamed(generation: 1, .seconds(7)))
        driver.message(.hello)
        #expect(driver.drain().contains(.subscribe(generation: 1)))
        driver.acknowledge()
        driver.pass(.seconds(7))
        #expect(driver.drain().contains(.sendPing(generation: 1)))
    }
}
