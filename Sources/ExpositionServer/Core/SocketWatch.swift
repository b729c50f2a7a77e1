// A descriptor is only given to epoll while its connection lives: `add`, `await` and `remove` are called on its polling
// thread, before libmicrohttpd closes it.

internal import CMicrohttpd
internal import Glibc

/// Waits for sockets, on a thread of its own, where libmicrohttpd 0.9.75 asks again and again, or not at all:
///
/// - A TLS handshake whose client takes its time keeps libmicrohttpd's thread busy, round after round. The connection is
///   suspended instead, and resumed when there is something to read.
/// - A client that ends its side right behind its last bytes is not noticed: a read that got less than it had room for
///   makes libmicrohttpd wait for another event, and there is none. It is given one.
///
/// `@unchecked Sendable`: `start` and `stop` are called once each, one after the other; what else varies has a lock.
final class SocketWatch: @unchecked Sendable {
    private struct State {
        var records: [UInt64: ConnectionRecord] = [:]
        var last = SocketWatch.wakeup
    }

    /// A connection whose client has ended its side, and whose last bytes nobody has read yet.
    private struct Unread {
        var record: ConnectionRecord
        var due: MonotonicTime
        var milliseconds = 10
    }

    /// Stands for the pipe in what epoll tells.
    private static let wakeup: UInt64 = 0
    private static let longestWaitMilliseconds = 1000

    private let census: ConnectionCensus
    private let state = Monitor(State())
    private var epoll: Int32 = -1
    /// A pipe; its reading end tells that it is time to stop.
    private var ends: (reading: Int32, writing: Int32) = (-1, -1)
    private var thread: ThreadHandle?

    init(census: ConnectionCensus) { self.census = census }

    deinit { stop() }

    /// False if the system has no descriptor or thread left.
    func start() -> Bool {
        epoll = cmicrohttpd_epoll_create()
        var pipe: [Int32] = [-1, -1]
        guard epoll >= 0, pipe2(&pipe, O_CLOEXEC) == 0 else { return false }
        ends = (pipe[0], pipe[1])
        guard cmicrohttpd_epoll_ask(epoll, ends.reading, 1, 1, Self.wakeup) == 0 else { return false }
        thread = ThreadHandle(name: "exposition-wait") { [state, census, epoll] in Self.run(state, census, epoll) }
        return thread != nil
    }

    /// Every connection must have been removed.
    func stop() {
        for descriptor in [ends.writing] where descriptor >= 0 { close(descriptor) }
        thread?.join()
        for descriptor in [ends.reading, epoll] where descriptor >= 0 { close(descriptor) }
        (epoll, ends, thread) = (-1, (-1, -1), nil)
    }

    /// A connection has begun. One without a handshake is watched for the end of its client's side.
    func add(_ record: ConnectionRecord) {
        record.watched = state.withLock { state in
            state.last += 1
            state.records[state.last] = record
            return state.last
        }
        ask(record, isNew: true)
    }

    /// Resumes the connection's handshake when there is something to read, or its client has gone.
    func awaitBytes(_ record: ConnectionRecord) { ask(record, isNew: false) }

    /// The connection is about to be closed.
    func remove(_ record: ConnectionRecord) {
        _ = state.withLock { $0.records.removeValue(forKey: record.watched) }
        cmicrohttpd_epoll_forget(epoll, record.descriptor)
    }

    private func ask(_ record: ConnectionRecord, isNew: Bool) {
        let isHandshake = record.handshake != nil
        // Without the system's help the handshake is asked again and again, as it would be without this.
        if cmicrohttpd_epoll_ask(epoll, record.descriptor, isNew ? 1 : 0, isHandshake ? 1 : 0, record.watched) != 0 {
            record.handshake?.resume()
        }
    }

    private static func run(_ state: Monitor<State>, _ census: ConnectionCensus, _ epoll: Int32) {
        var identifiers = [UInt64](repeating: 0, count: 64)
        var unread: [Unread] = []
        while true {
            let now = MonotonicTime.now()
            let timeout = unread.map(\.due).min().map { Int32($0.milliseconds(since: now) + 1) }
            let count = cmicrohttpd_epoll_wait(epoll, &identifiers, timeout ?? -1)
            for identifier in identifiers.prefix(max(0, Int(count))) {
                if identifier == wakeup { return }
                guard let record = state.withLock({ $0.records[identifier] }) else { continue }
                if let handshake = record.handshake {
                    handshake.resume()
                } else {
                    unread.append(Unread(record: record, due: now))
                }
            }
            if !unread.isEmpty { tell(&unread, census) }
        }
    }

    private static func tell(_ unread: inout [Unread], _ census: ConnectionCensus) {
        let now = MonotonicTime.now()
        unread = unread.compactMap { entry in
            guard entry.due <= now else { return entry }
            if census.tellEnd(of: entry.record) { return nil }
            var later = entry
            later.due = now.advanced(byMilliseconds: entry.milliseconds)
            later.milliseconds = min(longestWaitMilliseconds, 2 * entry.milliseconds)
            return later
        }
    }
}
