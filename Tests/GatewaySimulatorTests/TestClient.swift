import Foundation
import GatewaySimulator
import NIOCore
import NIOPosix
import Testing
import WebSocketCodec

/// An answer as it came over the wire.
struct HTTPReply {
    var status: Int
    var headers: [String: String]
    var body: String
}

/// What a raw connection gives.
private final class ByteSource: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let bytes: AsyncStream<[UInt8]>
    private let continuation: AsyncStream<[UInt8]>.Continuation

    init() {
        (bytes, continuation) = AsyncStream.makeStream()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        continuation.finish()
        context.close(promise: nil)
    }
}

/// A connection of a test: bytes, and the little HTTP that the tests need.
final class RawConnection {
    let channel: any Channel
    private var iterator: AsyncStream<[UInt8]>.Iterator
    private(set) var buffered: [UInt8] = []

    init(port: Int) async throws {
        let source = ByteSource()
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(source) }
            .connect(host: "127.0.0.1", port: port).get()
        iterator = source.bytes.makeAsyncIterator()
    }

    func write(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Waits for more; false at the end.
    func more() async -> Bool {
        guard let bytes = await iterator.next() else { return false }
        buffered += bytes
        return true
    }

    func take(_ count: Int) -> [UInt8] {
        defer { buffered.removeFirst(count) }
        return Array(buffered.prefix(count))
    }

    func takeAll() -> [UInt8] {
        take(buffered.count)
    }

    /// Reads an answer's head, and its body where it tells the length.
    func reply(bodyExpected: Bool = true) async throws -> HTTPReply {
        let end: [UInt8] = [13, 10, 13, 10]
        var headEnd: Int?
        while headEnd == nil {
            headEnd = buffered.indices.first { buffered[$0...].starts(with: end) }
            if headEnd == nil { try #require(await more(), "the connection ended before an answer") }
        }
        let head = String(decoding: take(try #require(headEnd) + 4), as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description
        }
        let status = try #require(Int(lines[0].split(separator: " ")[1]))
        let length = bodyExpected ? Int(headers["content-length"] ?? "0") ?? 0 : 0
        while buffered.count < length { try #require(await more(), "the connection ended inside a body") }
        return HTTPReply(status: status, headers: headers, body: String(decoding: take(length), as: UTF8.self))
    }
}

/// What a WebSocket gives.
enum TestFrame: Equatable {
    case text(String)
    case pong
    case close(code: UInt16, reason: String)
    case violation(WebSocketError.Kind)
    case end
}

/// A WebSocket of a test, made of the codec.
final class TestSocket {
    let connection: RawConnection
    private var decoder = WebSocketDecoder(role: .client, maxMessageSize: 1 << 20, deflate: nil)
    private var encoder = WebSocketEncoder(role: .client, deflate: nil)
    private var frames: [TestFrame] = []

    private init(_ connection: RawConnection) {
        self.connection = connection
    }

    static func handshake(_ path: String, headers: [String: String] = [:]) -> [UInt8] {
        var lines = ["GET \(path) HTTP/1.1", "Host: test", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += headers.map { "\($0.key): \($0.value)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Opens a WebSocket; `early` goes out in the same segment as the handshake.
    static func open(
        _ path: String, on gateway: GatewaySimulator, headers: [String: String] = [:], early: String? = nil
    ) async throws -> TestSocket {
        let socket = TestSocket(try await RawConnection(port: gateway.port))
        var bytes = handshake(path, headers: headers)
        if let early { bytes += socket.encoded(early) }
        try await socket.connection.write(bytes)
        let reply = try await socket.connection.reply()
        try #require(reply.status == 101, "\(reply)")
        try #require(reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        return socket
    }

    private func encoded(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var text = text
        text.withUTF8 {
            encoder.encode(.text, UnsafeRawBufferPointer($0), maskingKey: 0x1234_5678, into: &bytes)
        }
        return bytes
    }

    func send(_ text: String) async throws {
        try await connection.write(encoded(text))
    }

    func ping() async throws {
        var bytes: [UInt8] = []
        [UInt8]("hi".utf8).withUnsafeBytes { encoder.ping($0, maskingKey: 1, into: &bytes) }
        try await connection.write(bytes)
    }

    func close() async throws {
        try await connection.channel.close()
    }

    func next() async -> TestFrame {
        while frames.isEmpty {
            if connection.buffered.isEmpty, !(await connection.more()) { return .end }
            var collector = Collector()
            var violation: WebSocketError.Kind?
            connection.takeAll().withUnsafeBytes { bytes in
                do throws(WebSocketError) {
                    try decoder.decode(bytes, into: &collector)
                } catch {
                    violation = error.kind
                }
            }
            frames += collector.frames
            if let violation { frames.append(.violation(violation)) }
        }
        return frames.removeFirst()
    }

    /// The next `count` texts.
    func texts(_ count: Int) async throws -> [String] {
        var texts: [String] = []
        while texts.count < count {
            let frame = await next()
            guard case .text(let text) = frame else {
                Issue.record("expected text, got \(frame) after \(texts)")
                throw CancellationError()
            }
            texts.append(text)
        }
        return texts
    }

    /// The sequence numbers of the next `count` texts.
    func sequences(_ count: Int) async throws -> [Int] {
        try await texts(count).map { text in
            let after = try #require(text.range(of: "\"sequence\":")?.upperBound, "no sequence in \(text)")
            return try #require(Int(text[after...].prefix { $0.isNumber }))
        }
    }

    private struct Collector: WebSocketReceiver {
        var frames: [TestFrame] = []
        mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
            frames.append(.text(String(decoding: payload, as: UTF8.self)))
        }
        mutating func receivedPing(_ payload: UnsafeRawBufferPointer) {}
        mutating func receivedPong(_ payload: UnsafeRawBufferPointer) { frames.append(.pong) }
        mutating func receivedClose(code: UInt16, reason: String) {
            frames.append(.close(code: code, reason: reason))
        }
    }
}

extension GatewaySimulator {
    /// Options of a gateway where nothing happens by itself.
    static var quiet: Options {
        var options = Options()
        options.clients = ["client": "secret"]
        options.staticTokens = ["good"]
        options.eventRate = 0
        options.heartbeatInterval = .zero
        return options
    }

    /// Runs `body` with a gateway, and stops that afterwards.
    static func with(
        _ options: Options = quiet, _ body: (GatewaySimulator) async throws -> Void
    ) async throws {
        let gateway = try await start(options: options)
        do {
            try await body(gateway)
        } catch {
            await gateway.stop()
            throw error
        }
        await gateway.stop()
    }

    /// Sends a request on a connection of its own.
    func request(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String = ""
    ) async throws -> HTTPReply {
        let connection = try await RawConnection(port: port)
        var lines = ["\(method) \(path) HTTP/1.1", "Host: test:1", "Content-Length: \(body.utf8.count)"]
        lines += headers.map { "\($0.key): \($0.value)" }
        try await connection.write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8))
        let reply = try await connection.reply(bodyExpected: method != "HEAD")
        try? await connection.channel.close()
        return reply
    }

    /// Tries a handshake, which is expected to be refused.
    func refusedHandshake(_ path: String, headers: [String: String] = [:]) async throws -> HTTPReply {
        let connection = try await RawConnection(port: port)
        try await connection.write(TestSocket.handshake(path, headers: headers))
        let reply = try await connection.reply()
        try? await connection.channel.close()
        return reply
    }
}
