import Glibc

/// A client on a bare socket, which can also do what no HTTP library would.
///
/// Reading waits for events, for at most ten seconds: a test that hangs ends as a failure.
final class RawClient {
    let descriptor: Int32
    private var buffer: [UInt8] = []

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Connects to 127.0.0.1, from 127.0.0.1 or another address of the machine itself. A small receive buffer makes a
    /// client that does not read felt earlier.
    init(port: UInt16, receiveBufferBytes: Int32? = nil, source: UInt32 = 0x7F00_0001) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: \(errno)") }
        if var size = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        setReceiveTimeout(milliseconds: 10_000)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = source.bigEndian
        _ = withUnsafePointer(to: &own) { own in
            own.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let error = errno
            close(descriptor)
            throw Failure(description: "cannot connect: \(error)")
        }
    }

    deinit { close(descriptor) }

    func setReceiveTimeout(milliseconds: Int) {
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) { send(bytes: Array(text.utf8)) }

    func send(bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    func request(_ method: String, _ target: String, _ headers: [String] = [], body: String? = nil) {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: 127.0.0.1"] + headers
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
    }

    /// Reads more; false at the end of the stream.
    private func readMore() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            buffer += chunk[..<count]
            return true
        }
        if count == 0 || errno == ECONNRESET { return false }
        throw Failure(description: "no answer in time (errno \(errno))")
    }

    /// The bytes up to the end of `separator`, or to the end of the stream if it does not come.
    func read(through separator: String) throws -> String {
        let mark = Array(separator.utf8)
        var searched = 0
        while true {
            if let end = buffer.firstIndex(of: mark, from: searched) {
                defer { buffer.removeFirst(end + mark.count) }
                return String(decoding: buffer[..<(end + mark.count)], as: UTF8.self)
            }
            searched = max(0, buffer.count - mark.count)
            guard try readMore() else {
                defer { buffer = [] }
                return String(decoding: buffer, as: UTF8.self)
            }
        }
    }

    /// True when the server has closed the connection and nothing more is to be read.
    func isClosedByServer() throws -> Bool {
        while try readMore() {}
        return true
    }

    struct Answer {
        var status = 0
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []

        var text: String { String(decoding: body, as: UTF8.self) }

        subscript(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// The head of an answer.
    func readHead() throws -> Answer {
        let lines = try read(through: "\r\n\r\n").split(separator: "\r\n")
        guard let first = lines.first, let status = first.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Failure(description: "no status line: \(lines)") }
        var answer = Answer(status: status)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.headers.append((String(parts[0]), parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""))
        }
        return answer
    }

    /// A whole answer with a known length.
    func readAnswer(isHead: Bool = false) throws -> Answer {
        var answer = try readHead()
        guard !isHead, let length = answer["Content-Length"].flatMap({ Int($0) }) else { return answer }
        while buffer.count < length {
            guard try readMore() else { throw Failure(description: "the answer ended too early") }
        }
        answer.body = Array(buffer[..<length])
        buffer.removeFirst(length)
        return answer
    }

    /// One chunk of a chunked answer; nil at its end.
    func readChunk() throws -> String? {
        // The line's end is one character.
        let head = try read(through: "\r\n")
        guard let size = Int(head.dropLast(), radix: 16), size > 0 else { return nil }
        while buffer.count < size + 2 {
            guard try readMore() else { return nil }
        }
        defer { buffer.removeFirst(size + 2) }
        return String(decoding: buffer[..<size], as: UTF8.self)
    }

    /// Chunks until `text` has come; what was read.
    func readChunks(until text: String) throws -> String {
        var all = ""
        while !all.contains(text) {
            guard let chunk = try readChunk() else { break }
            all += chunk
        }
        return all
    }
}

extension [UInt8] {
    fileprivate func firstIndex(of mark: [UInt8], from start: Int) -> Int? {
        guard count >= mark.count else { return nil }
        guard start <= count - mark.count else { return nil }
        return (start...(count - mark.count)).first { index in
            self[index] == mark[0] && self[index..<index + mark.count].elementsEqual(mark)
        }
    }
}
