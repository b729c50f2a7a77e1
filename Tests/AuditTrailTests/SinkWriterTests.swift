import Glibc
import StreamModel
import Testing

@testable import AuditTrail

/// A reader that can be stuck, and a disk that can fail, without either.
private final class Gate: Sendable {
    struct State {
        var isOpen = true
        var error: FileError?
        var isWaiting = false
        var written: [UInt64] = []
        /// How many lines were written together each time.
        var batches: [Int] = []
        var synchronizations = 0
    }
    let state = Monitor(State())

    var written: [UInt64] { state.withLock { $0.written } }
    func set(_ change: (inout State) -> Void) { state.update(change) }
    func waitUntilStuck() { state.wait { state, _ in state.isWaiting ? () : nil } }
}

private struct GatedDestination: LineDestination {
    let gate: Gate
    /// Where given, each write takes an hour of it.
    var clock: Monitor<Instant>?
    var wantsSynchronization = false

    mutating func write(_ lines: ArraySlice<AuditLine>) -> (count: Int, error: FileError?) {
        gate.state.update { $0.isWaiting = !$0.isOpen }
        gate.state.wait { state, _ in state.isOpen ? () : nil }
        clock?.update { $0 = $0 + .seconds(3_600) }
        return gate.state.update { state in
            state.isWaiting = false
            if let error = state.error { return (0, error) }
            state.written += lines.map(\.number)
            state.batches.append(lines.count)
            return (lines.count, nil)
        }
    }

    mutating func synchronize() -> FileError? {
        gate.state.update { $0.synchronizations += 1 }
        return nil
    }
    mutating func reopen() -> FileError? { nil }
    mutating func close() {}
}

private final class Log: Sendable {
    struct State {
        var dropped: UInt64 = 0
        var notices: [String] = []
        var events: [AuditEventName] = []
    }
    let state = Monitor(State())

    var hooks: AuditTrailHooks {
        var hooks = AuditTrailHooks()
        hooks.onDrop = { [self] _, count in state.update { $0.dropped += count } }
        hooks.onNotice = { [self] _, text in state.update { $0.notices.append(text) } }
        hooks.onEvent = { [self] event in state.update { $0.events.append(event) } }
        return hooks
    }
    var dropped: UInt64 { state.withLock { $0.dropped } }
}

/// Long enough that only a deadlock reaches it.
private let patience = Duration.seconds(60)
private let noSpace = FileError(operation: "write", path: "x", code: ENOSPC)

@Suite struct SinkWriterTests {
    private let gate = Gate()
    private let log = Log()
    private let files = MemoryFileSystem()

    private func trail(
        output: Bool = true, file: AuditFileConfiguration.Synchronization? = nil, queued: Int = 4
    ) throws -> AuditTrail {
        var configuration = AuditTrailConfiguration()
        configuration.standardOutput = output
        configuration.queuedLines = queued
        if let file {
            var fileConfiguration = AuditFileConfiguration(path: "/audit.jsonl")
            fileConfiguration.synchronization = file
            configuration.file = fileConfiguration
        }
        // A retry that never comes by itself: the tests say when.
        return try AuditTrail(
            configuration, hooks: log.hooks, files: files, output: GatedDestination(gate: gate),
            retryAfter: .seconds(86_400))
    }

    private func append(_ count: Int, to trail: AuditTrail) {
        for _ in 0..<count { trail.append(Samples.record(.bufferFlushed(count: 1))) }
    }

    @Test func theSameBytesEverywhere() throws {
        let trail = try trail(file: .interval, queued: 100)
        for fact in Samples.facts { trail.append(EventRecord(time: Samples.time, fact: fact)) }
        #expect(trail.flush(within: patience))
        let lines = trail.newest(1_000)
        #expect(lines.map(\.number) == Array(1...UInt64(lines.count)))
        #expect(gate.written == lines.map(\.number))
        #expect(files.content("/audit.jsonl") == lines.map(\.text).joined())
        #expect(log.state.withLock { $0.events } == lines.map(\.event))
        #expect(trail.close(within: patience))
    }

