import StreamModel
import Testing

@testable import StreamSupervisor

@Suite struct HandoverTests {
    private var overlapping: StreamPolicy {
        var policy = StreamPolicy()
        policy.handover = .makeBeforeBreak
        policy.rolloverAfter = .seconds(3600)
        return policy
    }

    @Test func aHandoverIsLiveBeforeTheOldConnectionIsClosed() {
        var driver = MachineDriver(overlapping)
        driver.goLive()
        driver.message(.closeNotice)
        #expect(driver.machine.state == .live)
        #expect(driver.generation == 2)
        driver.open()
        _ = driver.drain()
        driver.handle(.messageReceived(generation: 1, MessageFacts(role: .event, identifier: 5)))
        driver.acknowledge()
        let actions = driver.drain()
        #expect(actions.contains(.closeTransport(generation: 1, code: 1000, reason: "")))
        #expect(driver.machine.liveGeneration == 2)
        #expect(driver.events.compactMap(\.lossReason) == [.planned])
        driver.handle(.messageReceived(generation: 1, MessageFacts(role: .event, identifier: 6)))
        let received = driver.tallies.received
        driver.handle(.messageReceived(generation: 2, MessageFacts(role: .event, identifier: 6)))
        // Both connections brought it: it counts once, and nobody sent it twice.
        #expect(driver.tallies.received == received && driver.tallies.duplicate == 0)
        #expect(!driver.events.contains(.stateChanged(.backingOff)))
        driver.pass(.seconds(2))
        #expect(driver.drain().contains(.abort(generation: 1)))
    }

    @Test func aHandoverThatFailsLeavesTheOldConnectionServing() {
        var driver = MachineDriver(overlapping)
        driver.goLive()
        driver.message(.closeNotice)
        driver.handle(.transportFailed(generation: 2, AttemptFailure(reason: .gatewayError), PhaseTimings()))
        #expect(driver.machine.state == .live)
        #expect(driver.machine.liveGeneration == 1)
        driver.handle(.transportClosed(generation: 1, Closure(origin: .peer, code: 1001)))
        #expect(driver.machine.state == .backingOff)
    }

    @Test func anAnnouncedCloseIsHandedOverOnceMoreWhereTheFirstTryFails() {
        var driver = MachineDriver(overlapping)
        driver.goLive()
        driver.message(.closeNotice)
        driver.handle(.permitGranted(generation: 2))
        driver.handle(.tokenObtained(generation: 2))
        let refusal = AttemptFailure(reason: .refusedToken, consequence: .retryWithNewToken)
        driver.handle(.transportFailed(generation: 2, refusal, PhaseTimings()))
        _ = driver.drain()
        // The service will close within a minute, and what it sends while no socket is open is lost.
        driver.passToDeadline()
        #expect(driver.generation == 3)
        #expect(driver.now - Instant(nanoseconds: 1_000_000_000) <= .seconds(1))
        driver.open()
        driver.acknowledge()
        #expect(driver.machine.liveGeneration == 3)
        #expect(driver.events.compactMap(\.lossReason) == [.planned])
        #expect(driver.machine.retries == 0)
        #expect(driver.events.compactMap(\.delay).isEmpty)
    }

    @Test func triesOfAHandoverAreFurtherApartEachTimeAndEndWhereItIsHopeless() {
        var policy = overlapping
        policy.backoff.jitter = .none
        policy.heartbeat.interval = .zero
        var driver = MachineDriver(policy)
        driver.goLive()
        driver.message(.closeNotice)
        for (tries, delay) in [1, 2, 4, 8, 16, 30, 30].enumerated() {
            let failed = driver.generation
            driver.handle(.transportFailed(generation: failed, AttemptFailure(reason: .gatewayError), PhaseTimings()))
            driver.pass(.seconds(delay) - .milliseconds(1))
            #expect(driver.generation == failed, "try \(tries)")
            driver.pass(.milliseconds(1))
            #expect(driver.generation == failed + 1, "try \(tries)")
        }
        let last = driver.generation
        let forbidden = AttemptFailure(reason: .forbidden, consequence: .stop)
        driver.handle(.transportFailed(generation: last, forbidden, PhaseTimings()))
        driver.pass(.seconds(600))
        #expect(driver.generation == last)
        #expect(driver.machine.liveGeneration == 1)
    }

    @Test func aConnectionIsRolledOverAtItsAgeWhateverHandoverFailedBefore() {
        var policy = overlapping
        policy.heartbeat.interval = .zero
        var driver = MachineDriver(policy)
        driver.goLive()
        driver.pass(.seconds(60))
        driver.handle(.reconnectRequested)
        driver.handle(.transportFailed(generation: 2, AttemptFailure(reason: .gatewayError), PhaseTimings()))
        #expect(driver.machine.liveGeneration == 1)
        driver.pass(.seconds(3539))
        #expect(driver.generation == 2)
        driver.pass(.seconds(1))
        #expect(driver.generation == 3)
        #expect(driver.events.contains(.handover(.init(phase: .planned, cause: .rollover))))
    }

    @Test func anOldConnectionThatClosesDuringTheHandoverLeavesAnOrdinaryAttempt() {
        var driver = MachineDriver(overlapping)
        driver.goLive()
        driver.message(.closeNotice)
        driver.handle(.transportClosed(generation: 1, Closure(origin: .peer, code: 1001)))
        #expect(driver.machine.state == .authenticating)
        driver.open()
        driver.acknowledge()
        #expect(driver.machine.liveGeneration == 2)
        #expect(driver.events.compactMap(\.lossReason) == [.closedAbnormal])
    }

    @Test func aConnectionOfAgeIsRolledOver() {
        var policy = overlapping
        policy.rolloverJitter = 0.1
        policy.heartbeat.interval = .zero
        var driver = MachineDriver(policy)
        driver.goLive()
        driver.pass(.seconds(3239))
        #expect(driver.generation == 1)
        driver.pass(.seconds(361))
        #expect(driver.generation == 2)
        #expect(driver.events.contains(.handover(.init(phase: .planned, cause: .rollover))))
    }

    @Test func aRequestedReconnectWithoutOverlapClosesFirstAndResumesAtOnce() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.receive(1...5)
        _ = driver.drain()
        driver.handle(.reconnectRequested)
        #expect(driver.drain().contains(.closeTransport(generation: 1, code: 1000, reason: "")))
        #expect(driver.machine.state == .authenticating)
        driver.open()
        #expect(driver.drain().contains(.resume(generation: 2, lastSequence: 5, directive: .preserve)))
        driver.acknowledge()
        #expect(driver.machine.retries == 0)
        #expect(driver.events.compactMap(\.delay).isEmpty)
    }
}
