import NIOConcurrencyHelpers
import StreamModel

/// The newest status of every stream, for people who look.
final class StreamBoard: Sendable {
    /// One stream's place on the board: written by its event loop, read by whoever looks.
    final class Entry: Sendable {
        private let status: NIOLockedValueBox<StreamStatus>

        init(_ status: StreamStatus) {
            self.status = NIOLockedValueBox(status)
        }

        func update(_ body: (inout StreamStatus) -> Void) {
            status.withLockedValue(body)
        }

        var current: StreamStatus {
            status.withLockedValue { $0 }
        }
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

    /// Every stream, by name.
    var all: [StreamStatus] {
        let entries = entries.withLockedValue { Array($0.values) }
        return entries.map(\.current).sorted { $0.identity.name < $1.identity.name }
    }

    /// How many streams have been started.
    var startedCount: Int {
        all.reduce(0) { $0 + ($1.state == .idle ? 0 : 1) }
    }
}
