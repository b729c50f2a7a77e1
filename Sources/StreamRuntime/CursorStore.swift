import Foundation
import NIOConcurrencyHelpers

/// Keeps the cursors of all streams in one file of the state directory, one JSON object a line.
///
/// The file is replaced as a whole (written beside, synced, renamed), so that a crash leaves the old cursors or the new
/// ones and nothing between. A cursor is offered only after its message was counted: a crash may make a message arrive
/// twice over two lives, and never makes one count that did not arrive.
public final class CursorStore: Sendable {
    /// Why the state directory cannot be used.
    public struct Failure: Error, CustomStringConvertible {
        /// What happened, where, and what to do.
        public let description: String

        package init(description: String) {
            self.description = description
        }
    }

    private let file: any CursorFile
    /// Held over a whole ``save()``: two of them would write the same file beside.
    private let saving = NIOLock()
    private let cursors: NIOLockedValueBox<(known: [String: Cursor], isDirty: Bool)>

    /// Opens the store in `directory`, which is made where it does not exist.
    ///
    /// - Throws: ``Failure`` where the directory cannot be made, read or locked. A file that cannot be understood is
    ///   set aside rather than trusted or lost.
    public convenience init(directory: String) throws(Failure) {
        try self.init(file: StateDirectory(directory))
    }

    /// Opens the store in `file`.
    package init(file: any CursorFile) throws(Failure) {
        self.file = file
        let (known, isWhole) = try Self.read(file)
        // What could be understood of a damaged file is written anew with the next save.
        cursors = NIOLockedValueBox((known, !isWhole))
    }

    /// The saved cursor of `stream`.
    public func cursor(of stream: String) -> Cursor? {
        cursors.withLockedValue { $0.known[stream] }
    }

    /// Remembers where a stream is; it reaches the disk with the next ``save()``.
    public func offer(_ cursor: Cursor) {
        cursors.withLockedValue { state in
            guard state.known[cursor.stream] != cursor else { return }
            state.known[cursor.stream] = cursor
            state.isDirty = true
        }
    }

    /// Forgets a stream that was removed from the configuration.
    public func forget(_ stream: String) {
        cursors.withLockedValue { state in
            if state.known.removeValue(forKey: stream) != nil { state.isDirty = true }
        }
    }

    /// Writes what has changed since the last time. Blocks; not for an event loop.
    ///
    /// - Throws: ``Failure``; what could not be written is tried again with the next call.
    public func save() throws(Failure) {
        saving.lock()
        defer { saving.unlock() }
        let changed: [Cursor]? = cursors.withLockedValue { state in
            guard state.isDirty else { return nil }
            state.isDirty = false
            return Array(state.known.values)
        }
        guard let changed else { return }
        do {
            try write(changed)
        } catch {
            cursors.withLockedValue { $0.isDirty = true }
            throw error
        }
    }

    private func write(_ cursors: [Cursor]) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = Data()
        for cursor in cursors.sorted(by: { $0.stream < $1.stream }) {
            guard let line = try? encoder.encode(cursor) else { continue }
            data += line + [0x0A]
        }
        try file.replace(with: data)
    }

    private static func read(
        _ file: any CursorFile
    ) throws(Failure) -> (cursors: [String: Cursor], isWhole: Bool) {
        guard let data = try file.content() else { return ([:], true) }
        let decoder = JSONDecoder()
        var cursors: [String: Cursor] = [:]
        var isWhole = true
        for line in data.split(separator: 0x0A) {
            if let cursor = try? decoder.decode(Cursor.self, from: line) {
                cursors[cursor.stream] = cursor
            } else {
                isWhole = false
            }
        }
        if !isWhole { file.setAside() }
        return (cursors, isWhole)
    }
}
