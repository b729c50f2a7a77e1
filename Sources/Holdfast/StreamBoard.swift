import NIOConcurrencyHelpers
import StreamModel
import Synchronization

/// The newest status of every stream, and its last hour, for people who look.
final class StreamBoard: Sendable {
    /// How many entries are of streams that have been started: to count them anew, whenever somebody asks, would take
    /// longer than starting some of them.
    fileprivate final class Starts: Sendable {
        let count = Atomic(0)
    }

    /// One stream's place on the board: written by its event loop, read by whoever looks.
    final class Entry: Sendable {
        private struct State {
            var status: StreamStatus
            var history = StreamHistory()
            /// Whether it is on the board, and counted there.
            var isShown = true
            var isCounted = false
        }

        private let state: NIOLockedValueBox<State>
        private let starts: Starts

        fileprivate init(_ status: StreamStatus, starts: Starts) {
            self.starts = starts
            state = NIOLockedValueBox(State(status: status))
            update { _ in }
        }

        func update(_ body: (inout StreamStatus) -> Void) {
            state.withLockedValue { state in
                body(&state.status)
                guard !state.isCounted, state.isShown, state.status.state != .idle else { return }
                state.isCounted = true
                starts.count.add(1, ordering: .relaxed)
            }
        }

        /// Counts no more.
        fileprivate func leave() {
            state.withLockedValue { state in
                state.isShown = false
                guard state.isCounted else { return }
                state.isCounted = false
                starts.count.subtract(1, ordering: .relaxed)
            }
        }

        var current: StreamStatus {
            state.withLockedValue { $0.status }
        }

        func endMinute(at now: Instant) {
            state.withLockedValue { $0.history.endMinute($0.status, at: now) }
        }

        var line: Line {
            state.withLockedValue { Line(status: $0.status, history: $0.history) }
        }
    }

    /// What there is to show of one stream.
    struct Line: Sendable {
        let status: StreamStatus
        let history: StreamHistory
    }

    private let entries = NIOLockedValueBox<[String: Entry]>([:])

    private let starts = Starts()

    func add(_ status: StreamStatus) -> Entry {
        let entry = Entry(status, starts: starts)
        let replaced = entries.withLockedValue { $0.updateValue(entry, forKey: status.identity.name) }
        replaced?.leave()
        return entry
    }

    func remove(_ name: String) {
        entries.withLockedValue { $0.removeValue(forKey: name) }?.leave()
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

    /// How many streams have been started. Waits for nobody.
    var startedCount: Int { starts.count.load(ordering: .relaxed) }

    /// Ends the minute under way in every stream's history. To be called once a minute: one timer for all streams, and
    /// each is held up for no longer than it takes to write one point.
    func endMinute(at now: Instant) {
        for entry in unordered { entry.endMinute(at: now) }
    }
}
