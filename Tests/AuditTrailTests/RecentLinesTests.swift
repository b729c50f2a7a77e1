import StreamModel
import Testing

@testable import AuditTrail

@Suite struct RecentLinesTests {
    private func trail(lines: Int = 1_000, bytes: Int = 1 << 20) throws -> AuditTrail {
        var configuration = AuditTrailConfiguration()
        configuration.recentLines = lines
        configuration.recentBytes = bytes
        return try AuditTrail(configuration)
    }

    @Test func keepsTheNewest() throws {
        let trail = try trail(lines: 3)
        for _ in 0..<7 { trail.append(Samples.record(.bufferFlushed(count: 1))) }
        #expect(trail.newest(10).map(\.number) == [5, 6, 7])
        #expect(trail.newest(2).map(\.number) == [6, 7])
        #expect(trail.newest(0).isEmpty)
        #expect(trail.newest(-1).isEmpty)
    }

    @Test func isBoundedInBytes() throws {
        let length = Samples.line(1).bytes.count
        let trail = try trail(bytes: length * 2 + 1)
        for _ in 0..<5 { trail.append(Samples.record(.bufferFlushed(count: 1))) }
        #expect(trail.newest(10).map(\.number) == [4, 5])
    }

    @Test func filters() throws {
        let trail = try trail()
        for stream in ["a", "b", "a"] {
            trail.append(Samples.record(.started(lastSequence: nil), stream: stream))
            trail.append(Samples.record(.bufferFlushed(count: 1), stream: stream))
        }
        #expect(trail.newest(10, stream: "a").map(\.number) == [1, 2, 5, 6])
        #expect(trail.newest(10, event: .bufferFlushed).map(\.number) == [2, 4, 6])
        #expect(trail.newest(1, stream: "a", event: .streamStarted).map(\.number) == [5])
        #expect(trail.newest(10, stream: "c").isEmpty)
    }

    @Test func followersMissNothingAndGetNothingTwice() throws {
        let trail = try trail()
        let received = Monitor([UInt64]())
        trail.append(Samples.record(.bufferFlushed(count: 1)))
        trail.append(Samples.record(.bufferFlushed(count: 1), stream: "other"))
        let (lines, subscription) = trail.follow(newest: 10, stream: "queue-events") { line in
            received.update { $0.append(line.number) }
        }
        #expect(lines.map(\.number) == [1])
        trail.append(Samples.record(.bufferFlushed(count: 1), stream: "other"))
        trail.append(Samples.record(.bufferFlushed(count: 1)))
        subscription.cancel()
        subscription.cancel()
        trail.append(Samples.record(.bufferFlushed(count: 1)))
        #expect(received.withLock { $0 } == [4])
    }
}
