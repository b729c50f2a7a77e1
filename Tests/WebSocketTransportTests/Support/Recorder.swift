import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import WebSocketCodec

@testable import WebSocketTransport

/// What a delegate heard, in the order in which it came.
enum Heard: Equatable, Sendable {
    case opened
    case text(String)
    case binary(Int)
    case pong([UInt8])
    case readCompleted
    case closed(WebSocketClosure.Origin, UInt16, String)
    case failed
}

/// The end of a connection, seen from the delegate.
struct Record: Sendable {
    var heard: [Heard] = []
    var opening: WebSocketOpening?
    var failure: DialFailure?
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0

    /// Without the ends of read batches, whose number depends on how TCP cuts the stream.
    var story: [Heard] { heard.filter { $0 != .readCompleted } }
}

/// Records a connection until it has ended. The hooks run on its event loop.
final class Recorder: WebSocketDelegate {
    struct Hooks: Sendable {
        var started: @Sendable (WebSocketConnection) -> Void = { _ in }
        var opened: @Sendable (WebSocketConnection) -> Void = { _ in }
        var text: @Sendable (WebSocketConnection, String) -> Void = { _, _ in }
    }

    private let hooks: Hooks
    private let promise: EventLoopPromise<Record>
    private var record = Record()

    private init(hooks: Hooks, promise: EventLoopPromise<Record>) {
        self.hooks = hooks
        self.promise = promise
    }

    /// Opens a connection and waits until it has ended.
    static func run(
        _ url: String, headers: [HTTPHeaderField] = [], options: WebSocketOptions = .test, hooks: Hooks = Hooks()
    ) async throws -> Record {
        let target = try ConnectTarget(url)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: Record.self)
            let recorder = Recorder(hooks: hooks, promise: promise)
            let connection = WebSocketConnection(
                loop: loop, target: target, headers: headers, options: options, delegate: recorder)
            connection.start()
            hooks.started(connection)
            return promise.futureResult
        }.get()
    }

    func webSocketOpened(_ connection: WebSocketConnection, _ opening: WebSocketOpening) {
        record.heard.append(.opened)
        record.opening = opening
        hooks.opened(connection)
    }

    func webSocketFailed(_ connection: WebSocketConnection, _ failure: DialFailure) {
        record.heard.append(.failed)
        record.failure = failure
        finish(connection)
    }

    func webSocketReceived(_ connection: WebSocketConnection, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        switch kind {
        case .text:
            let text = String(decoding: payload, as: UTF8.self)
            record.heard.append(.text(text))
            hooks.text(connection, text)
        case .binary: record.heard.append(.binary(payload.count))
        }
    }

    func webSocketReceivedPong(_ connection: WebSocketConnection, _ payload: UnsafeRawBufferPointer) {
        record.heard.append(.pong(Array(payload)))
    }

    func webSocketReadCompleted(_ connection: WebSocketConnection) {
        record.heard.append(.readCompleted)
    }

    func webSocketClosed(_ connection: WebSocketConnection, _ closure: WebSocketClosure) {
        record.heard.append(.closed(closure.origin, closure.code, closure.reason))
        finish(connection)
    }

    private func finish(_ connection: WebSocketConnection) {
        record.bytesReceived = connection.bytesReceived
        record.bytesSent = connection.bytesSent
        // One turn later, so that a call too many would still be recorded.
        connection.loop.assumeIsolated().execute { self.promise.succeed(self.record) }
    }
}

/// Lets a test say when the time to connect is over, instead of waiting for it.
final class Deadline: Sendable {
    private let connection = NIOLockedValueBox<NIOLoopBound<WebSocketConnection>?>(nil)

    var hooks: Recorder.Hooks {
        .init(started: { [self] started in
            connection.withLockedValue { $0 = NIOLoopBound(started, eventLoop: started.loop) }
        })
    }

    /// The time is over as soon as the connection has received `bytes` bytes. From any thread.
    func pass(afterBytes bytes: UInt64 = 0) {
        guard let bound = connection.withLockedValue({ $0 }) else { return }
        bound.eventLoop.execute {
            if bound.value.bytesReceived >= bytes {
                bound.value.deadlineReached()
            } else {
                // Not by `execute`: a task that queues itself again keeps the loop from reading.
                bound.eventLoop.scheduleTask(in: .milliseconds(1)) { self.pass(afterBytes: bytes) }
            }
        }
    }
}

extension WebSocketOptions {
    /// Without compression, so that frames can be read by hand, and with a short linger.
    static let test = WebSocketOptions(offersDeflate: false, lingerTimeout: .milliseconds(50))

    static func test(timeout: Duration) -> WebSocketOptions {
        var options = WebSocketOptions.test
        options.dial.connectTimeout = timeout
        return options
    }
}
