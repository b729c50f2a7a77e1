// The unsafe pointer is `write`'s, with its length, and for the call alone.

internal import Glibc

/// Lines to a descriptor that somebody reads: standard output, usually a pipe.
struct StandardOutput: LineDestination {
    /// The descriptor; not closed by this.
    var descriptor: Int32 = STDOUT_FILENO
    /// How much of a line has been written by a write that came to an early end; the rest of it comes first.
    private var written = 0
    private var buffer: [UInt8] = []

    init(descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    var wantsSynchronization: Bool { false }

    mutating func write(_ lines: ArraySlice<AuditLine>) -> (count: Int, error: FileError?) {
        var done = 0
        var rest = lines
        while !rest.isEmpty {
            // One write for many lines, but never so many that a slow reader holds up the count for long.
            buffer.removeAll(keepingCapacity: true)
            for line in rest {
                if !buffer.isEmpty, buffer.count + line.bytes.count > 65_536 { break }
                buffer.append(contentsOf: line.bytes)
            }
            let error = writeBuffer()
            while let line = rest.first, written >= line.bytes.count {
                written -= line.bytes.count
                rest.removeFirst()
                done += 1
            }
            if let error { return (done, error) }
        }
        return (done, nil)
    }

    private mutating func writeBuffer() -> FileError? {
        while written < buffer.count {
            let start = written
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // Somebody made the descriptor non-blocking; they share it with us, so it stays that way.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, 1_000)
            } else if errno != EINTR {
                return FileError(operation: "write", path: "standard output", code: errno)
            }
        }
        return nil
    }

    mutating func synchronize() -> FileError? { nil }
    mutating func reopen() -> FileError? { nil }
    mutating func close() {}
}
