internal import CMicrohttpd
internal import Glibc

/// Accepts connections on all listening sockets, on a thread of its own, and hands each to the daemon of its client.
///
/// `@unchecked Sendable`: `start` and `stop` are called once each, one after the other; nothing else varies.
final class Acceptor: @unchecked Sendable {
    private let sockets: [ListeningSocket]
    private let daemons: [HTTPDaemon]
    private let placement: ClientPlacement
    private let census: ConnectionCensus
    private let limit: Int
    /// A pipe; its reading end is readable when it is time to stop.
    private let wakeup: (reading: Int32, writing: Int32)
    private var thread: ThreadHandle?

    /// Takes over the sockets; nil if the system is out of descriptors, which closes them.
    init?(
        sockets: [ListeningSocket], daemons: [HTTPDaemon], placement: ClientPlacement, census: ConnectionCensus,
        limit: Int
    ) {
        self.limit = limit
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
        for socket in sockets { socket.close() }
        close(wakeup.reading)
    }

    private func run() {
        var waits = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        waits.append(pollfd(fd: wakeup.reading, events: Int16(POLLIN), revents: 0))
        while true {
            let count = poll(&waits, nfds_t(waits.count), -1)
            if waits[sockets.count].revents != 0 { return }
            guard count > 0 else { continue }
            for index in sockets.indices where waits[index].revents != 0 { acceptSome(from: sockets[index]) }
        }
    }

    /// Not more than a handful before the other sockets have their turn.
    private func acceptSome(from socket: ListeningSocket) {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        for _ in 0..<64 {
            guard placement.count < limit else {
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
                withUnsafePointer(to: &address) { address in
                    address.withMemoryRebound(to: sockaddr.self, capacity: 1) { add(descriptor, $0, size) }
                }
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

    private func add(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) {
        // A TLS handshake is several small writes; each would wait for the client to acknowledge the one before.
        var one: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), Int32(TCP_NODELAY), &one, socklen_t(MemoryLayout<Int32>.size))
        let client = ClientKey.make(address)
        guard census.admits(client) else {
            close(descriptor)
            return
        }
        let daemon = placement.daemon(for: client)
        // The descriptor belongs to the daemon now, which closes it if it cannot serve it.
        daemons[daemon].add(descriptor, address, size)
    }
}