    @Test func aStuckReaderStopsNobodyAndTheNextLineNamesWhatItMissed() throws {
        let trail = try trail()
        gate.set { $0.isOpen = false }
        append(1, to: trail)
        gate.waitUntilStuck()
        append(9, to: trail)
        #expect(log.dropped == 6)
        #expect(trail.newest(100).count == 10)
        gate.set { $0.isOpen = true }
        // The report takes a line number of its own, before that of the line that found room.
        while gate.written.count < 4 { sched_yield() }
        #expect(trail.flush(within: patience, at: Samples.time))
        append(1, to: trail)
        #expect(trail.close(within: patience))
        #expect(gate.written == [1, 2, 3, 4, 11, 12])
        let report = try #require(trail.newest(1, event: .auditDropped).first)
        #expect(report.text.hasSuffix(#""event":"audit_dropped","stream":"","sink":"stdout","count":6}"# + "\n"))
    }

    @Test func theReportPrecedesTheLineThatFindsRoom() throws {
        let trail = try trail()
        gate.set { $0.isOpen = false }
        append(1, to: trail)
        gate.waitUntilStuck()
        append(4, to: trail)
        gate.set { $0.isOpen = true }
        while gate.written.count < 4 { sched_yield() }
        // The queue is counted down only after the write: some of these may still find it full.
        while trail.newest(1, event: .auditDropped).isEmpty { append(1, to: trail) }
        #expect(trail.newest(2).map(\.event) == [.auditDropped, .bufferFlushed])
        #expect(trail.close(within: patience))
        let report = try #require(trail.newest(1, event: .auditDropped).first)
        #expect(gate.written.contains(report.number))
        #expect(gate.written == gate.written.sorted())
    }

    @Test func aFullDiskKeepsItsOrder() throws {
        let trail = try trail(output: false, file: .interval, queued: 4)
        append(1, to: trail)
        #expect(trail.flush(within: patience))
        files.set { $0.room = 0 }
        append(6, to: trail)
        #expect(!trail.flush(within: .milliseconds(1)))
        #expect(log.dropped == 2)
        // The writer has met the full disk; only then can it tell that the disk works again.
        while log.state.withLock({ $0.notices.isEmpty }) { sched_yield() }
        files.set { $0.room = nil }
        #expect(trail.flush(within: patience))
        append(1, to: trail)
        #expect(trail.close(within: patience))
        let content = try #require(files.content("/audit.jsonl"))
        let written = content.split(separator: "\n").compactMap {
            AuditFileRecovery.number(ofLine: Array($0.utf8)[...])
        }
        #expect(written == [1, 2, 3, 4, 5, 8, 9])
        #expect(content.contains(#""line":8,"event":"audit_dropped","stream":"","sink":"file","count":2}"#))
        #expect(log.state.withLock { $0.notices.last } == "works again")
    }

    @Test func alwaysIsOnTheDiskWhenAppendReturns() throws {
        let trail = try trail(output: false, file: .always, queued: 100)
        for number in 1...5 {
            append(1, to: trail)
            let content = try #require(files.content("/audit.jsonl"))
            #expect(content.split(separator: "\n").count == number)
            #expect(files.get { $0.calls.last } == "fsync /audit.jsonl")
        }
        files.set { $0.failures["fsync"] = EIO }
        append(2, to: trail)
        #expect(files.content("/audit.jsonl")?.split(separator: "\n").count == 5)
        files.set { $0.failures = [:] }
        append(1, to: trail)
        #expect(files.content("/audit.jsonl")?.split(separator: "\n").count == 8)
        #expect(log.dropped == 0)
        #expect(trail.close(within: patience))
    }

