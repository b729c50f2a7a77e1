import ExpositionServer
import Glibc
import MetricsRegistry

extension FuzzTarget {
    /// The bytes of a client, sent to a real server over a real socket.
    static let server = FuzzTarget(
        name: "server", seeds: ["Fuzzing/Corpus/server"],
        words: [
            "GET / HTTP/1.1\r\n", "Host: a\r\n", "\r\n", "\r\n\r\n", "Content-Length: ",
            "Transfer-Encoding: chunked\r\n", "0\r\n\r\n",
            "POST /-/reload HTTP/1.1\r\n", "HEAD ", "HTTP/1.0", "HTTP/1.9", "Connection: close\r\n",
            "Expect: 100-continue\r\n", "%00",
            "Accept: application/openmetrics-text\r\n", "Accept-Encoding: gzip\r\n", "/api/v1/audit?limit=",
            "&follow=true", "\t", " ", "\u{0}",
            "Authorization: Basic YTpi\r\n", "Range: bytes=0-\r\n", "Upgrade: h2c\r\n", "\n", "\r",
        ], mostBytes: 20_000, shortRun: 300
    ) { input in
        guard let server = FuzzedServer.shared else { throw Finding(description: "the server did not start") }
        let answer = try server.exchange(input)
        if !answer.isEmpty {
            try demand(answer.starts(with: "HTTP/1.".utf8), "no HTTP is answered: \(answer.prefix(40))")
            let head = answer.prefix { $0 != 0 }
            try demand(head.contains(0x0A) || head.count == answer.count, "a head with a zero byte")
        }
        let health = try server.exchange(Array("GET /-/healthy HTTP/1.0\r\n\r\n".utf8))
        try demand(health.starts(with: "HTTP/1.1 200".utf8), "another client is answered \(health.prefix(40))")
    }
}

/// A server with nothing behind it, which is started once.
private final class FuzzedServer: Sendable {
    private let server: ExpositionServer
    private let port: UInt16

    static let shared = try? FuzzedServer()

    private struct NoMetrics: MetricsSource {
        func contentType(accepting accept: String?) -> String { Negotiation.choose(accept: accept).contentType }
        func exposition(contentType: String) -> Exposition {
            let text = ExpositionBuffer()
            text.append(Array("up 1\n".utf8))
            return Exposition(text)
        }
    }

    private struct NoExporter: ExporterAPI {
        func indexPage(number: Int) async -> [UInt8] { Array("<!doctype html>\(number)".utf8) }
        func unreadyReason() -> String? { nil }
        func reload() async throws {}
        func reconnect(stream: String) async -> ReconnectOutcome { .unknownStream }
        func streamsJSON(withHistory: Bool) async -> [UInt8] { Array("{}".utf8) }
        func auditLines(matching query: AuditQuery) async -> [UInt8] { Array("{\"line\":1}\n".utf8) }
        func followAudit(
            matching query: AuditQuery, deliver: @escaping @Sendable (_ line: [UInt8]) -> Void
        ) async -> AuditTail { AuditTail(newest: Array("{\"line\":1}\n".utf8)) {} }
        func followerDropped(lines: Int) {}
    }

    private init() throws {
        var options = ExpositionServer.Options()
        options.lifecycleEnabled = true
        options.limits.idleTimeoutSeconds = 3600
        options.limits.exchangeTimeoutSeconds = 3600
        server = ExpositionServer(options: options, metrics: NoMetrics(), api: NoExporter())
        try server.start(listenAddresses: [ListenAddress(host: "127.0.0.1", port: 0)])
        guard let address = server.boundAddresses.first else { throw Finding(description: "no address") }
        port = address.port
    }

    /// Sends `bytes` and ends its side; the first part of what is answered, empty where the server only closed. One of
    /// both comes within a minute, long before any other limit could end the connection.
    func exchange(_ bytes: [UInt8]) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try demand(descriptor >= 0, "no socket: \(errno)")
        defer { close(descriptor) }
        // Many connections follow one another: a reset leaves no port waiting.
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            // The general form of an address: the same bytes under another type.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try demand(connected == 0, "no connection: \(errno)")
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { rest in
                uninterrupted { send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL)) }
            }
            guard count > 0 else { break }
            sent += count
        }
        shutdown(descriptor, Int32(SHUT_WR))
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = uninterrupted { poll(&wanted, 1, 60_000) }
        try demand(ready > 0, "neither an answer nor an end within a minute: \(ready), \(errno)")
        var answer = [UInt8](repeating: 0, count: 16_384)
        let count = uninterrupted { recv(descriptor, &answer, answer.count, 0) }
        return Array(answer.prefix(max(count, 0)))
    }

    /// Calls again what a signal interrupted: libFuzzer looks at its clock by one, every few seconds.
    private func uninterrupted<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}
