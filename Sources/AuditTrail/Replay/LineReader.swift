// The unsafe pointer is `read`'s, into a buffer that was made as long as it is told, and for the call alone.

internal import Glibc

/// Reads a file line by line, holding no more than one line of bounded length.
struct LineReader: ~Copyable {
    /// A line as it was read.
    enum Line {
        /// A line, without its newline.
        case whole(ArraySlice<UInt8>)
        /// A line longer than the limit; what it held is passed over.
        case tooLong
        /// What follows the last newline.
        case torn(ArraySlice<UInt8>)
    }

    private let descriptor: Int32
    private let path: String
    private let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private var isSkipping = false
    private var isAtEnd = false

    init(path: String, limit: Int) throws(FileError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw FileError(operation: "open", path: path, code: errno) }
        self.path = path
        self.limit = limit
    }

    deinit { close(descriptor) }

    /// The next line; nil at the end of the file.
    mutating func next() throws(FileError) -> Line? {
        while true {
            if let newline = buffer[scanned...].firstIndex(of: 0x0A) {
                let line = buffer[start..<newline]
                start = newline + 1
                scanned = start
                if isSkipping || line.count > limit {
                    isSkipping = false
                    return .tooLong
                }
                return .whole(line)
            }
            scanned = buffer.count
            if isAtEnd {
                let rest = buffer[start...]
                start = buffer.count
                if isSkipping {
                    isSkipping = false
                    return .tooLong
                }
                return rest.isEmpty ? nil : .torn(rest)
            }
            if buffer.count - start > limit { isSkipping = true }
            buffer.removeFirst(isSkipping ? buffer.count : start)
            start = 0
            scanned = buffer.count
            try fill()
        }
    }

    private mutating func fill() throws(FileError) {
        let size = 64 << 10
        let used = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: size))
        while true {
            let count = buffer.withUnsafeMutableBytes { bytes in
                Glibc.read(descriptor, bytes.baseAddress?.advanced(by: used), size)
            }
            if count < 0, errno == EINTR { continue }
            let code = errno
            buffer.removeLast(size - max(0, count))
            if count < 0 { throw FileError(operation: "read", path: path, code: code) }
            isAtEnd = count == 0
            return
        }
    }
}
