internal import CMicrohttpd
internal import Glibc

/// Accepts connections on all listening sockets, on a thread of its own, and hands each to the daemon of its client.
/// Clients that have many connections give way to those that have few; with TLS, one that comes too often has to wait.
///
/// `@unchecked Sendable`: `start` and `stop` are called once each, one after the other; all else that varies belongs to
/// the thread.
final class Acceptor: @unchecked Sendable {
    private let sockets: [ListeningSocket]
    private let daemons: [HTTPDaemon]
    private let placement: ClientPlacement
    private let census: ConnectionCensus
    private let limits: ServerLimits
    private var pace: HandshakePace?
    /// Of clients that have many connections: handed over a few at a time, after all others that have come meanwhile.
    private var crowd: [Accepted] = []
    /// Those that have to wait, in the order in which they come up.
    private var waiting: [Accepted] = []
    private var waitingOf: [UInt64: Int] = [:]
    /// A pipe; its reading end is readable when it is time to stop.
    private let wakeup: (reading: Int32, writing: Int32)
    private var thread: ThreadHandle?

    private struct Accepted {
        var descriptor: Int32
        var address: sockaddr_storage
        var size: socklen_t
        var client: UInt64
        var due = MonotonicTime(nanoseconds: 0)
    }

    /// Connections of a client above which it is one of the crowd.
    private static let fewConnections = 16

    /// Takes over the sockets; nil if the system is out of descriptors, which closes them.
    init?(
        sockets: [ListeningSocket], daemons: [HTTPDaemon], placement: ClientPlacement, census: ConnectionCensus,
        limits: ServerLimits, isSecure: Bool
    ) {
        self.limits = limits
        if isSecure {
            pace = HandshakePace(
                burst: limits.handshakesPerClient, intervalMilliseconds: limits.handshakeIntervalMilliseconds)
        }
        self.sockets = sockets
        self.daemons = daemons
        self.placement = placement
        self.census = census
        var ends: [Int32] = [-1, -1]
        let failure = pipe2(&ends, O_CLOEXEC)
        wakeup = (ends[0], ends[1])
        guard failure == 0 else {
            for socket in sockets { socket.close() }
            return nil
        }
    }

    /// False if the system has no thread left.
    func start() -> Bool {
        thread = ThreadHandle(name: "exposition-in") { [self] in run() }
        return thread != nil
    }

    /// No further connections; those that there are go on.
    func stop() {
        close(wakeup.writing)
        thread?.join()
        for connection in crowd + waiting { close(connection.descriptor) }
        for socket in sockets { socket.close() }
        close(wakeup.reading)
    }

    private func run() {
        var waits = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        waits.append(pollfd(fd: wakeup.reading, events: Int16(POLLIN), revents: 0))
        while true {
            let timeout = waiting.first.map { Int32(clamping: $0.due.milliseconds(since: .now()) + 1) }
            let count = poll(&waits, nfds_t(waits.count), crowd.isEmpty ? timeout ?? -1 : 0)
            if waits[sockets.count].revents != 0 { return }
            addThoseThatAreDue()
            if count > 0 {
                for index in sockets.indices where waits[index].revents != 0 { acceptSome(from: sockets[index]) }
            }
            for connection in crowd.prefix(16) { add(connection) }
            crowd.removeFirst(min(16, crowd.count))
        }
    }

    /// Not more than some before the other sockets have their turn.
    private func acceptSome(from socket: ListeningSocket) {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        for _ in 0..<256 where crowd.count < 1024 {
            guard placement.count + crowd.count < limits.connections else {
                // Those that the census has ended are not gone yet.
                census.makeRoom()
                _ = waitsForStop(milliseconds: 10)
                return
            }
            var address = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = withUnsafeMutablePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    accept4(socket.descriptor, $0, &size, flags)
                }
            }
            if descriptor >= 0 {
                take(descriptor, address, size)
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOMEM, ENOBUFS:
                // The connection stays in the backlog; poll would come back at once, and again.
                census.makeRoom()
                _ = waitsForStop(milliseconds: 50)
                return
            default: return
            }
        }
    }

    /// Lets time pass; true where it is time to stop.
    private func waitsForStop(milliseconds: Int32) -> Bool {
        var waits = pollfd(fd: wakeup.reading, events: Int16(POLLIN), revents: 0)
        return poll(&waits, 1, milliseconds) > 0
    }

    private func take(_ descriptor: Int32, _ address: sockaddr_storage, _ size: socklen_t) {
        var connection = Accepted(
            descriptor: descriptor, address: address, size: size, client: withPointer(to: address, ClientKey.make))
        let client = connection.client
        guard pace != nil else { return handOver(connection) }
        guard census.admits(client), waitingOf[client, default: 0] < limits.handshakesPerClient,
            waiting.count < limits.handshakes
        else {
            close(descriptor)
            return
        }
        let now = MonotonicTime.now()
        guard let due = pace?.grant(client, now: now), due > now else { return handOver(connection) }
        connection.due = due
        waiting.insert(connection, at: (waiting.lastIndex { $0.due <= due } ?? -1) + 1)
        waitingOf[client, default: 0] += 1
    }

    private func handOver(_ connection: Accepted) {
        if placement.connections(of: connection.client) < Self.fewConnections {
            add(connection)
        } else {
            crowd.append(connection)
        }
    }

    private func addThoseThatAreDue() {
        let now = MonotonicTime.now()
        let due = waiting.prefix { $0.due <= now }
        waiting.removeFirst(due.count)
        for entry in due {
            let others = waitingOf[entry.client, default: 0]
            waitingOf[entry.client] = others > 1 ? others - 1 : nil
            handOver(entry)
        }
    }

    private func add(_ connection: Accepted) {
        // A TLS handshake is several small writes; each would wait for the client to acknowledge the one before.
        var one: Int32 = 1
        setsockopt(
            connection.descriptor, Int32(IPPROTO_TCP), Int32(TCP_NODELAY), &one, socklen_t(MemoryLayout<Int32>.size))
        SendBuffer.bound(connection.descriptor)
        let daemon = daemons[placement.daemon(for: connection.client)]
        // The descriptor belongs to the daemon now, which closes it if it cannot serve it.
        withPointer(to: connection.address) { daemon.add(connection.descriptor, $0, connection.size) }
    }

    private func withPointer<Result>(
        to address: sockaddr_storage, _ body: (UnsafePointer<sockaddr>) -> Result
    ) -> Result {
        withUnsafePointer(to: address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
}
