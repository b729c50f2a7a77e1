internal import Glibc

/// One connection: its socket, and since when it has been doing what it does.
///
/// `@unchecked Sendable`: `phase` and `since` are guarded by the census' lock.
final class ConnectionRecord: @unchecked Sendable {
    enum Phase {
        /// No complete request has arrived: the connection is idle, or its client sends slowly.
        case receiving
        /// A request is being answered, and the client takes the answer.
        case answering
        /// An open response: ended by its follower, or by the idle timeout if its client stops reading.
        case following
    }

    let descriptor: Int32
    /// Identifies the client for limits: an IPv4 address, or an IPv6 network of 64 bits.
    let client: UInt64
    fileprivate var phase = Phase.receiving
    fileprivate var since: MonotonicTime

    init(descriptor: Int32, client: UInt64, now: MonotonicTime) {
        self.descriptor = descriptor
        self.client = client
        since = now
    }
}

/// All connections of the server, so that those which take without giving can be closed.
///
/// libmicrohttpd stops accepting at its limit and has timeouts without progress only; ten thousand idle connections, or
/// one byte every few seconds, would keep everybody else out. A connection is ended by shutting down its socket: its
/// polling thread sees that and cleans up.
final class ConnectionCensus: Sendable {
    private let records = Monitor<[ObjectIdentifier: ConnectionRecord]>([:])
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { records.withLock { $0.count } }

    /// A connection has been accepted. Above nine tenths of the limit this closes the connections that have been
    /// without a complete request for the longest time, a twentieth of the limit at once.
    func add(_ record: ConnectionRecord) {
        records.withLock { records in
            records[ObjectIdentifier(record)] = record
            guard records.count > limit - max(1, limit / 10) else { return }
            let idle = records.values.filter { $0.phase == .receiving && $0 !== record }
            for victim in idle.sorted(by: { $0.since < $1.since }).prefix(max(1, limit / 20)) {
                Self.end(victim)
                records.removeValue(forKey: ObjectIdentifier(victim))
            }
        }
    }

    /// The socket is about to be closed: its number must not be used any more.
    func remove(_ record: ConnectionRecord) {
        records.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(record)) }
    }

    func enter(_ phase: ConnectionRecord.Phase, _ record: ConnectionRecord, now: MonotonicTime) {
        records.withLock { _ in
            record.phase = phase
            record.since = now
        }
    }

    /// Ends one connection, if it still exists.
    func end(_ record: ConnectionRecord) {
        records.withLock { records in
            if records.removeValue(forKey: ObjectIdentifier(record)) != nil { Self.end(record) }
        }
    }

    /// Ends connections whose request or answer has taken longer than `milliseconds`; returns how many.
    @discardableResult
    func endOverdue(now: MonotonicTime, milliseconds: Int) -> Int {
        records.withLock { records in
            let overdue = records.values.filter {
                $0.phase != .following && now.milliseconds(since: $0.since) > milliseconds
            }
            for record in overdue {
                Self.end(record)
                records.removeValue(forKey: ObjectIdentifier(record))
            }
            return overdue.count
        }
    }

    private static func end(_ record: ConnectionRecord) {
        shutdown(record.descriptor, Int32(SHUT_RDWR))
    }
}
