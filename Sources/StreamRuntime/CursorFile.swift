// The unsafe pointer is `write`'s, with its length, and for the call alone.

package import Foundation

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Where a ``CursorStore`` keeps its bytes; a protocol, so that a simulation needs no disk. May block.
package protocol CursorFile: Sendable {
    /// What was saved last; nil where nothing ever was.
    func content() throws(CursorStore.Failure) -> Data?
    /// Saves `data` in place of what there was: afterwards, and after a crash at any point, all of the one or all of the
    /// other is there.
    func replace(with data: Data) throws(CursorStore.Failure)
    /// Keeps what cannot be understood under another name.
    func setAside()
}

/// The file of cursors in a directory that one process has to itself.
struct StateDirectory: CursorFile {
    private let directory: String
    private let path: String
    private let lock: Lock

    /// Open as long as the store is.
    private final class Lock: Sendable {
        private let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { Glibc.close(descriptor) }
    }

    init(_ directory: String) throws(CursorStore.Failure) {
        self.directory = directory
        path = directory + "/cursors.jsonl"
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw CursorStore.Failure(
                description: "state directory \(directory) cannot be made: \(error.localizedDescription); "
                    + "create it and let this user write to it, or change state.directory")
        }
        let descriptor = open(directory + "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CursorStore.Failure(
                description: "state directory \(directory) cannot be written: \(String(cString: strerror(errno))); "
                    + "let this user write to it, or change state.directory")
        }
        lock = Lock(descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw CursorStore.Failure(
                description: "state directory \(directory) is used by another process; "
                    + "give each process a directory of its own")
        }
    }

    func content() throws(CursorStore.Failure) -> Data? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            // Not taken for an empty one: the next save would write over it.
            throw CursorStore.Failure(
                description: "\(path) cannot be read; let this user read it, or remove it to begin every stream anew")
        }
        return data
    }

    func setAside() {
        rename(path, path + ".unreadable")
    }

    func replace(with data: Data) throws(CursorStore.Failure) {
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

    private func failure(_ operation: String, _ path: String) -> CursorStore.Failure {
        CursorStore.Failure(description: "cursors not saved: \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
