// The unsafe pointers are the file system's to write from, and those of lines in place, thousands of which are looked at
// before the process is ready: each with its length, and for the call alone.

internal import Glibc

/// What a new life of the process finds: reads where the trail ended, and sets aside what a crash tore.
struct AuditFileRecovery {
    /// What was found.
    struct Outcome {
        var descriptor: Int32
        var size: Int64
        var lastLine: UInt64
        var tornLinePath: String?
        var needsNewline: Bool
    }

    let path: String
    /// How many older files there may be.
    let keep: Int
    let files: any FileSystem

    private static let chunk = 64 << 10
    /// A torn line is shorter than this; more than that without a newline was not written by us.
    private static let maximumFragment: Int64 = 1 << 20

    /// Opens the file, and leaves it ending with a whole line wherever that can be had.
    func run() throws(FileError) -> Outcome {
        let descriptor = try files.open(path)
        do throws(FileError) {
            try files.lock(descriptor, path: path)
            let size = try files.status(descriptor, path: path).size
            let end = try endOfLastLine(descriptor, path: path, size: size)
            var lastLine = try lastNumber(descriptor, path: path, end: end)
            // Emptied, or lost between the two steps of a rotation: an older file knows.
            if lastLine == 0 { lastLine = try lastNumberOfRotated() }
            var outcome = Outcome(
                descriptor: descriptor, size: size, lastLine: lastLine, tornLinePath: nil, needsNewline: false)
            if end < size { try setAside(from: end, &outcome) }
            return outcome
        } catch {
            files.close(descriptor)
            throw error
        }
    }

    /// Where the last newline is followed by nothing or by a fragment; 0 where there is no newline.
    private func endOfLastLine(_ descriptor: Int32, path: String, size: Int64) throws(FileError) -> Int64 {
        var end = size
        while end > 0 {
            let start = max(0, end - Int64(Self.chunk))
            let bytes = try files.read(descriptor, path: path, offset: start, count: Int(end - start))
            if let index = bytes.lastIndex(of: 0x0A) { return start + Int64(index) + 1 }
            end = start
        }
        return 0
    }

    /// The highest number of a line among the last mebibyte before `end`. That is not always the last line's: what was
    /// written in part on a bad disk that would not let it be cut off is written again behind it.
    private func lastNumber(_ descriptor: Int32, path: String, end: Int64) throws(FileError) -> UInt64 {
        let start = max(0, end - (1 << 20))
        if start == end { return 0 }
        let bytes = try files.read(descriptor, path: path, offset: start, count: Int(end - start))
        return Self.highestNumber(in: bytes)
    }

    private static func highestNumber(in bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            var highest: UInt64 = 0
            var start = 0
            while start < bytes.count, let first = bytes.baseAddress?.advanced(by: start) {
                // The system's search looks at many bytes at once.
                let newline = memchr(first, 0x0A, bytes.count - start)
                let length = newline.map { UnsafeRawPointer($0) - first } ?? bytes.count - start
                highest = max(highest, number(ofLine: UnsafeRawBufferPointer(start: first, count: length)) ?? 0)
                start += length + 1
            }
            return highest
        }
    }

    /// The number of the last line of the newest older file that has one: a loss of power can take all that several of
    /// them held, and a rename that failed leaves a hole between them.
    private func lastNumberOfRotated() throws(FileError) -> UInt64 {
        for index in 1...max(1, keep) {
            let number = try lastNumber(ofRotated: "\(path).\(index)")
            if number > 0 { return number }
        }
        return 0
    }

    private func lastNumber(ofRotated rotated: String) throws(FileError) -> UInt64 {
        guard try files.status(of: rotated) != nil else { return 0 }
        let descriptor = try files.open(rotated)
        defer { files.close(descriptor) }
        let size = try files.status(descriptor, path: rotated).size
        return try lastNumber(
            descriptor, path: rotated, end: try endOfLastLine(descriptor, path: rotated, size: size))
    }

    /// What stands before the number; eight bytes, compared as one.
    private static let key = Array(#","line":"#.utf8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }

    /// The value of `line` in a whole line of the trail; nil where it is none.
    static func number(ofLine line: ArraySlice<UInt8>) -> UInt64? {
        line.withUnsafeBytes { number(ofLine: $0) }
    }

    private static func number(ofLine line: UnsafeRawBufferPointer) -> UInt64? {
        guard line.first == UInt8(ascii: "{"), line.last == UInt8(ascii: "}") else { return nil }
        // Second of all keys, after a timestamp of fixed length; nothing from outside comes before it.
        let head = UnsafeRawBufferPointer(rebasing: line.prefix(80))
        var start = 0
        while start + 8 < head.count, head.loadUnaligned(fromByteOffset: start, as: UInt64.self) != key { start += 1 }
        let digits = head.dropFirst(start + 8).prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty ? nil : UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// Copies the fragment to a file of its own, then cuts it off. What cannot be copied stays where it is.
    private func setAside(from end: Int64, _ outcome: inout Outcome) throws(FileError) {
        let target = "\(path).torn-\(outcome.lastLine + 1)"
        let length = outcome.size - end
        if end == 0, length > Self.maximumFragment {
            // Not a torn line but somebody else's file: it keeps its content under another name.
            try files.rename(path, to: target)
            let fresh = try files.open(path)
            try? files.lock(fresh, path: path)
            files.close(outcome.descriptor)
            outcome.descriptor = fresh
            outcome.size = 0
            outcome.tornLinePath = target
            return
        }
        do throws(FileError) {
            try copy(outcome.descriptor, from: end, length: length, to: target)
            try files.truncate(outcome.descriptor, path: path, to: end)
            outcome.size = end
            outcome.tornLinePath = target
        } catch {
            outcome.needsNewline = true
            // One that lost nothing but its newline is a whole line again as soon as it gets one: its number is taken.
            if length <= Self.maximumFragment,
                let bytes = try? files.read(outcome.descriptor, path: path, offset: end, count: Int(length))
            {
                outcome.lastLine = max(outcome.lastLine, Self.number(ofLine: bytes[...]) ?? 0)
            }
        }
    }

    private func copy(
        _ descriptor: Int32, from start: Int64, length: Int64, to target: String
    ) throws(FileError) {
        let copy = try files.open(target)
        defer { files.close(copy) }
        var offset = start
        while offset < start + length {
            let wanted = Int(min(Int64(Self.chunk), start + length - offset))
            let bytes = try files.read(descriptor, path: path, offset: offset, count: wanted)
            if bytes.isEmpty { throw FileError(operation: "read", path: path, code: EIO) }
            offset += Int64(bytes.count)
            try writeAll(bytes, to: copy, path: target)
        }
        try writeAll([0x0A], to: copy, path: target)
        try files.synchronize(copy, path: target)
    }

    private func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            var result: Result<Int, FileError> = .success(0)
            rest.withUnsafeBytes { pointer in
                result = Result { () throws(FileError) in try files.append(pointer, to: descriptor, path: path) }
            }
            let count = try result.get()
            if count <= 0 { throw FileError(operation: "write", path: path, code: ENOSPC) }
            rest = rest.dropFirst(count)
        }
    }
}
