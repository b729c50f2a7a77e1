// The unsafe pointer is the file system's to write from, with its length, and for the call alone.

internal import Glibc

/// The file of the trail: appends whole lines, rotates, and follows its name when others move it. No threads, no clock.
struct AuditFile: LineDestination {
    private let configuration: AuditFileConfiguration
    private let files: any FileSystem
    /// The largest buffer that one write gets.
    private static let maximumWrite = 256 << 10

    /// nil after an error that left the file in a state to be found out anew.
    private var descriptor: Int32?
    private var size: Int64 = 0
    private var isDirty = false
    /// A fragment that could be neither moved nor cut off gets an end, so that it spoils no line but itself.
    private var needsNewline = false
    /// After a rotation that failed the file grows on, and the next try is this far away.
    private var rotateAt: Int64
    private var buffer: [UInt8] = []

    /// The number of the last line of the trail; 0 where there is none.
    let lastLine: UInt64
    /// Where the torn last line of an earlier life was put; nil where there was none.
    private(set) var tornLinePath: String?

    /// Opens the file, and sets a torn last line aside.
    init(_ configuration: AuditFileConfiguration, files: any FileSystem = SystemFileSystem()) throws(FileError) {
        self.configuration = configuration
        self.files = files
        rotateAt = configuration.maximumSize
        let recovery = AuditFileRecovery(path: configuration.path, keep: configuration.keep, files: files)
        let recovered = try recovery.run()
        lastLine = recovered.lastLine
        tornLinePath = recovered.tornLinePath
        descriptor = recovered.descriptor
        size = recovered.size
        needsNewline = recovered.needsNewline
    }

    var wantsSynchronization: Bool { isDirty && configuration.synchronization == .interval }

    mutating func write(_ lines: ArraySlice<AuditLine>) -> (count: Int, error: FileError?) {
        var done = 0
        var rest = lines
        do throws(FileError) {
            try followName()
            while !rest.isEmpty {
                let count = try writeSome(rest)
                rest = rest.dropFirst(count)
                done += count
            }
            return (done, nil)
        } catch {
            return (done, error)
        }
    }

    /// Writes what fits into one buffer and into this file; tells how many lines.
    private mutating func writeSome(_ lines: ArraySlice<AuditLine>) throws(FileError) -> Int {
        if let line = lines.first, size > 0, size + Int64(line.bytes.count) > rotateAt { try rotate() }
        guard let descriptor else { throw FileError(operation: "write", path: configuration.path, code: EBADF) }
        buffer.removeAll(keepingCapacity: true)
        if needsNewline { buffer.append(UInt8(ascii: "\n")) }
        var count = 0
        for line in lines {
            let total = buffer.count + line.bytes.count
            if count > 0, total > Self.maximumWrite || size + Int64(total) > rotateAt { break }
            buffer.append(contentsOf: line.bytes)
            count += 1
        }
        do throws(FileError) {
            try writeBuffer(to: descriptor)
            if configuration.synchronization == .always {
                try files.synchronize(descriptor, path: configuration.path)
            }
        } catch {
            // All or nothing: the lines are tried again later, and a part of them now would show twice.
            undo(descriptor)
            throw error
        }
        size += Int64(buffer.count)
        needsNewline = false
        isDirty = configuration.synchronization == .interval
        return count
    }

    private mutating func writeBuffer(to descriptor: Int32) throws(FileError) {
        var written = 0
        while written < buffer.count {
            let bytes = buffer[written...]
            var result: Result<Int, FileError> = .success(0)
            bytes.withUnsafeBytes { pointer in
                result = Result { () throws(FileError) in
                    try files.append(pointer, to: descriptor, path: configuration.path)
                }
            }
            let count = try result.get()
            // A disk that takes nothing and says nothing would hold us for ever.
            if count <= 0 { throw FileError(operation: "write", path: configuration.path, code: ENOSPC) }
            written += count
        }
    }

    private mutating func undo(_ descriptor: Int32) {
        do throws(FileError) {
            try files.truncate(descriptor, path: configuration.path, to: size)
        } catch {
            // What the file ends with is not known any more: find out when the disk is better.
            files.close(descriptor)
            self.descriptor = nil
        }
    }

    /// Opens the file anew where its name means another file than before, or none; takes note where it was cut short.
    private mutating func followName() throws(FileError) {
        if let descriptor {
            let own = try files.status(descriptor, path: configuration.path)
            if let named = try files.status(of: configuration.path), named.isSameFile(as: own) {
                // Shorter: others copied and truncated it. Longer: something else wrote; what it wrote stays.
                if own.size != size {
                    size = own.size
                    needsNewline = try endsInsideLine(descriptor)
                }
                return
            }
            letGo()
        }
        try openAnew()
    }

    private func endsInsideLine(_ descriptor: Int32) throws(FileError) -> Bool {
        if size == 0 { return false }
        return try files.read(descriptor, path: configuration.path, offset: size - 1, count: 1) != [0x0A]
    }

    private mutating func openAnew() throws(FileError) {
        let fresh = try files.open(configuration.path)
        do throws(FileError) {
            try files.lock(fresh, path: configuration.path)
            size = try files.status(fresh, path: configuration.path).size
            needsNewline = try endsInsideLine(fresh)
        } catch {
            files.close(fresh)
            throw error
        }
        descriptor = fresh
        rotateAt = configuration.maximumSize
        if configuration.synchronization != .never { try? files.synchronizeDirectory(of: configuration.path) }
    }

    /// Forces to the disk what may still be forced, and closes.
    private mutating func letGo() {
        guard let descriptor else { return }
        if isDirty { try? files.synchronize(descriptor, path: configuration.path) }
        files.close(descriptor)
        self.descriptor = nil
        isDirty = false
    }

    /// path → path.1 → path.2 … → gone after path.keep. Where a step fails the lines go on into the same file.
    private mutating func rotate() throws(FileError) {
        do throws(FileError) {
            if configuration.keep > 0 {
                // Up to the first name that is free: what a rotation that failed left open closes again, and whoever
                // reads the set finds all of it.
                var free = 1
                while free < configuration.keep, try files.status(of: "\(configuration.path).\(free)") != nil {
                    free += 1
                }
                for index in stride(from: free - 1, to: 0, by: -1) {
                    try files.rename("\(configuration.path).\(index)", to: "\(configuration.path).\(index + 1)")
                }
                try files.rename(configuration.path, to: "\(configuration.path).1")
            } else {
                try files.remove(configuration.path)
            }
        } catch {
            rotateAt = size + max(1, configuration.maximumSize / 4)
            return
        }
        letGo()
        try openAnew()
    }

    mutating func synchronize() -> FileError? {
        guard isDirty, let descriptor else { return nil }
        // Once is all: a system that failed to write a page forgets that it was dirty, and asking again says yes.
        isDirty = false
        do throws(FileError) {
            try files.synchronize(descriptor, path: configuration.path)
            return nil
        } catch {
            return error
        }
    }

    mutating func reopen() -> FileError? {
        letGo()
        do throws(FileError) {
            try openAnew()
            return nil
        } catch {
            return error
        }
    }

    mutating func close() { letGo() }
}
