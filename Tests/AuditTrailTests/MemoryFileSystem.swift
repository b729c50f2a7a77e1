import Glibc

@testable import AuditTrail

/// A file system in memory that fails when it is told to. Names and contents are apart, as on a disk, so that renaming,
/// deleting and truncating behind the trail's back behave as they do there.
final class MemoryFileSystem: FileSystem {
    struct State {
        var names: [String: UInt64] = [:]
        var contents: [UInt64: [UInt8]] = [:]
        var descriptors: [Int32: UInt64] = [:]
        var locked: Set<UInt64> = []
        var nextInode: UInt64 = 1
        var nextDescriptor: Int32 = 100
        /// Bytes that still fit on the disk; nil for no limit.
        var room: Int?
        /// No write takes more than this at once.
        var largestWrite = Int.max
        /// Operations that fail with this error, by their names.
        var failures: [String: Int32] = [:]
        /// Every call, by its name and path.
        var calls: [String] = []
    }

    private let state = Monitor(State())

    func set(_ change: (inout State) -> Void) { state.update(change) }
    func get<Value>(_ value: (State) -> Value) -> Value { state.withLock { value($0) } }

    func content(_ path: String) -> String? {
        state.withLock { state in
            state.names[path].map { String(decoding: state.contents[$0] ?? [], as: UTF8.self) }
        }
    }

    func write(_ text: String, to path: String) {
        write(Array(text.utf8), to: path)
    }

    func write(_ bytes: [UInt8], to path: String) {
        state.update { state in
            let inode = state.names[path] ?? Self.create(path, &state)
            state.contents[inode] = bytes
        }
    }

    private static func create(_ path: String, _ state: inout State) -> UInt64 {
        defer { state.nextInode += 1 }
        state.names[path] = state.nextInode
        state.contents[state.nextInode] = []
        return state.nextInode
    }

    private func perform<Value>(
        _ operation: String, _ path: String, _ body: (inout State) -> Result<Value, FileError>
    ) throws(FileError) -> Value {
        let result: Result<Value, FileError> = state.update { state in
            state.calls.append("\(operation) \(path)")
            if let code = state.failures[operation] {
                return .failure(FileError(operation: operation, path: path, code: code))
            }
            return body(&state)
        }
        return try result.get()
    }

    func open(_ path: String) throws(FileError) -> Int32 {
        try perform("open", path) { state in
            let inode = state.names[path] ?? Self.create(path, &state)
            state.nextDescriptor += 1
            state.descriptors[state.nextDescriptor] = inode
            return .success(state.nextDescriptor)
        }
    }

    func close(_ descriptor: Int32) {
        state.update { state in
            if let inode = state.descriptors.removeValue(forKey: descriptor) { state.locked.remove(inode) }
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(FileError) -> Int {
        try perform("write", path) { state in
            guard let inode = state.descriptors[descriptor] else {
                return .failure(FileError(operation: "write", path: path, code: EBADF))
            }
            let count = min(bytes.count, state.largestWrite, state.room ?? .max)
            if count == 0, !bytes.isEmpty {
                return .failure(FileError(operation: "write", path: path, code: ENOSPC))
            }
            state.contents[inode, default: []].append(contentsOf: bytes.prefix(count))
            state.room? -= count
            return .success(count)
        }
    }

    func read(_ descriptor: Int32, path: String, offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        try perform("read", path) { state in
            let content = state.descriptors[descriptor].flatMap { state.contents[$0] } ?? []
            return .success(Array(content.dropFirst(Int(offset)).prefix(count)))
        }
    }

    func truncate(_ descriptor: Int32, path: String, to size: Int64) throws(FileError) {
        try perform("truncate", path) { state -> Result<Void, FileError> in
            guard let inode = state.descriptors[descriptor], let content = state.contents[inode] else {
                return .failure(FileError(operation: "truncate", path: path, code: EBADF))
            }
            state.contents[inode] = Array(content.prefix(Int(size)))
            state.room? += content.count - Int(size)
            return .success(())
        }
    }

    func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
        try perform("fsync", path) { _ in .success(()) }
    }

    func synchronizeDirectory(of path: String) throws(FileError) {
        try perform("fsync-directory", path) { _ in .success(()) }
    }

    func status(_ descriptor: Int32, path: String) throws(FileError) -> FileStatus {
        try perform("fstat", path) { state in
            guard let inode = state.descriptors[descriptor] else {
                return .failure(FileError(operation: "stat", path: path, code: EBADF))
            }
            return .success(Self.status(inode, state))
        }
    }

    func status(of path: String) throws(FileError) -> FileStatus? {
        try perform("stat", path) { state in .success(state.names[path].map { Self.status($0, state) }) }
    }

    private static func status(_ inode: UInt64, _ state: State) -> FileStatus {
        FileStatus(device: 1, inode: inode, size: Int64(state.contents[inode]?.count ?? 0))
    }

    func rename(_ path: String, to other: String) throws(FileError) {
        try perform("rename", path) { state -> Result<Void, FileError> in
            guard let inode = state.names.removeValue(forKey: path) else {
                return .failure(FileError(operation: "rename", path: path, code: ENOENT))
            }
            state.names[other] = inode
            return .success(())
        }
    }

    func remove(_ path: String) throws(FileError) {
        try perform("unlink", path) { state -> Result<Void, FileError> in
            state.names[path] = nil
            return .success(())
        }
    }

    func lock(_ descriptor: Int32, path: String) throws(FileError) {
        try perform("lock", path) { state -> Result<Void, FileError> in
            guard let inode = state.descriptors[descriptor], state.locked.insert(inode).inserted else {
                return .failure(FileError(operation: "lock", path: path, code: EWOULDBLOCK))
            }
            return .success(())
        }
    }
}
