internal import CMicrohttpd
internal import Glibc

/// One connection: its socket, and since when it has been doing what it does.
///
/// `@unchecked Sendable`: everything that varies is guarded by the census' lock.
final class ConnectionRecord: @unchecked Sendable {
    enum Phase: Int, CaseIterable {
        /// TLS has not been agreed upon yet.
        case handshaking
        /// No complete request has arrived: the connection is idle, or its client sends slowly.
        case receiving
        /// A request is being answered, and the client takes the answer.
        case answering
        /// An open response: ended by its follower, or by the idle timeout if its client stops reading.
        case following
    }

    let descriptor: Int32
    /// The daemon that serves it.
    let daemon: Int
    /// What its TLS session uses, which must not go before it.
    let credentials: TLSCredentials?
    /// Identifies the client for limits: an IPv4 address, or an IPv6 network of 64 bits.
    let client: UInt64
    /// Of TLS; set before the connection is counted, and kept beyond the handshake's end.
    var handshake: TLSHandshake?
    /// What the socket's watch calls it.
    var watched: UInt64 = 0
    fileprivate var phase = Phase.receiving
    fileprivate var since: MonotonicTime
    /// Grows with every phase; what a queue remembers of an earlier one is void.
    fileprivate var entry: UInt64 = 0
    fileprivate var isCounted = false

    init(
        descriptor: Int32, client: UInt64, daemon: Int = 0, credentials: TLSCredentials? = nil, now: MonotonicTime
    ) {
        self.credentials = credentials
        self.descriptor = descriptor
        self.daemon = daemon
        self.client = client
        since = now
    }
}

/// All connections of the server, so that those which take without giving can be closed.
///
/// libmicrohttpd stops accepting at its limit and has timeouts without progress only; ten thousand idle connections, or
/// one byte every few seconds, would keep everybody else out. A connection is ended by shutting down its socket: its
/// polling thread sees that and cleans up.
///
/// Each phase has a queue in the order in which its connections entered it, so that nothing is ever searched or sorted:
/// a polling thread holds the lock, and a crowd of connections must not make the others wait.
final class ConnectionCensus: Sendable {
    private struct State {
        var queues = [PhaseQueue](repeating: PhaseQueue(), count: ConnectionRecord.Phase.allCases.count)
        var count = 0
        /// Handshakes under way, by client and in total.
        var handshakes: [UInt64: Int] = [:]
        var handshaking = 0

        mutating func enqueue(_ record: ConnectionRecord) {
            record.entry += 1
            queues[record.phase.rawValue].append(record, live: count)
        }

        mutating func beginHandshake(_ record: ConnectionRecord) {
            record.phase = .handshaking
            handshaking += 1
            handshakes[record.client, default: 0] += 1
        }

        mutating func endHandshake(_ record: ConnectionRecord) {
            guard record.isCounted, record.phase == .handshaking, let others = handshakes[record.client] else { return }
            handshaking -= 1
            handshakes[record.client] = others > 1 ? others - 1 : nil
        }

        mutating func forget(_ record: ConnectionRecord) {
            guard record.isCounted else { return }
            endHandshake(record)
            record.isCounted = false
            record.entry += 1
            count -= 1
        }

        mutating func oldest(_ phase: ConnectionRecord.Phase) -> ConnectionRecord? { queues[phase.rawValue].first() }

        mutating func end(_ record: ConnectionRecord) {
            guard record.isCounted else { return }
            shutdown(record.descriptor, Int32(SHUT_RDWR))
            forget(record)
        }
    }

    private let state = Monitor(State())
    private let limit: Int
    private let limits: ServerLimits

    init(limits: ServerLimits) {
        self.limits = limits
        limit = limits.connections
    }

    var count: Int { state.withLock { $0.count } }

    /// Whether one more connection of `client` may begin; not while too many of its handshakes are under way.
    func admits(_ client: UInt64) -> Bool {
        state.withLock { $0.handshakes[client, default: 0] < limits.handshakesPerClient }
    }

