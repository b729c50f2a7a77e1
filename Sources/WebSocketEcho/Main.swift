// The unsafe pointers to payloads are valid during the call, and only handed on in it.

import Glibc
import NIOCore
import NIOPosix
import WebSocketCodec
import WebSocketTransport

/// An echo client for the Autobahn WebSocket test suite: it runs every case that the server has, sending back each
/// message, and then asks for the report.
///
///     websocket-echo ws://127.0.0.1:9001
@main
enum EchoClient {
    /// As the suite's reports call us.
    private static let agent = "holdfast"
    /// The suite's own limit on the time of a case, at most 480 s, is below this.
    private static let caseTimeout: TimeAmount = .seconds(600)
    private static let maxCases = 10_000

    static func main() {
        guard CommandLine.arguments.count == 2, !CommandLine.arguments[1].hasPrefix("-") else {
            complain("usage: websocket-echo ws://HOST:PORT")
            exit(64)
        }
        do {
            try run(server: CommandLine.arguments[1])
        } catch {
            complain("websocket-echo: \(error)")
            exit(1)
        }
    }

    private static func run(server: String) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        func converse(_ path: String) throws -> Conversation {
            try EchoConnection.run(url: server + path, on: loop, within: caseTimeout).wait()
        }
        let answer = try converse("/getCaseCount").lastText ?? ""
        guard let count = Int(answer), (1...maxCases).contains(count) else {
            throw EchoError(description: "the server's case count is '\(answer.prefix(32))'")
        }
        for number in 1...count {
            do {
                _ = try converse("/runCase?case=\(number)&agent=\(agent)")
            } catch {
                // The report tells what the suite made of it; the other cases are still worth running.
                complain("case \(number): \(error)")
            }
        }
        _ = try converse("/updateReports?agent=\(agent)")
    }

    private static func complain(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}

/// What a conversation left behind.
struct Conversation: Sendable {
    var lastText: String?
}

/// Why a conversation did not come to its end.
struct EchoError: Error, CustomStringConvertible {
    let description: String
}

/// One connection that echoes until it is closed.
private final class EchoConnection: WebSocketDelegate {
    private let promise: EventLoopPromise<Conversation>
    private var conversation = Conversation()

    private init(promise: EventLoopPromise<Conversation>) {
        self.promise = promise
    }

    static func run(url: String, on loop: any EventLoop, within time: TimeAmount) -> EventLoopFuture<Conversation> {
        loop.flatSubmit {
            let promise = loop.makePromise(of: Conversation.self)
            do {
                var options = WebSocketOptions()
                options.maxMessageSize = 32 << 20
                options.takesContextOver = true
                options.maxOutboundBytes = 64 << 20
                let echo = EchoConnection(promise: promise)
                let connection = WebSocketConnection(
                    loop: loop, target: try ConnectTarget(url), options: options, delegate: echo)
                connection.start()
                let deadline = loop.assumeIsolated().scheduleTask(in: time) { connection.abort() }
                promise.futureResult.whenComplete { _ in deadline.cancel() }
            } catch {
                promise.fail(error)
            }
            return promise.futureResult
        }
    }

    func webSocketOpened(_ connection: WebSocketConnection, _ opening: WebSocketOpening) {}

    func webSocketFailed(_ connection: WebSocketConnection, _ failure: DialFailure) {
        promise.fail(failure)
    }

    func webSocketReceived(
        _ connection: WebSocketConnection, _ kind: MessageKind, _ payload: UnsafeRawBufferPointer
    ) {
        if kind == .text, payload.count <= 64 { conversation.lastText = String(decoding: payload, as: UTF8.self) }
        do {
            try connection.send(kind, payload)
        } catch WebSocketSendError.backlog {
            connection.abort()
        } catch {
            // Closing already: what still arrives is not echoed.
        }
    }

    func webSocketReceivedPong(_ connection: WebSocketConnection, _ payload: UnsafeRawBufferPointer) {}

    func webSocketReadCompleted(_ connection: WebSocketConnection) {}

    func webSocketClosed(_ connection: WebSocketConnection, _ closure: WebSocketClosure) {
        promise.succeed(conversation)
    }
}
