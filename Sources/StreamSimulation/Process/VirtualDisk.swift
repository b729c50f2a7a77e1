import AuditTrail

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The file system of a simulated machine: names, contents, what of them a loss of power would leave, and the errors of
/// the faults that are under way.
///
/// Unchecked: everything of a simulation happens on the thread that runs it.
final class VirtualDisk: FileSystem, @unchecked Sendable {
    private struct File {
        var content: [UInt8] = []
        /// So much of it is safe from a loss of power.
        var synced = 0
    }

    /// More than are ever kept.
    static let mostRotated = 60

    weak var world: World?
    private var names: [String: UInt64] = [:]
    private var files: [UInt64: File] = [:]
    private var descriptors: [Int32: UInt64] = [:]
    private var nextInode: UInt64 = 1
    private var nextDescriptor: Int32 = 3
    private var random: SeededRandom
    /// The process is being killed in the middle of a write: so many bytes get through, then nothing works any more.
    private var dying: Int?

    init(seed: UInt64) {
        random = SeededRandom(seed: seed, purpose: "disk")
    }

    // MARK: The simulation's side

    /// The content of the files of a rotated set, the oldest first.
    func rotatedSet(of path: String) -> [[UInt8]] {
        var contents: [[UInt8]] = []
        if let inode = names[path] { contents.append(files[inode]?.content ?? []) }
        // A rename that fails leaves a number unused until the next rotation.
        for index in 1...Self.mostRotated {
            if let inode = names["\(path).\(index)"] { contents.append(files[inode]?.content ?? []) }
        }
        return contents.reversed()
    }

    /// Forgets the older files of a rotated set, which were looked at.
    func forgetRotated(of path: String) {
        // Those down to the newest with a line stay: a new life may have to look there for the last number.
        var hasLine = false
        for index in 1...Self.mostRotated {
            let name = "\(path).\(index)"
            guard let inode = names[name] else { continue }
            if hasLine {
                names[name] = nil
                files[inode] = nil
            } else {
                hasLine = files[inode]?.content.contains(0x0A) ?? false
            }
        }
    }

    /// Another program renames the file and the older ones, each to the next number, as log rotators do.
    func rotate(_ path: String) {
        for index in stride(from: Self.mostRotated - 1, through: 0, by: -1) {
            let name = index == 0 ? path : "\(path).\(index)"
            guard let inode = names.removeValue(forKey: name) else { continue }
            names["\(path).\(index + 1)"] = inode
        }
    }

    /// Kills the process: what it is writing just then, in `lastWrites`, gets through in part. A loss of power takes
    /// what was not forced to the disk.
    func crash(losesPower: Bool, lastWrites: () -> Void) {
        dying = random.draw(0...400)
        lastWrites()
        dying = nil
        descriptors = [:]
        guard losesPower else { return }
        for inode in files.keys.sorted() {
            guard let file = files[inode], file.synced < file.content.count else { continue }
            let kept = random.draw(file.synced...file.content.count)
            files[inode]?.content.removeLast(file.content.count - kept)
            files[inode]?.synced = kept
        }
    }

    /// Whether an operation fails at this moment, by the faults that are under way.
    private func check(_ operation: Fault.DiskOperation, _ call: String, _ path: String) throws(FileError) {
        if let left = dying, left <= 0 { throw FileError(operation: call, path: path, code: EIO) }
        guard let world, !world.faults.isEmpty else { return }
        var fails = false
        world.faults.forEach(of: nil) { fault, random in
            if case .diskError(let failing, let probability) = fault.kind, failing == operation || failing == .any {
                fails = random.chance(probability) || fails
            }
        }
        if fails {
            world.tally.faults["disk operation failed", default: 0] += 1
            throw FileError(operation: call, path: path, code: operation == .write ? ENOSPC : EIO)
        }
    }

    // MARK: FileSystem

    func open(_ path: String) throws(FileError) -> Int32 {
        try check(.open, "open", path)
        let inode = names[path] ?? create(path)
        nextDescriptor += 1
        descriptors[nextDescriptor] = inode
        return nextDescriptor
    }

    private func create(_ path: String) -> UInt64 {
        defer { nextInode += 1 }
        names[path] = nextInode
        files[nextInode] = File()
        return nextInode
    }

    func close(_ descriptor: Int32) { descriptors[descriptor] = nil }

    private func inode(_ descriptor: Int32, _ path: String) throws(FileError) -> UInt64 {
        guard let inode = descriptors[descriptor] else { throw FileError(operation: "use", path: path, code: EBADF) }
        return inode
    }

    func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(FileError) -> Int {
        try check(.write, "write", path)
        let inode = try inode(descriptor, path)
        var count = bytes.count
        world?.faults.forEach(of: nil) { fault, random in
            if case .shortWrites = fault.kind { count = min(count, random.draw(1...64)) }
        }
        if let left = dying {
            count = min(count, left)
            dying = left - count
        }
        files[inode]?.content.append(contentsOf: bytes.prefix(count))
        return count
    }

    func read(_ descriptor: Int32, path: String, offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        try check(.read, "read", path)
        let content = files[try inode(descriptor, path)]?.content ?? []
        let start = min(content.count, Int(offset))
        return Array(content[start..<min(content.count, start + count)])
    }

    func truncate(_ descriptor: Int32, path: String, to size: Int64) throws(FileError) {
        try check(.truncate, "truncate", path)
        let inode = try inode(descriptor, path)
        guard let count = files[inode]?.content.count, count > size else { return }
        files[inode]?.content.removeLast(count - Int(size))
        let synced = files[inode]?.synced ?? 0
        files[inode]?.synced = min(synced, Int(size))
    }

    func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
        try check(.fsync, "fsync", path)
        let inode = try inode(descriptor, path)
        let size = files[inode]?.content.count ?? 0
        files[inode]?.synced = size
    }

    func synchronizeDirectory(of path: String) throws(FileError) {
        try check(.fsync, "fsync", path)
    }

    func status(_ descriptor: Int32, path: String) throws(FileError) -> FileStatus {
        try check(.stat, "stat", path)
        return status(try inode(descriptor, path))
    }

    func status(of path: String) throws(FileError) -> FileStatus? {
        try check(.stat, "stat", path)
        return names[path].map(status)
    }

    private func status(_ inode: UInt64) -> FileStatus {
        FileStatus(device: 1, inode: inode, size: Int64(files[inode]?.content.count ?? 0))
    }

    func rename(_ path: String, to other: String) throws(FileError) {
        try check(.rename, "rename", path)
        guard let inode = names.removeValue(forKey: path) else {
            throw FileError(operation: "rename", path: path, code: ENOENT)
        }
        names[other] = inode
    }

    func remove(_ path: String) throws(FileError) {
        try check(.rename, "unlink", path)
        names[path] = nil
    }

    func lock(_ descriptor: Int32, path: String) throws(FileError) {}
}
