internal import Glibc

/// What tells one content of a file from another without reading it.
public struct TokenFileStamp: Hashable, Sendable {
    /// The device and the file's number on it.
    public var identity: [UInt64]
    /// The size in bytes.
    public var size: Int64
    /// When content or metadata last changed, in nanoseconds since the epoch.
    public var changed: Int64

    /// A stamp.
    public init(identity: [UInt64], size: Int64, changed: Int64) {
        self.identity = identity
        self.size = size
        self.changed = changed
    }
}

/// A file could not be read: why, in words.
public struct TokenFileError: Error, Hashable, CustomStringConvertible {
    /// Why.
    public var description: String

    /// A file could not be read, because of `description`.
    public init(description: String) {
        self.description = description
    }
}

/// Reads token files; a protocol, so that tests need no disk.
public protocol TokenFileReading: Sendable {
    /// The stamp of the file at `path`.
    func stamp(of path: String) throws(TokenFileError) -> TokenFileStamp
    /// The first `limit` bytes of the file at `path`.
    func read(_ path: String, limit: Int) throws(TokenFileError) -> [UInt8]
}

/// Reads token files from the machine's disk.
public struct SystemTokenFiles: TokenFileReading {
    /// The machine's disk.
    public init() {}

    /// The stamp of the file at `path`.
    public func stamp(of path: String) throws(TokenFileError) -> TokenFileStamp {
        var status = stat()
        if stat(path, &status) != 0 { throw Self.error(path) }
        let changed = max(
            Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec))
        return TokenFileStamp(
            identity: [UInt64(status.st_dev), UInt64(status.st_ino)], size: Int64(status.st_size), changed: changed)
    }

    /// The first `limit` bytes of the file at `path`.
    public func read(_ path: String, limit: Int) throws(TokenFileError) -> [UInt8] {
        // Non-blocking, so that a pipe without a writer cannot hold up an event loop.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { throw Self.error(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Self.error(path) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    private static func error(_ path: String) -> TokenFileError {
        TokenFileError(description: "\(path): \(String(cString: strerror(errno)))")
    }
}
