// The unsafe pointer is `write`'s, with its length, and for the call alone.

import Foundation
import NIOConcurrencyHelpers

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

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
    }

    private let directory: String
    private let path: String
    private let lock: Int32
    /// Held over a whole ``save()``: two of them would write the same file beside.
    private let saving = NIOLock()
    private let cursors: NIOLockedValueBox<(known: [String: Cursor], isDirty: Bool)>

    /// Opens the store in `directory`, which is made where it does not exist.
    ///
    /// - Throws: ``Failure`` where the directory cannot be made, read or locked. A file that cannot be understood is
    ///   set aside rather than trusted or lost.
    public init(directory: String) throws(Failure) {
        self.directory = directory
        path = directory + "/cursors.jsonl"
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                description: "state directory \(directory) cannot be made: \(error.localizedDescription); "
                    + "create it and let this user write to it, or change state.directory")
        }
        lock = open(directory + "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw Failure(
                description: "state directory \(directory) cannot be written: \(String(cString: strerror(errno))); "
                    + "let this user write to it, or change state.directory")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(lock)
            throw Failure(
                description: "state directory \(directory) is used by another process; "
                    + "give each process a directory of its own")
        }
        do {
            let (known, isWhole) = try Self.read(path)
            // What could be understood of a damaged file is written anew with the next save.
            cursors = NIOLockedValueBox((known, !isWhole))
        } catch {
            Glibc.close(lock)
            throw error
        }
    }

    deinit {
        Glibc.close(lock)
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
        let beside = path + ".new"
        let file = open(beside, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("open", beside) }
        defer { Glibc.close(file) }
        var offset = 0
        while offset < data.count {
            let written = data.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.map { $0 + offset }, $0.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("write", beside) }
            offset += written
        }
        guard fsync(file) == 0 else { throw failure("sync", beside) }
        guard rename(beside, path) == 0 else { throw failure("rename", beside) }
        // The new name is on the disk only once its directory is.
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open", directory) }
        defer { Glibc.close(folder) }
        // Some file systems cannot sync a directory, and say so with EINVAL.
        guard fsync(folder) == 0 || errno == EINVAL else { throw failure("sync", directory) }
    }

    private func failure(_ operation: String, _ path: String) -> Failure {
        Failure(description: "cursors not saved: \(operation) \(path): \(String(cString: strerror(errno)))")
    }

    private static func read(_ path: String) throws(Failure) -> (cursors: [String: Cursor], isWhole: Bool) {
        guard FileManager.default.fileExists(atPath: path) else { return ([:], true) }
        guard let data = FileManager.default.contents(atPath: path) else {
            // Not taken for an empty one: the next save would write over it.
            throw Failure(
                description: "\(path) cannot be read; let this user read it, or remove it to begin every stream anew")
        }
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
        if !isWhole { rename(path, path + ".unreadable") }
        return (cursors, isWhole)
    }
}
