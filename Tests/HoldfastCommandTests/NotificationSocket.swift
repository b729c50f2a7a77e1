import Foundation
import Testing

/// What a service manager does: it takes datagrams on a Unix socket.
final class NotificationSocket {
    /// What `NOTIFY_SOCKET` says.
    let name: String
    private let descriptor: Int32
    private let folder: TemporaryFolder

    init(abstract: Bool = false) throws {
        folder = try TemporaryFolder()
        let path = folder.path + "/notify"
        name = abstract ? "@" + path : path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (abstract ? [0] : []) + Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // Of an abstract address every byte counts; systemd gives its exact length.
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let result = withUnsafePointer(to: &address) { [descriptor] pointer in
            // `bind` takes the general form of an address: the same bytes under another type.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(result == 0, "\(String(cString: strerror(errno)))")
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The next message, by its assignments.
    func next() throws -> [String: String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        try #require(count > 0, "no message came: \(String(cString: strerror(errno)))")
        let lines = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
        return Dictionary(
            lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
    }

    /// The next message that assigns `key`, and those before it.
    func next(with key: String) throws -> (message: [String: String], before: [[String: String]]) {
        var before: [[String: String]] = []
        while true {
            let message = try next()
            if message[key] != nil { return (message, before) }
            before.append(message)
        }
    }
}
