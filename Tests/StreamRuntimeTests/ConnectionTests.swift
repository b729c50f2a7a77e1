import NIOCore
import StreamModel
import StreamSupervisor
import Testing
import WebSocketCodec
import WebSocketTransport

@testable import StreamRuntime

@Suite("Connections of a stream")
struct ConnectionTests {
    @Test("the first connection subscribes, a later one resumes after the highest number")
    func subscribesAndResumes() throws {
        let bench = Bench()
        let (first, _) = try bench.live()
        #expect(first.sent.count == 1)
        #expect(first.sent[0].contains(#""type":"subscribe""#))
        first.receive(numbered(1), numbered(2))
        first.close(1006, origin: .endOfStream)
        bench.advance(.seconds(1))
        try bench.grant("t2")
        let second = try bench.connection()
        #expect(second.request.generation == 2)
        #expect(second.request.target.query?.contains("reconnect=true") == true)
        second.open()
        #expect(second.sent.count == 1)
        #expect(second.sent[0].contains(#""type":"reconnect""#))
        #expect(second.sent[0].contains(#""lastSequence":2"#))
        #expect(second.sent[0].contains(#""stateDirective":"preserve""#))
    }

    @Test("a refused resume starts over with the next attempt")
    func resumeRefused() throws {
        let bench = Bench()
        let (first, _) = try bench.live()
        first.receive(numbered(5))
        first.close(1011)
        bench.advance(.seconds(1))
        try bench.grant("t2")
        // Not acknowledged in time: still the same session.
        try bench.connection().open()
        bench.advance(.seconds(5))
        #expect(try bench.hearing().failures.map(\.reason) == [.ackTimeout])
        #expect(try bench.connection().isAborted)
    }

