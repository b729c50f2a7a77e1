import StreamModel
import Testing

@testable import Holdfast

@Suite struct StreamHistoryTests {
    private static func status(isSequenced: Bool = true) -> StreamStatus {
        let identity = StreamIdentity(name: "a", profile: "p", clientID: "c")
        var status = StreamStatus(identity, isSequenced: isSequenced, at: WallTime(milliseconds: 0))
        status.note(.started(lastSequence: nil), at: second(0), wall: WallTime(milliseconds: 0))
        return status
    }

    private static func second(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func eachMinuteIsCountedByItself() {
        var status = Self.status()
        var history = StreamHistory()
        status.note(.stateChanged(.live), at: Self.second(15), wall: WallTime(milliseconds: 15_000))
        status.tallies.received = 100
        status.tallies.unique = 99
        status.tallies.lost = 1
        history.endMinute(status, at: Self.second(60))
        status.tallies.received = 150
        status.tallies.unique = 149
        history.endMinute(status, at: Self.second(120))
        history.endMinute(status, at: Self.second(180))
        let points = history.points(status, at: Self.second(180))
        #expect(points.map(\.received) == [100, 50, 0, 0])
        #expect(points.map(\.continuity) == [9_900, 10_000, nil, nil])
        #expect(points.map(\.coverage) == [7_500, 10_000, 10_000, nil])
    }

    @Test func theMinuteUnderWayIsTheLast() {
        var status = Self.status()
        var history = StreamHistory()
        history.endMinute(status, at: Self.second(60))
        status.tallies.received = 7
        #expect(history.points(status, at: Self.second(90)).map(\.received) == [0, 7])
        #expect(history.points(status, at: Self.second(90)).map(\.coverage) == [0, 0])
    }

    @Test func anHourIsKeptAndNoMore() {
        var status = Self.status()
        var history = StreamHistory()
        for minute in 1...150 {
            status.tallies.received += UInt64(minute)
            history.endMinute(status, at: Self.second(Int64(minute) * 60))
        }
        let points = history.points(status, at: Self.second(150 * 60))
        #expect(points.count == StreamHistory.capacity)
        #expect(points.map(\.received) == (92...150).map { UInt32($0) } + [0])
        #expect(MemoryLayout<StreamHistory.Point>.stride == 8)
    }

    @Test func whatIsNotWholeNeverReadsAsWhole() {
        var status = Self.status()
        status.tallies.received = 10_000_000
        status.tallies.unique = 9_999_999
        status.tallies.lost = 1
        #expect(StreamHistory().points(status, at: Self.second(1)).map(\.continuity) == [9_999])
        status.tallies.received = .max
        #expect(StreamHistory().points(status, at: Self.second(1)).map(\.received) == [.max])
    }

    @Test func aProtocolWithoutNumbersHasNoContinuity() {
        var status = Self.status(isSequenced: false)
        status.tallies.received = 10
        status.tallies.unique = 10
        #expect(StreamHistory().points(status, at: Self.second(60)).map(\.continuity) == [nil])
    }

    @Test func aBoardEndsTheMinuteOfEveryStream() {
        let board = StreamBoard()
        let entry = board.add(Self.status())
        board.endMinute(at: Self.second(60))
        entry.update { $0.tallies.received = 3 }
        let line = board.lines[0]
        #expect(line.history.points(line.status, at: Self.second(61)).map(\.received) == [0, 3])
        board.remove("a")
        #expect(board.lines.isEmpty && board.startedCount == 0)
    }
}