    @Test func whatCannotBeWrittenByTheEndIsCounted() throws {
        let trail = try trail()
        gate.set { $0.error = noSpace }
        append(3, to: trail)
        #expect(!trail.close(within: patience))
        #expect(log.dropped == 3)
        append(1, to: trail)
        #expect(log.dropped == 4)
    }

    @Test func aStuckReaderDoesNotHoldUpTheEnd() throws {
        let trail = try trail(file: .interval)
        gate.set { $0.isOpen = false }
        append(2, to: trail)
        #expect(!trail.close(within: .milliseconds(1)))
        gate.set { $0.isOpen = true }
    }

    @Test func linesOfManyThreadsAreInOrder() async throws {
        let trail = try trail(output: true, file: .always, queued: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { append(50, to: trail) } }
        }
        #expect(trail.close(within: patience))
        #expect(gate.written == Array(1...200))
        let content = try #require(files.content("/audit.jsonl"))
        let written = content.split(separator: "\n").compactMap {
            AuditFileRecovery.number(ofLine: Array($0.utf8)[...])
        }
        #expect(written == Array(1...200))
    }

    @Test func numbersGoOnInTheNextLife() throws {
        let first = try trail(output: false, file: .interval)
        append(3, to: first)
        #expect(first.close(within: patience))
        let second = try trail(output: false, file: .interval)
        append(1, to: second)
        #expect(second.newest(1).first?.number == 4)
        #expect(second.close(within: patience))
    }

    @Test func standardOutputTakesWholeLinesThroughAPipe() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        var output = StandardOutput(descriptor: ends[1])
        let lines = (1...20).map { Samples.line(UInt64($0)) }
        #expect(output.write(lines[...]).count == 20)
        close(ends[1])
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(ends[0], &bytes, bytes.count)
        #expect(Array(bytes[..<max(0, count)]) == lines.flatMap(\.bytes))
        close(ends[0])
    }
}

