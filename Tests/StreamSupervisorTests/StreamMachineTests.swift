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
