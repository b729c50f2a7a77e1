import StreamModel
import Testing

@testable import StreamSupervisor

/// What ends a connection, an attempt or a stream: deadlines, closes, and who asks for it.
@Suite struct StreamMachineEndTests {
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

    @Test func aStreamThatEndedAndWasCalledBackCanBeStoppedAgain() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close(1000, .final)
        driver.handle(.reconnectRequested)
        driver.open()
        driver.acknowledge()
        _ = driver.drain()
        driver.handle(.stopRequested)
        #expect(driver.drain().contains(.closeTransport(generation: 2, code: 1000, reason: "")))
        #expect(driver.events.compactMap(\.lossReason) == [.closedNormal, .shutdown])
        #expect(driver.machine.state == .stopped)
        driver.pass(.seconds(2))
        #expect(driver.machine.nextDeadline == nil)
    }

    @Test func aStopEndsTheFirstAttemptOfAStreamThatWasCalledBack() {
        var driver = MachineDriver(.architect)
        driver.goLive()
        driver.close(1000, .final)
        driver.handle(.reconnectRequested)
        driver.open()
        driver.handle(.stopRequested)
        #expect(driver.drain().contains(.abort(generation: 2)))
        #expect(driver.machine.state == .stopped)
        #expect(driver.machine.nextDeadline == nil)
    }
}