    /// A connection has been accepted. Above nine tenths of the limit this closes the connections that have been
    /// without a complete request for the longest time. A few at once: others wait for the lock meanwhile.
    func add(_ record: ConnectionRecord) {
        state.withLock { state in
            record.isCounted = true
            state.count += 1
            if state.count > limit - max(1, limit / 10) { Self.makeRoom(&state, limit: limit) }
            guard record.handshake != nil else { return state.enqueue(record) }
            state.beginHandshake(record)
            state.enqueue(record)
            if state.handshakes[record.client, default: 0] > limits.handshakesPerClient {
                state.end(record)
            } else if state.handshaking > limits.handshakes, let oldest = state.oldest(.handshaking) {
                state.end(oldest)
            }
        }
    }

    /// The system is out of descriptors: closes connections as if the limit had been reached.
    func makeRoom() {
        state.withLock { Self.makeRoom(&$0, limit: limit) }
    }

    private static func makeRoom(_ state: inout State, limit: Int) {
        for _ in 0..<max(1, limit / 500) {
            guard let idle = state.oldest(.handshaking) ?? state.oldest(.receiving) else { return }
            state.end(idle)
        }
    }

    /// The socket is about to be closed: its number must not be used any more.
    func remove(_ record: ConnectionRecord) {
        state.withLock { $0.forget(record) }
    }

    func enter(_ phase: ConnectionRecord.Phase, _ record: ConnectionRecord, now: MonotonicTime) {
        state.withLock { state in
            state.endHandshake(record)
            record.phase = phase
            record.since = now
            // One that has been ended stays out.
            if record.isCounted { state.enqueue(record) }
        }
    }

    /// Ends one connection, if it still exists.
    func end(_ record: ConnectionRecord) {
        state.withLock { $0.end(record) }
    }

    /// Its client has sent all that it will ever send: sees to it that this is noticed once everything has been read.
    /// False where that has not come about yet.
    func tellEnd(of record: ConnectionRecord) -> Bool {
        state.withLock { _ in
            guard record.isCounted else { return true }
            guard cmicrohttpd_unread_bytes(record.descriptor) == 0 else { return false }
            // Changes nothing for a socket that has been read to its end, but makes the system tell of it once more.
            shutdown(record.descriptor, Int32(SHUT_RD))
            return true
        }
    }

    /// Ends connections whose handshake, request or answer has taken longer than it may; returns how many.
    @discardableResult
    func endOverdue(now: MonotonicTime) -> Int {
        state.withLock { state in
            var ended = 0
            for (phase, seconds) in [
                (ConnectionRecord.Phase.handshaking, limits.handshakeTimeoutSeconds),
                (.receiving, limits.exchangeTimeoutSeconds), (.answering, limits.exchangeTimeoutSeconds),
            ] {
                while let record = state.oldest(phase), now.milliseconds(since: record.since) > seconds * 1000 {
                    state.end(record)
                    ended += 1
                }
            }
            return ended
        }
    }
}

/// Records in the order in which they entered a phase. One that leaves stays where it is until it comes to the front, or
/// until such leftovers are the larger part.
private struct PhaseQueue {
    private var entries: [(record: ConnectionRecord, entry: UInt64)] = []
    private var start = 0

    /// `live` is how many records there are in all queues.
    mutating func append(_ record: ConnectionRecord, live: Int) {
        if entries.count > 2 * live + 64 {
            entries = entries[start...].filter { $0.record.entry == $0.entry }
            start = 0
        }
        entries.append((record, record.entry))
    }

    /// The record that has been in this phase for the longest time.
    mutating func first() -> ConnectionRecord? {
        while start < entries.count {
            let (record, entry) = entries[start]
            if record.entry == entry { return record }
            start += 1
        }
        entries.removeAll(keepingCapacity: true)
        start = 0
        return nil
    }
}
