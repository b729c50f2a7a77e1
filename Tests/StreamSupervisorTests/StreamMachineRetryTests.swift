import StreamModel
import Testing

@testable import StreamSupervisor

/// When a machine tries again, how often, and with which token.
@Suite struct StreamMachineRetryTests {
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
}
