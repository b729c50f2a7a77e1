import Glibc
import MetricsRegistry
import Testing

@testable import ExpositionServer

/// An exporter whose answers are known, and which remembers what it was asked.
final class FakeExporter: ExporterAPI, Sendable {
    struct State {
        var unready: String?
        var reloadError: String?
        var reconnected: [String] = []
        var queries: [AuditQuery] = []
        var publish: [Int: @Sendable ([UInt8]) -> Void] = [:]
        var nextSubscription = 0
        var dropped = 0
        var cancelled = 0
    }

    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    let state = Monitor(State())
    let snapshot: String

    init(snapshot: String = "{\"line\":1}\n") { self.snapshot = snapshot }

    func indexPage(number: Int) async -> [UInt8] {
        Array("<!doctype html><title>Holdfast\(number == 1 ? "" : " \(number)")</title>".utf8)
    }
    func asset(named name: String) -> PageAsset? {
        guard name == "page.js" else { return nil }
        return PageAsset(
            contentType: "text/javascript; charset=utf-8", bytes: Array(repeating: UInt8(ascii: ";"), count: 4_000))
    }
    func unreadyReason() -> String? { state.withLock { $0.unready } }
    func reload() async throws {
        if let text = state.withLock({ $0.reloadError }) { throw Broken(description: text) }
    }
    func reconnect(stream: String) async -> ReconnectOutcome {
        guard stream.hasPrefix("queue") else { return .unknownStream }
        state.withLock { $0.reconnected.append(stream) }
        return stream == "queue-busy" ? .refused(reason: "It is stopping.") : .accepted
    }
    func streamsJSON(withHistory: Bool) async -> [UInt8] {
        Array((withHistory ? "{\"history\":[]}" : "{\"streams\":[]}").utf8)
    }
    func auditLines(matching query: AuditQuery) async -> [UInt8] {
        state.withLock { $0.queries.append(query) }
        return Array(snapshot.utf8)
    }
    func followAudit(
        matching query: AuditQuery, deliver: @escaping @Sendable ([UInt8]) -> Void
    ) async -> AuditTail {
        let number = state.update { state in
            state.queries.append(query)
            state.nextSubscription += 1
            state.publish[state.nextSubscription] = deliver
            return state.nextSubscription
        }
        return AuditTail(newest: Array(snapshot.utf8)) { [state] in
            state.update { state in
                state.publish[number] = nil
                state.cancelled += 1
            }
        }
    }
    func followerDropped(lines: Int) { state.update { $0.dropped += lines } }
    func dropNotice(lines: Int) -> [UInt8]? { Array("{\"missing\":\(lines)}\n".utf8) }

    func publish(_ line: String) {
        for deliver in state.withLock({ Array($0.publish.values) }) { deliver(Array(line.utf8)) }
    }

    /// Waits for `condition`, ten seconds at most.
    func waits(for condition: (State) -> Bool) -> Bool {
        state.wait(until: .now().advanced(byMilliseconds: 10_000)) { condition($0) ? true : nil } ?? false
    }
}

/// Metrics of a known size, which can be held back in the middle of a rendering.
final class FakeMetrics: MetricsSource, Sendable {
    struct State {
        var renderings = 0
        var isHeld = false
    }

    let state = Monitor(State())
    let body: [UInt8]

    init(bytes: Int = 0) {
        body = Array("up 1\n".utf8) + (0..<bytes).map { UInt8(truncatingIfNeeded: $0 % 50) + 0x30 }
    }

    func contentType(accepting accept: String?) -> String {
        accept?.contains("openmetrics") == true
            ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8"
    }

    func exposition(contentType: String) -> Exposition {
        state.update { $0.renderings += 1 }
        _ = state.wait(until: .now().advanced(byMilliseconds: 10_000)) { $0.isHeld ? nil : true }
        let text = ExpositionBuffer()
        text.append(body)
        return Exposition(text)
    }

    func hold() { state.update { $0.isHeld = true } }
    func release() { state.update { $0.isHeld = false } }
    func waits(for condition: (State) -> Bool) -> Bool {
        state.wait(until: .now().advanced(byMilliseconds: 10_000)) { condition($0) ? true : nil } ?? false
    }
}

/// A started server with its fakes.
struct TestServer {
    let exporter: FakeExporter
    let metrics: FakeMetrics
    let server: ExpositionServer
    let port: UInt16

    init(
        exporter: FakeExporter = FakeExporter(), metrics: FakeMetrics = FakeMetrics(), web: WebConfiguration? = nil,
        _ change: (inout ExpositionServer.Options) -> Void = { _ in }
    ) throws {
        self.exporter = exporter
        self.metrics = metrics
        var options = ExpositionServer.Options()
        options.limits.stopGraceMilliseconds = 100
        change(&options)
        server = ExpositionServer(options: options, web: web, metrics: metrics, api: exporter)
        try server.start(listenAddresses: [ListenAddress(host: "127.0.0.1", port: 0)])
        port = try #require(server.boundAddresses.first).port
    }

    func client(receiveBufferBytes: Int32? = nil) throws -> RawClient {
        try RawClient(port: port, receiveBufferBytes: receiveBufferBytes)
    }

    func answer(
        _ method: String, _ target: String, _ headers: [String] = [], body: String? = nil
    ) throws -> RawClient.Answer {
        let client = try client()
        client.request(method, target, headers, body: body)
        return try client.readAnswer(isHead: method == "HEAD")
    }

    /// What a client is still sent until its connection is ended for having taken too long. The sweep is repeated: the
    /// connection may not have been accepted yet.
    func textUntilOverdue(_ client: RawClient, milliseconds: Int = 61_000) throws -> String {
        client.setReceiveTimeout(milliseconds: 100)
        for _ in 0..<100 {
            server.tick(now: .now().advanced(byMilliseconds: milliseconds))
            if let text = try? client.read(through: "\u{FFFF}") { return text }
        }
        throw RawClient.Failure(description: "the connection has outlived its time")
    }
}

extension ExpositionServer {
    /// Waits until so many handshakes are suspended, a minute at most.
    func waits(forSuspendedHandshakes count: Int) -> Bool {
        for _ in 0..<60_000 {
            if suspendedHandshakes == count { return true }
            usleep(1000)
        }
        return false
    }
}