    @Test("what counts is published with each batch of reads, once")
    func publishedPerBatch() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        let before = hearing.tallies.count
        connection.receive(batch: (1...100).map(numbered))
        #expect(hearing.tallies.count == before + 1)
        #expect(hearing.tally.received == 100)
        #expect(hearing.tally.unique == 100)
        #expect(hearing.tally.highest == 100)
        #expect(hearing.lastMessageAt == bench.options.wall.now())
    }

    @Test("a gap in the middle of a batch is told at once")
    func gap() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        connection.deliver(numbered(1))
        connection.deliver(numbered(5))
        #expect(hearing.events.last == .gapOpened(SequenceRange(2, 4), channel: 0))
        bench.advance(.seconds(2))
        #expect(hearing.tally.lost == 3)
    }

    @Test("bytes are told as they come, and none is missing after an abort")
    func traffic() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live { $0.heartbeat.timeout = .seconds(10) }
        connection.receive(numbered(1))
        connection.traffic.received += 11
        bench.advance(.seconds(41))
        #expect(connection.isAborted)
        #expect(hearing.moved == connection.traffic)
    }

    @Test("messages are handed on only where they are wanted, and only while live")
    func wanted() throws {
        let bench = Bench()
        bench.wantsMessages = true
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        let connection = try bench.connection()
        connection.open()
        connection.receive(#"{"early":1}"#)
        connection.receive(#"{"type":"subscriptionAck"}"#, numbered(1))
        #expect(try bench.hearing().messages == [numbered(1)])
        #expect(try bench.hearing().tally.flushed == 1)
    }

    @Test("a heartbeat that nobody answers ends the connection; an answered one does not")
    func heartbeat() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        bench.advance(.seconds(30))
        #expect(connection.pings == 1)
        bench.advance(.milliseconds(250))
        connection.pong()
        #expect(hearing.events.last == .heartbeatAnswered(roundTrip: .milliseconds(250)))
        bench.advance(.seconds(30))
        #expect(connection.pings == 2)
        bench.advance(.seconds(10))
        #expect(hearing.losses.map(\.reason) == [.heartbeat])
        #expect(connection.isAborted)
    }

    @Test("on common ticks a deadline is met with the next tick, and never before its time")
    func commonTicks() throws {
        let bench = Bench()
        bench.options.timerSlack = .milliseconds(100)
        bench.advance(.milliseconds(1_234))
        let (connection, hearing) = try bench.live()
        bench.advance(.milliseconds(29_999))
        #expect(connection.pings == 0)
        bench.advance(.milliseconds(101))
        #expect(connection.pings == 1)
        connection.pong()
        bench.advance(.milliseconds(29_899))
        #expect(connection.pings == 1)
        bench.advance(.milliseconds(300))
        #expect(connection.pings == 2)
        bench.advance(.milliseconds(9_900))
        #expect(hearing.losses.isEmpty)
        bench.advance(.milliseconds(300))
        #expect(hearing.losses.map(\.reason) == [.heartbeat])
        // The tick that it waited for has nothing to say to it any more; a retry has its own time.
        bench.apply()
        bench.advance(.seconds(60))
        #expect(bench.removed == ["s"])
    }

    @Test("the silence deadline moves with each message without a timer for each")
    func lazyTimer() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live {
            $0.silenceTimeout = .seconds(10)
            $0.heartbeat.interval = .zero
            $0.backoff.resetAfter = .seconds(1)
        }
        for number in 1...20 {
            bench.advance(.seconds(9))
            connection.receive(numbered(number))
        }
        #expect(hearing.losses.isEmpty)
        bench.advance(.milliseconds(9_999))
        #expect(hearing.losses.isEmpty)
        bench.advance(.milliseconds(1))
        #expect(hearing.losses.map(\.reason) == [.silence])
    }

    @Test("orders that a message causes set the timer at once: of a connection given up, no batch ends")
    func timerWithinBatch() throws {
        let bench = Bench()
        bench.apply(
            try Bench.stream(credential: nil) {
                $0.ackTimeout = .seconds(60)
                $0.backoff.base = .seconds(1)
            })
        let connection = try bench.connection()
        connection.open()
        connection.deliver(#"{"type":"subscriptionAck"}"#)
        connection.deliver(numbered(1))
        connection.deliver(numbered(9))
        // The hole is given up when its window is over, although the acknowledgment's timer was set for later.
        bench.advance(.seconds(2))
        #expect(try bench.hearing().tally.lost == 7)
    }

    @Test("a fact that comes about while orders are carried out waits its turn")
    func reentrant() throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        let connection = try bench.connection()
        connection.whileSending = { [unowned connection] in
            connection.deliver(#"{"type":"subscriptionAck"}"#)
            connection.deliver(numbered(1))
        }
        connection.open()
        let hearing = try bench.hearing()
        #expect(hearing.state == .live)
        #expect(hearing.tally.received == 1)
        #expect(hearing.tally.highest == 1)
    }

    @Test("a connection that closes while it subscribes fails the attempt once")
    func closesWhileSending() throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        let connection = try bench.connection()
        connection.whileSending = { [unowned connection] in connection.close(1011, "busy") }
        connection.open()
        let hearing = try bench.hearing()
        #expect(hearing.failures.map(\.reason) == [.closed])
        #expect(hearing.failures.first?.closeCode == 1011)
        #expect(hearing.state == .backingOff)
    }

    @Test("what an earlier connection still says is ignored")
    func stale() throws {
        let bench = Bench()
        let (first, hearing) = try bench.live()
        // A careless network that still tells of a connection that was given up.
        let driver = try #require(bench.network.delegate(of: 1))
        first.close(1011)
        bench.advance(.seconds(1))
        try bench.grant("t2")
        let second = try bench.connection()
        second.open()
        let before = hearing.events
        driver.connectionClosed(1, WebSocketClosure.stale)
        driver.connectionReceivedPong(1)
        driver.connectionOpened(1, phases: PhaseTimings())
        driver.connectionFailed(1, DialFailure.stale)
        Array(numbered(7).utf8).withUnsafeBytes { driver.connectionReceived(1, .text, $0) }
        driver.connectionReadCompleted(1)
        #expect(hearing.events == before)
        #expect(hearing.state == .subscribing)
    }

    @Test(
        "what a refused handshake means",
        arguments: [
            (401, .refusedToken), (403, .forbidden), (429, .throttled), (500, .gatewayError), (503, .gatewayError),
            (404, .httpError), (302, .httpError),
        ] as [(Int, ConnectFailureReason)])
    func refusals(status: Int, reason: ConnectFailureReason) throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        try bench.connection().refuse(status)
        let failure = try #require(try bench.hearing().failures.first)
        #expect(failure.reason == reason)
        #expect(failure.httpStatus == status)
    }

    @Test(
        "what a failed dial means",
        arguments: [
            (.dns, .dns), (.refused, .refused), (.timeout(.tls), .timeout), (.tls, .tls), (.protocol, .protocol),
            (.tooLarge(limit: 1), .protocol), (.closed, .closed), (.proxy(status: 407), .other), (.aborted, .other),
            (.other, .other),
        ] as [(DialFailure.Kind, ConnectFailureReason)])
    func failures(kind: DialFailure.Kind, reason: ConnectFailureReason) throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        try bench.connection().fail(kind)
        #expect(try bench.hearing().failures.map(\.reason) == [reason])
    }

    @Test("a server that names a time is not asked before it, in seconds or as a date")
    func retryAfter() throws {
        for header in ["45", "Sun, 22 Nov 2026 00:00:45 GMT"] {
            let bench = Bench()
            bench.apply(try Bench.stream())
            try bench.grant("t1")
            try bench.connection().refuse(503, retryAfter: header)
            #expect(try bench.hearing().failures.first?.retryAfter == .seconds(45), "\(header)")
            bench.advance(.milliseconds(44_999))
            #expect(bench.network.connections.count == 1)
            bench.advance(.milliseconds(1))
            #expect(bench.network.connections.count == 2)
        }
    }

    @Test("a final close ends the stream")
    func finalClose() throws {
        let bench = Bench()
        let (connection, hearing) = try bench.live()
        connection.close(1000)
        #expect(hearing.events.contains(.stopped(.finalClose(code: 1000))))
        bench.advance(.seconds(600))
        #expect(bench.network.connections.count == 1)
    }

    @Test("an attempt that does not open in time is aborted")
    func connectTimeout() throws {
        let bench = Bench()
        bench.apply(try Bench.stream())
        try bench.grant("t1")
        #expect(try bench.connection().request.timeout == .seconds(10))
        bench.advance(.seconds(10))
        #expect(try bench.connection().isAborted)
        #expect(try bench.hearing().failures.map(\.reason) == [.timeout])
    }

    @Test("a stream whose retries are used up ends the process where it is told to")
    func exit() throws {
        let bench = Bench()
        bench.apply(
            try Bench.stream(credential: nil) {
                $0.onExhausted = .exit
                $0.backoff.maxAttempts = 1
            })
        try bench.connection().fail(.refused)
        #expect(bench.ended.isEmpty)
        bench.advance(.seconds(1))
        try bench.connection().fail(.refused)
        #expect(bench.ended == ["s"])
        #expect(try bench.hearing().state == .exhausted)
    }
}
