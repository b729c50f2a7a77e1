import StreamModel
import Testing

@testable import Holdfast

@Suite("How many streams on the board have been started")
struct StreamBoardTests {
    private static func status(_ name: String) -> StreamStatus {
        StreamStatus(
            StreamIdentity(name: name, profile: "p", clientID: "c"), isSequenced: true, at: WallTime(milliseconds: 0))
    }

    private static let begin = Instant(nanoseconds: 0)
    private static let wall = WallTime(milliseconds: 0)

    private static func enter(_ state: StreamState, _ entry: StreamBoard.Entry) {
        entry.update { $0.note(.stateChanged(state), at: begin, wall: wall) }
    }

    @Test("each counts once it is no longer idle, however often its state changes, as long as it is there")
    func counts() {
        let board = StreamBoard()
        let a = board.add(Self.status("a"))
        let b = board.add(Self.status("b"))
        #expect(board.startedCount == 0)
        a.update { $0.tallies.received = 1 }
        #expect(board.startedCount == 0)
        Self.enter(.authenticating, a)
        Self.enter(.connecting, a)
        #expect(board.startedCount == 1)
        Self.enter(.stopped, b)
        #expect(board.startedCount == 2)
        board.remove("a")
        board.remove("a")
        #expect(board.startedCount == 1)
        Self.enter(.stopped, a)
        #expect(board.startedCount == 1)
        board.remove("b")
        #expect(board.startedCount == 0)
    }

    @Test("a stream that takes the place of one of the same name counts instead of it")
    func replaced() {
        let board = StreamBoard()
        let first = board.add(Self.status("a"))
        Self.enter(.live, first)
        let second = board.add(Self.status("a"))
        #expect(board.startedCount == 0)
        Self.enter(.live, first)
        #expect(board.startedCount == 0)
        Self.enter(.live, second)
        #expect(board.startedCount == 1)
    }
}