/// A disk that neither takes a line nor fails.
@Suite struct HangingDiskTests {
    @Test func nobodyWaitsForItForEver() throws {
        let gate = Gate()
        let log = Log()
        gate.set { $0.isOpen = false }
        var limits = SinkWriter.Limits(lines: 100, bytes: 1 << 20)
        limits.patience = .milliseconds(1)
        let writer = try SinkWriter(
            name: .file, destination: GatedDestination(gate: gate), limits: limits, hooks: log.hooks)
        // Each of these would be a stream that has stopped for good.
        for number in 1...50 as ClosedRange<UInt64> {
            let line = AuditLineEncoder(redact: { $0 }).line(number, for: Samples.record(.bufferFlushed(count: 1)))
            let ticket = writer.offer(try #require(line), isAwaited: true)
            writer.waitUntilTried(try #require(ticket))
        }
        #expect(log.state.withLock { $0.notices.map { $0.hasPrefix("takes nothing and reports nothing") } } == [true])
        gate.set { $0.isOpen = true }
        #expect(writer.close(until: SystemClock.monotonic + patience))
        #expect(gate.written == Array(1...50))
        #expect(log.state.withLock { $0.notices.last } == "works again")
        #expect(log.dropped == 0)
    }
}

/// Lines that are written together.
@Suite struct GatheringTests {
    private let gate = Gate()

    private func writer(gatherFor: Duration, lines: Int = 1_000) throws -> SinkWriter {
        var limits = SinkWriter.Limits(lines: lines, bytes: 1 << 20)
        limits.gatherFor = gatherFor
        return try SinkWriter(
            name: .file, destination: GatedDestination(gate: gate), limits: limits, hooks: AuditTrailHooks())
    }

    @discardableResult
    private func offer(
        _ numbers: ClosedRange<UInt64>, to writer: SinkWriter, isAwaited: Bool = false
    ) throws -> UInt64 {
        let encoder = AuditLineEncoder(redact: { $0 })
        var ticket: UInt64?
        for number in numbers {
            ticket = writer.offer(
                try #require(encoder.line(number, for: Samples.record(.bufferFlushed(count: 1)))),
                isAwaited: isAwaited)
        }
        return try #require(ticket)
    }

    private func waitUntilWritten(_ count: Int) {
        gate.state.wait { state, _ in state.written.count == count ? () : nil }
    }

    @Test func theFirstAtOnceFurtherOnesTogether() throws {
        let writer = try writer(gatherFor: .seconds(3_600))
        try offer(1...1, to: writer)
        waitUntilWritten(1)
        try offer(2...100, to: writer)
        #expect(writer.flush(until: SystemClock.monotonic + patience), "who asks for them does not wait for others")
        #expect(gate.state.withLock { $0.batches } == [1, 99])
        try offer(101...110, to: writer)
        #expect(writer.close(until: SystemClock.monotonic + patience))
        #expect(gate.state.withLock { $0.batches } == [1, 99, 10])
    }

    @Test func afterAMomentTheyAreWrittenWithoutACall() throws {
        let writer = try writer(gatherFor: .milliseconds(1))
        try offer(1...1, to: writer)
        waitUntilWritten(1)
        try offer(2...3, to: writer)
        waitUntilWritten(3)
        #expect(writer.close(until: SystemClock.monotonic + patience))
    }

    @Test func noLineIsDroppedForTheSakeOfGathering() throws {
        let writer = try writer(gatherFor: .seconds(3_600), lines: 8)
        try offer(1...1, to: writer)
        waitUntilWritten(1)
        try offer(2...6, to: writer)
        // More than half of what there is room for.
        waitUntilWritten(6)
        #expect(writer.close(until: SystemClock.monotonic + patience))
    }

    @Test func whoWaitsAloneWaitsForNobodyElse() throws {
        let writer = try writer(gatherFor: .seconds(3_600))
        for number in 1...20 as ClosedRange<UInt64> {
            writer.waitUntilTried(try offer(number...number, to: writer, isAwaited: true))
            #expect(gate.written.count == Int(number))
        }
        #expect(gate.state.withLock { $0.batches } == Array(repeating: 1, count: 20))
        #expect(writer.close(until: SystemClock.monotonic + patience))
    }

    @Test func eightWhoWaitShareEachTrip() throws {
        var limits = SinkWriter.Limits(lines: 1_000, bytes: 1 << 20)
        limits.gatherFor = .seconds(3_600)
        limits.patience = patience
        // Half of the hour that a trip takes is time enough for the eighth to come back.
        let clock = Monitor(SystemClock.monotonic)
        let writer = try SinkWriter(
            name: .file, destination: GatedDestination(gate: gate, clock: clock), limits: limits,
            hooks: AuditTrailHooks(), clock: { clock.withLock { $0 } })
        gate.set { $0.isOpen = false }
        let first = try offer(1...1, to: writer, isAwaited: true)
        gate.waitUntilStuck()
        try offer(2...8, to: writer, isAwaited: true)
        gate.set { $0.isOpen = true }
        writer.waitUntilTried(first)
        // The first one comes again and goes with the other seven; from then on all eight go together.
        var last = try offer(9...9, to: writer, isAwaited: true)
        for round in 1...20 as ClosedRange<UInt64> {
            writer.waitUntilTried(last)
            for number in (round * 8 + 2)...(round * 8 + 9) {
                last = try offer(number...number, to: writer, isAwaited: true)
            }
        }
        #expect(writer.close(until: .distantFuture))
        #expect(gate.state.withLock { $0.batches } == [1] + Array(repeating: 8, count: 21))
    }

    @Test func whoIsExpectedInVainHoldsUpNobodyForLong() throws {
        let writer = try writer(gatherFor: .milliseconds(1))
        gate.set { $0.isOpen = false }
        try offer(1...1, to: writer, isAwaited: true)
        gate.waitUntilStuck()
        try offer(2...8, to: writer, isAwaited: true)
        gate.set { $0.isOpen = true }
        waitUntilWritten(8)
        #expect(writer.close(until: SystemClock.monotonic + patience))
    }
}
