import MetricsRegistry

/// Answers scrapes: renders on a thread of its own, shares renderings, and limits how many are under way.
final class MetricsHandler: Sendable {
    /// Counts a scrape until its response has been sent or given up, and keeps the rendering that it sends.
    final class Ticket: Sendable {
        fileprivate struct State {
            var rendering: Rendering?
            var sendingSince: MonotonicTime?
            var isEvicted = false
        }

        fileprivate let state = Monitor(State())
        fileprivate let client: UInt64
        fileprivate let endConnection: @Sendable () -> Void
        private let onEnd: @Sendable (ObjectIdentifier) -> Void

        init(
            client: UInt64, endConnection: @escaping @Sendable () -> Void,
            onEnd: @escaping @Sendable (ObjectIdentifier) -> Void
        ) {
            self.client = client
            self.endConnection = endConnection
            self.onEnd = onEnd
        }

        deinit { onEnd(ObjectIdentifier(self)) }

        /// True, once, if the response has been on its way for longer than `patience`.
        fileprivate func evict(now: MonotonicTime, patience: Int) -> Bool {
            state.withLock { state in
                guard !state.isEvicted, let since = state.sendingSince,
                    now.milliseconds(since: since) >= patience
                else { return false }
                state.isEvicted = true
                return true
            }
        }

        /// True, once, however far the scrape has come.
        fileprivate func evict() -> Bool {
            state.withLock { state in
                defer { state.isEvicted = true }
                return !state.isEvicted
            }
        }

        fileprivate var isEvicted: Bool { state.withLock { $0.isEvicted } }
    }

    private struct Waiter {
        var acceptsGzip: Bool
        var ticket: Ticket
        var reply: @Sendable (Response) -> Void
    }

    private struct WeakTicket {
        weak var ticket: Ticket?
    }

    private struct State {
        /// Who waits for a rendering, by content type. An entry exists while a rendering is ordered or under way.
        var waiters: [String: [Waiter]] = [:]
        var tickets: [ObjectIdentifier: WeakTicket] = [:]
    }

    /// A response that its client has not taken for so long gives way when the limit is reached.
    private static let patienceMilliseconds = 1000
    private static let maximumFormats = 64

    private let source: any MetricsSource
    private let limit: Int
    private let pool = BufferPool(keep: 4)
    private let state = Monitor(State())
    private let thread = SerialThread(name: "exposition-scrape", capacity: maximumFormats)

    /// `limit` is how many scrapes may be under way at once; 0 is no limit.
    init(source: any MetricsSource, limit: Int) {
        self.source = source
        self.limit = limit
    }

    func stop() { thread.stop() }

    /// Scrapes under way.
    var count: Int { state.withLock { $0.tickets.count } }

    /// Orders a rendering, or joins the one under way for the same format.
    func handle(_ request: Request, now: MonotonicTime = .now(), reply: @escaping @Sendable (Response) -> Void) {
        guard let ticket = admit(request, now: now) else {
            reply(.text(503, "The limit of \(limit) concurrent scrapes has been reached; try again later."))
            return
        }
        let contentType = source.contentType(accepting: request.accept)
        let waiter = Waiter(
            acceptsGzip: AcceptEncoding.acceptsGzip(request.acceptEncoding), ticket: ticket, reply: reply)
        let isFirst = state.withLock { state in
            defer { state.waiters[contentType, default: []].append(waiter) }
            return state.waiters[contentType] == nil
        }
        guard isFirst, !thread.submit({ [self] in render(contentType) }) else { return }
        for waiter in state.withLock({ $0.waiters.removeValue(forKey: contentType) ?? [] }) {
            waiter.reply(.text(503, "Too many scrapes in different formats; try again later."))
        }
    }

    private func admit(_ request: Request, now: MonotonicTime) -> Ticket? {
        let ticket = Ticket(client: request.client, endConnection: request.endConnection) { [state] identifier in
            state.withLock { _ = $0.tickets.removeValue(forKey: identifier) }
        }
        let identifier = ObjectIdentifier(ticket)
        let isAdmitted = state.withLock { state in
            guard limit == 0 || state.tickets.count < limit else { return false }
            state.tickets[identifier] = WeakTicket(ticket: ticket)
            return true
        }
        if isAdmitted { return ticket }
        // Tickets are taken out of the lock before they are let go: their end takes it.
        let others = state.withLock { $0.tickets.values.compactMap(\.ticket) }
        guard let victim = Self.victim(among: others, for: request.client, now: now) else { return nil }
        state.withLock { $0.tickets[identifier] = WeakTicket(ticket: ticket) }
        victim.endConnection()
        return ticket
    }

    /// Who gives way: an answer that is not taken; or else one of the client that has the most under way, if it has more
    /// than the one that asks would have. So a crowd from one address is no matter to a scrape from another.
    private static func victim(among tickets: [Ticket], for client: UInt64, now: MonotonicTime) -> Ticket? {
        if let slow = tickets.first(where: { $0.evict(now: now, patience: patienceMilliseconds) }) { return slow }
        let byClient = Dictionary(grouping: tickets.filter { !$0.isEvicted }, by: \.client)
        guard let greediest = byClient.values.max(by: { $0.count < $1.count }),
            greediest.count > (byClient[client]?.count ?? 0) + 1
        else { return nil }
        return greediest.first { $0.evict() }
    }

    /// On the rendering thread: renders once, and compresses once if anybody asked for it.
    private func render(_ contentType: String) {
        let plain = Rendering(buffer: pool.take(), pool: pool)
        source.render(contentType: contentType, into: plain.buffer)
        // Those who came meanwhile share this rendering; from here on a new one is begun.
        let waiters = state.withLock { $0.waiters.removeValue(forKey: contentType) ?? [] }
        for waiter in waiters where !waiter.acceptsGzip { answer(waiter, contentType, plain, encoding: nil) }
        guard waiters.contains(where: \.acceptsGzip) else { return }
        let compressed = Rendering(buffer: pool.take(), pool: pool)
        let isCompressed = GzipCompressor.compress(plain.buffer.bytes, into: compressed.buffer)
        for waiter in waiters where waiter.acceptsGzip {
            answer(waiter, contentType, isCompressed ? compressed : plain, encoding: isCompressed ? "gzip" : nil)
        }
    }

    private func answer(_ waiter: Waiter, _ contentType: String, _ rendering: Rendering, encoding: String?) {
        waiter.ticket.state.withLock { state in
            state.rendering = rendering
            state.sendingSince = .now()
        }
        // The answer depends on both headers: a cache between must know (RFC 9110 section 12.5.5).
        var headers = [("Vary", "Accept, Accept-Encoding")]
        if let encoding { headers.append(("Content-Encoding", encoding)) }
        waiter.reply(
            Response(
                status: 200, contentType: contentType, headers: headers,
                body: .shared(rendering.buffer, ticket: waiter.ticket)))
    }
}
