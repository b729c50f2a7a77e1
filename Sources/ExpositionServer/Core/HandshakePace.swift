/// When a client's next TLS handshake may begin.
///
/// A handshake costs a server a millisecond of computation and its client hardly anything: who comes again and again is
/// made to wait, instead of having all the processor that it can take. A burst is free; then one is due every interval.
struct HandshakePace {
    private static let maximumClients = 4096

    private let burst: Int
    private let interval: Int
    /// When all that a client has been granted will have been paid for.
    private var paid: [UInt64: MonotonicTime] = [:]

    init(burst: Int, intervalMilliseconds: Int) {
        self.burst = max(1, burst)
        interval = max(1, intervalMilliseconds)
    }

    /// Grants `client` one more handshake, and says from when on.
    mutating func grant(_ client: UInt64, now: MonotonicTime) -> MonotonicTime {
        if paid.count >= Self.maximumClients, paid[client] == nil {
            paid = paid.filter { $0.value > now }
            // A crowd of clients that are all in debt: nobody's is remembered.
            if paid.count >= Self.maximumClients { paid.removeAll() }
        }
        let due = max(now, paid[client] ?? now).advanced(byMilliseconds: interval)
        paid[client] = due
        return now.advanced(byMilliseconds: due.milliseconds(since: now) - burst * interval)
    }
}
