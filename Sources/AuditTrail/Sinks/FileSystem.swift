// The unsafe pointers are those of `write` and `read`: each with its length, and for the call alone.

internal import Glibc

/// An operation on a file that failed.
package struct FileError: Error, Hashable, CustomStringConvertible {
    /// What was tried, as the name of the system call.
    package var operation: String
    /// What it was tried on.
    package var path: String
    /// The system's error number.
    package var code: Int32

    package init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    package var description: String {
        "\(operation) \(path): \(String(cString: strerror(code)))"
    }
}

/// What the trail needs of a file system. A protocol, so that tests and simulations can make any operation fail at any
/// time.
package protocol FileSystem: Sendable {
    /// Opens for reading and appending, creating where there is none.
    func open(_ path: String) throws(FileError) -> Int32
    func close(_ descriptor: Int32)
    /// Writes some of the bytes at the end of the file, and tells how many.
    func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(FileError) -> Int
    /// Up to `count` bytes from `offset`; fewer at the end of the file.
    func read(_ descriptor: Int32, path: String, offset: Int64, count: Int) throws(FileError) -> [UInt8]
    func truncate(_ descriptor: Int32, path: String, to size: Int64) throws(FileError)
    /// Makes what was written survive a loss of power.
    func synchronize(_ descriptor: Int32, path: String) throws(FileError)
    /// Makes the names in a directory survive a loss of power.
    func synchronizeDirectory(of path: String) throws(FileError)
    func status(_ descriptor: Int32, path: String) throws(FileError) -> FileStatus
    /// nil where there is no such file.
    func status(of path: String) throws(FileError) -> FileStatus?
    /// Moves a file over whatever has the new name.
    func rename(_ path: String, to other: String) throws(FileError)
    func remove(_ path: String) throws(FileError)
    /// Keeps other processes from writing to the same file for as long as the descriptor is open.
    func lock(_ descriptor: Int32, path: String) throws(FileError)
}

/// What there is to know of a file.
package struct FileStatus: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    package var size: Int64

    package init(device: UInt64, inode: UInt64, size: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
    }

    func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

/// The file system of the machine.
struct SystemFileSystem: FileSystem {
    func open(_ path: String) throws(FileError) -> Int32 {
        // Not readable by all: stream names and close reasons are nobody else's business.
        let descriptor = retried { Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o640) }
        if descriptor < 0 { throw FileError(operation: "open", path: path, code: errno) }
        return descriptor
    }

    func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(FileError) -> Int {
        let count = retried { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
        if count < 0 { throw FileError(operation: "write", path: path, code: errno) }
        return count
    }

    func read(_ descriptor: Int32, path: String, offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let start = filled
                let got = retried {
                    pread(descriptor, buffer.baseAddress?.advanced(by: start), count - start, Int(offset) + start)
                }
                if got < 0 { code = errno }
                if got <= 0 { return }
                filled += got
            }
        }
        if code != 0 { throw FileError(operation: "read", path: path, code: code) }
        return bytes
    }

    func truncate(_ descriptor: Int32, path: String, to size: Int64) throws(FileError) {
        if retried({ ftruncate(descriptor, Int(size)) }) != 0 {
            throw FileError(operation: "truncate", path: path, code: errno)
        }
    }

    func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
        // EINVAL is what a pipe says, which has nothing that could be forced anywhere.
        if retried({ fsync(descriptor) }) != 0, errno != EINVAL {
            throw FileError(operation: "fsync", path: path, code: errno)
        }
    }

    func synchronizeDirectory(of path: String) throws(FileError) {
        let directory = Self.directory(of: path)
        let descriptor = retried { Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        if descriptor < 0 { throw FileError(operation: "open", path: directory, code: errno) }
        defer { close(descriptor) }
        try synchronize(descriptor, path: directory)
    }

    func status(_ descriptor: Int32, path: String) throws(FileError) -> FileStatus {
        var buffer = stat()
        if fstat(descriptor, &buffer) != 0 { throw FileError(operation: "stat", path: path, code: errno) }
        return FileStatus(device: UInt64(buffer.st_dev), inode: UInt64(buffer.st_ino), size: Int64(buffer.st_size))
    }

    func status(of path: String) throws(FileError) -> FileStatus? {
        var buffer = stat()
        if stat(path, &buffer) != 0 {
            if errno == ENOENT { return nil }
            throw FileError(operation: "stat", path: path, code: errno)
        }
        return FileStatus(device: UInt64(buffer.st_dev), inode: UInt64(buffer.st_ino), size: Int64(buffer.st_size))
    }

    func rename(_ path: String, to other: String) throws(FileError) {
        if Glibc.rename(path, other) != 0 { throw FileError(operation: "rename", path: path, code: errno) }
    }

    func remove(_ path: String) throws(FileError) {
        if unlink(path) != 0 { throw FileError(operation: "unlink", path: path, code: errno) }
    }

    func lock(_ descriptor: Int32, path: String) throws(FileError) {
        // File systems without locks say so in several ways; only a lock that another process holds is an error.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            throw FileError(operation: "lock", path: path, code: errno)
        }
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Calls again what a signal interrupted.
private func retried<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
