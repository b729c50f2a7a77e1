import Foundation
import Glibc

/// A gateway on plain sockets: it hands out tokens, and gives every handshake to the test, which plays the server.
/// It shares no code with the program and none with its simulator: another reading of the same protocol.
///
/// `@unchecked Sendable`: everything that can change is guarded by `condition`.
final class MockGateway: @unchecked Sendable {
    /// A handshake that waits for an answer.
    struct Arrival {
        let socket: Socket
        let path: String
        let query: String
        let headers: [String: String]
        /// Seconds on the monotonic clock.
        let time: Double

        /// The token of the query.
        var token: String { query.components(separatedBy: "access_token=").last?.components(separatedBy: "&")[0] ?? "" }

        /// Answers 101.
        func accept() throws -> Peer {
            let key = headers["sec-websocket-key"] ?? ""
            try socket.write(
                Array(
                    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Accept: \(WebSocketWire.acceptance(of: key))\r\n\r\n").utf8))
            return Peer(socket)
        }

        func refuse(_ status: Int, headers: String = "", body: String = "") throws {
            try socket.write(
                Array(
                    ("HTTP/1.1 \(status) No\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n"
                        + headers + "\r\n" + body).utf8))
            socket.close()
        }
    }

    /// How the token endpoint answers a request, by its number (1, 2, 3 …): status, headers, body; nil: a token.
    typealias TokenAnswer = (status: Int, headers: String, body: String)

    let port: UInt16
    private let listener: Int32
    private let condition = NSCondition()
    private var arrivals: [String: [Arrival]] = [:]
    private var handshakes = 0
    private var issued: [String] = []
    private var requests: [String] = []
    private var answers: [TokenAnswer] = []

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Socket.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            // The general form of an address: the same bytes under another type.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) + listen(listener, 128) + getsockname(listener, $0, &length)
            }
        }
        guard result == 0 else { throw Trouble("the mock cannot listen: \(String(cString: strerror(errno)))") }
        port = UInt16(bigEndian: address.sin_port)
        let thread = Thread { [weak self, listener] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                // A program that a test starts must not hold the connection open.
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                Thread.detachNewThread { [weak self] in self?.serve(Socket(descriptor)) }
            }
        }
        thread.start()
    }

    deinit {
        // `close` alone would leave the thread in `accept`.
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

    var tokenURL: String { "http://127.0.0.1:\(port)/oauth/token" }
    func url(_ stream: String) -> String { "ws://127.0.0.1:\(port)/\(stream)/api/v2/architect/websocket" }

    private func locked<Value>(_ body: () -> Value) -> Value {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }

    /// Every token that was issued, in order.
    var tokens: [String] { locked { issued } }
    /// The bodies of all token requests, with their `Authorization`.
    var tokenRequests: [String] { locked { requests } }
    /// Handshakes that came, answered or not.
    var handshakeCount: Int { locked { handshakes } }

    /// The next token requests are answered so; those after them with a token.
    func answerTokens(_ next: TokenAnswer...) { locked { answers = next } }

    private func serve(_ socket: Socket) {
        guard let (line, headers) = try? socket.readHead() else { return }
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 3 else { return }
        if words[0] == "POST" {
            let body = (try? socket.read(Int(headers["content-length"] ?? "") ?? 0)) ?? []
            let answer = locked { token(words[1], headers, String(decoding: body, as: UTF8.self)) }
            try? socket.write(Array(answer.utf8))
            socket.close()
            return
        }
        let parts = words[1].split(separator: "?", maxSplits: 1).map(String.init)
        let arrival = Arrival(
            socket: socket, path: parts[0], query: parts.count > 1 ? parts[1] : "", headers: headers, time: Self.now)
        locked {
            handshakes += 1
            arrivals[String(parts[0].split(separator: "/").first ?? ""), default: []].append(arrival)
            condition.broadcast()
        }
    }

    private func token(_ path: String, _ headers: [String: String], _ body: String) -> String {
        requests.append("\(path) \(headers["authorization"] ?? "") \(headers["content-type"] ?? "") \(body)")
        var answer: TokenAnswer
        if answers.isEmpty {
            issued.append("tok-\(issued.count + 1)-\(UUID().uuidString.lowercased())")
            let token = issued[issued.count - 1]
            answer = (200, "", #"{"access_token":"\#(token)","token_type":"bearer","expires_in":86399}"#)
        } else {
            answer = answers.removeFirst()
        }
        return "HTTP/1.1 \(answer.status) X\r\nContent-Type: application/json\r\nContent-Length: "
            + "\(answer.body.utf8.count)\r\nConnection: close\r\n\(answer.headers)\r\n\(answer.body)"
    }

    /// The next handshake of `stream`.
    func next(_ stream: String, within limit: TimeInterval = patience) throws -> Arrival {
        condition.lock()
        defer { condition.unlock() }
        let end = Date() + limit
        while true {
            if let first = arrivals[stream]?.first {
                arrivals[stream]?.removeFirst()
                return first
            }
            guard condition.wait(until: end) else { throw Trouble("no handshake of \(stream) within \(limit) s") }
        }
    }

    /// Handshakes of `stream` that wait.
    func waiting(_ stream: String) -> Int { locked { arrivals[stream]?.count ?? 0 } }

    // MARK: The architect's part

    static let ack = #"{"type":"subscriptionAck"}"#
    static let reconnectAck = #"{"type":"reconnectAck"}"#

    /// Takes the next connection of `stream` as far as live; gives what it sent on open.
    func live(_ stream: String, ack: String = MockGateway.ack) throws -> (peer: Peer, opening: String, arrival: Arrival)
    {
        let arrival = try next(stream)
        let peer = try arrival.accept()
        let opening = try peer.text()
        try peer.send(ack)
        return (peer, opening, arrival)
    }
}
