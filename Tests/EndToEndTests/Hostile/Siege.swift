import Foundation
import Glibc
import Testing

/// `holdfast run` with a stream that is attacked and one that is not, and what must hold afterwards for both.
final class Siege {
    let gateway: MockGateway
    let exporter: Exporter
    private let good: Peer
    private var sent = 0
    private var residentBefore = 0

    /// What an attack may cost beyond what the program had when both streams were set up, in bytes. Generous, because
    /// allocators keep what was given back; an attack that is not bounded costs a multiple of it.
    static let allowance = 64 << 20

    /// Factor of the attacks that consist of sheer number: they take their time.
    static let scale = ProcessInfo.processInfo.environment["HOSTILE_FULL"] == nil ? 1 : 10

    /// - Parameter tokenURL: where the attacked stream takes its token; the gateway itself where nil.
    init(tokenURL: String? = nil, connectTimeout: String = "30s") throws {
        gateway = try MockGateway()
        let folder = try Folder()
        exporter = try Exporter(
            """
            credentials:
              sound: {type: oauth2_client_credentials, token_url: "\(gateway.tokenURL)", client_id: c, client_secret: sound-secret}
              attacked:
                type: oauth2_client_credentials
                token_url: "\(tokenURL ?? gateway.tokenURL)"
                client_id: c
                client_secret: hush-hush-secret
            defaults:
              close_timeout: 500ms
              reorder_window: 50ms
              max_message_size: 1MiB
              # The attacked stream comes back at leisure: one attempt is what is looked at.
              backoff: {base: 1h, cap: 1h, jitter: {kind: none}, max_attempts: 0}
            streams:
              - name: good
                profile: genesys-architect
                url: "\(gateway.url("good"))"
                credential: sound
                subscriptions: [a]
              - name: attacked
                profile: genesys-architect
                url: "\(gateway.url("attacked"))"
                credential: attacked
                subscriptions: [a]
                connect_timeout: \(connectTimeout)
            audit: {stdout: false, file: {path: \(folder.file("audit.jsonl")), fsync: never}}
            """, in: folder)
        good = try gateway.live("good").peer
        try exporter.wait("holdfast_stream_up", "good", is: 1)
        residentBefore = try memory("VmRSS")
        // The peak is counted from here on.
        try? "5".write(toFile: "/proc/\(pid)/clear_refs", atomically: false, encoding: .ascii)
    }

    private var pid: Int32 { exporter.program.process.processIdentifier }

    /// A line of the process's status, in bytes.
    private func memory(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    /// The attacked stream's handshake, as it came.
    func arrival() throws -> MockGateway.Arrival { try gateway.next("attacked") }

    /// The attacked stream, live.
    func live() throws -> Peer {
        let peer = try gateway.live("attacked").peer
        try exporter.wait("holdfast_stream_up", "attacked", is: 1)
        return peer
    }

    /// The good stream goes on: `count` messages more, and all of them counted.
    func demandProgress(_ count: Int = 20) throws {
        try good.send((sent + 1...sent + count).map(Peer.event))
        sent += count
        try exporter.wait("holdfast_last_sequence", "good", is: Double(sent))
    }

    /// The attacked stream has failed or was lost for `reason`, which the trail names too.
    @discardableResult
    func demandReason(
        _ metric: String, _ reason: String, event: String, detail: String = "",
        location: SourceLocation = #_sourceLocation
    ) throws -> TrailLine {
        try exporter.scrape(until: "\(metric) for \(reason)") { $0[metric, "attacked", ["reason": reason]] == 1 }
        let line = try exporter.waitForLine(event, "attacked")
        #expect(line["cause"] == .string(reason), sourceLocation: location)
        #expect(
            detail.isEmpty || line.bytes.contains(detail), "\(line.bytes) does not say “\(detail)”",
            sourceLocation: location)
        #expect(line.bytes.utf8.count < 4096, "a line of \(line.bytes.utf8.count) bytes", sourceLocation: location)
        return line
    }

    /// The good stream was never disturbed, and the memory stayed within bounds.
    func end(location: SourceLocation = #_sourceLocation) throws {
        try demandProgress()
        let scrape = try exporter.scrape()
        for (metric, value) in [
            ("holdfast_stream_up", 1.0), ("holdfast_messages_received_total", Double(sent)),
            ("holdfast_messages_expected_total", Double(sent)), ("holdfast_messages_lost_total", 0),
            ("holdfast_sequence_gaps_total", 0), ("holdfast_connect_attempts_total", 1),
            ("holdfast_continuity_ratio", 1),
        ] {
            #expect(scrape[metric, "good"] == value, "\(metric)", sourceLocation: location)
        }
        let lost = scrape.all("holdfast_disconnects_total", ["stream": "good"]).map(\.value)
        #expect(lost.allSatisfy { $0 == 0 }, sourceLocation: location)
        let grown = try memory("VmHWM") - residentBefore
        #expect(grown < Self.allowance, "grew by \(grown >> 20) MiB", sourceLocation: location)
        #expect(!exporter.program.errors.contains("hush-hush-secret"), sourceLocation: location)
        #expect(try exporter.stop() == 0, sourceLocation: location)
        print("siege: \(location.fileID):\(location.line) grew by \(grown >> 10) KiB")
    }
}

/// A server that gives each connection to `serve`, once the request's head and announced body have come.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init(_ serve: @escaping @Sendable (Socket) throws -> Void) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Socket.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            // The general form of an address: the same bytes under another type.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) + listen(listener, 16) + getsockname(listener, $0, &length)
            }
        }
        guard result == 0 else { throw Trouble("the server cannot listen: \(String(cString: strerror(errno)))") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [listener] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                Thread.detachNewThread {
                    let socket = Socket(descriptor)
                    guard let (_, headers) = try? socket.readHead() else { return }
                    _ = try? socket.read(headers["content-length"].flatMap(Int.init) ?? 0)
                    // That the client ends the connection is what an attack is for.
                    try? serve(socket)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}
