import NIOConcurrencyHelpers
import StreamModel

/// The newest status of every stream, and its last hour, for people who look.
final class StreamBoard: Sendable {
    /// One stream's place on the board: written by its event loop, read by whoever looks.
    final class Entry: Sendable {
        private let state: NIOLockedValueBox<(status: StreamStatus, history: StreamHistory)>

        init(_ status: StreamStatus) {
            state = NIOLockedValueBox((status, StreamHistory()))
        }

        func update(_ body: (inout StreamStatus) -> Void) {
            state.withLockedValue { body(&$0.status) }
        }

        var current: StreamStatus {
            state.withLockedValue { $0.status }
        }

        func endMinute(at now: Instant) {
            state.withLockedValue { $0.history.endMinute($0.status, at: now) }
        }

        var line: Line {
            let (status, history) = state.withLockedValue { $0 }
            return Line(status: status, history: history)
        }
    }

    /// What there is to show of one stream.
    struct Line: Sendable {
        let status: StreamStatus
        let history: StreamHistory
    }

    private let entries = NIOLockedValueBox<[String: Entry]>([:])

    func add(_ status: StreamStatus) -> Entry {
        let entry = Entry(status)
        entries.withLockedValue { $0[status.identity.name] = entry }
        return entry
    }

    func remove(_ name: String) {
        entries.withLockedValue { _ = $0.removeValue(forKey: name) }
    }

    private var unordered: [Entry] {
        entries.withLockedValue { Array($0.values) }
    }

    /// Every stream, by name.
    var all: [StreamStatus] {
        unordered.map(\.current).sorted { $0.identity.name < $1.identity.name }
    }

    /// Every stream with its last hour, by name.
    var lines: [Line] {
        unordered.map(\.line).sorted { $0.status.identity.name < $1.status.identity.name }
    }

    /// How many streams have been started.
    var startedCount: Int {
        unordered.reduce(0) { $0 + ($1.current.state == .idle ? 0 : 1) }
    }

    /// Ends the minute under way in every stream's history. To be called once a minute: one timer for all streams, and
    /// each is held up for no longer than it takes to write one point.
    func endMinute(at now: Instant) {
        for entry in unordered { entry.endMinute(at: now) }
    }
}
