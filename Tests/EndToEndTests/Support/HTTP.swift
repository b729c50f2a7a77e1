import Foundation
import Glibc

/// A connected TCP socket that blocks, with a generous limit on each wait.
final class Socket {
    let descriptor: Int32
    private var isOpen = true
    /// What was read and not yet taken.
    private var buffer: [UInt8] = []

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: Int(patience), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    convenience init(port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(port)
        let result = withUnsafePointer(to: &address) { pointer in
            // `connect` takes the general form of an address: the same bytes under another type.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 {
            let code = errno
            Glibc.close(descriptor)
            throw Trouble("connect to port \(port): \(String(cString: strerror(code)))")
        }
        self.init(descriptor)
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }

    deinit { close() }

    /// Ends with FIN.
    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Ends with RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Trouble("write: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads more into the buffer; false at the end.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0, errno == ECONNRESET { return false }
        guard count >= 0 else { throw Trouble("read: \(String(cString: strerror(errno)))") }
        buffer += chunk[..<count]
        return count > 0
    }

    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try fill() else { throw Trouble("the peer closed the connection") }
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    func readToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { buffer = [] }
        return buffer
    }

    func readLine() throws -> String {
        while true {
            if let newline = buffer.firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[..<newline], as: UTF8.self)
                buffer.removeFirst(newline + 1)
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            guard try fill() else { throw Trouble("the peer closed the connection") }
        }
    }

    /// The first line and the headers of a request or an answer, names in small letters.
    func readHead() throws -> (line: String, headers: [String: String]) {
        let first = try readLine()
        var headers: [String: String] = [:]
        while true {
            let line = try readLine()
            if line.isEmpty { return (first, headers) }
            guard let colon = line.firstIndex(of: ":") else { throw Trouble("no header: \(line)") }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers[line[..<colon].lowercased()] = value
        }
    }
}

/// The answer to an HTTP request.
struct Answer {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
}

enum HTTP {
    static func request(
        _ method: String, _ port: UInt16, _ path: String, headers: [String: String] = [:], body: String = ""
    ) throws -> Answer {
        let socket = try Socket(port: port)
        try socket.write(Array(head(method, port, path, headers, body).utf8))
        let (line, fields) = try socket.readHead()
        let words = line.split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { throw Trouble("no status line: \(line)") }
        let body = method == "HEAD" ? try socket.readToEnd() : try readBody(socket, fields)
        return Answer(status: status, headers: fields, body: body)
    }

    static func head(
        _ method: String, _ port: UInt16, _ path: String, _ headers: [String: String], _ body: String
    ) -> String {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if method == "POST" || method == "PUT" { text += "Content-Length: \(body.utf8.count)\r\n" }
        return text + "\r\n" + body
    }

    private static func readBody(_ socket: Socket, _ headers: [String: String]) throws -> [UInt8] {
        if let length = headers["content-length"].flatMap(Int.init) { return try socket.read(length) }
        guard headers["transfer-encoding"] == "chunked" else { return try socket.readToEnd() }
        var body: [UInt8] = []
        while true {
            guard let size = Int(try socket.readLine(), radix: 16) else { throw Trouble("no chunk size") }
            if size == 0 { return body }
            body += try socket.read(size)
            _ = try socket.readLine()
        }
    }
}
