import MetricsRegistry

/// Answers scrapes: has values noted on a thread of its own, shares renderings, and limits how many are under way.
///
/// A scrape joins a rendering that is ordered or being made. It also joins one that is being sent already, the newest of
/// its format, if two are alive and this one is younger than ``freshMilliseconds``: scrapers that overlap share two
/// renderings instead of holding one each, and nobody is told what was true longer ago than that. A client that reads
/// slowly keeps its own rendering and nothing else: when that one is no longer fresh, the next scrape gets another. More
/// than ``maximumRenderings`` are not kept: those who have been reading the oldest for too long give way.
final class MetricsHandler: Sendable {
    private struct Waiter {
        var acceptsGzip: Bool
        var ticket: ScrapeTicket
        var reply: @Sendable (Response) -> Void
    }

    private struct WeakTicket {
        weak var ticket: ScrapeTicket?
    }

    private struct WeakRendering {
        weak var rendering: Rendering?
    }

    /// What responses must have in common to share a rendering.
    private struct Format: Hashable {
        var contentType: String
        var isCompressed: Bool
    }

    private struct State {
        /// Who waits for a rendering, by content type. An entry exists while a rendering is ordered or under way.
        var waiters: [String: [Waiter]] = [:]
        var tickets: [ObjectIdentifier: WeakTicket] = [:]
        var newest: [Format: WeakRendering] = [:]
    }

    private enum Course {
        case wait
        case order
        case join(Rendering)
    }

    /// A response that its client has not taken for so long gives way when a limit is reached.
    private static let patienceMilliseconds = 1000
    /// How old values may be that a further scrape is answered with.
    static let freshMilliseconds = 1000
    /// So many renderings may be alive before scrapes share them.
    private static let sharedFrom = 2
    /// So many are alive at most; young ones in different formats aside.
    static let maximumRenderings = 8
    private static let maximumFormats = 64

    private let source: any MetricsSource
    private let limit: Int
    private let pool = BufferPool(keep: 2)
    private let census = Rendering.Census()
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

    /// Renderings that are being sent.
    var renderings: Int { census.count }

    /// Orders a rendering, or joins one; see ``MetricsHandler``.
    func handle(_ request: Request, now: MonotonicTime = .now(), reply: @escaping @Sendable (Response) -> Void) {
        guard let ticket = admit(request, now: now) else {
            reply(.text(503, "The limit of \(limit) concurrent scrapes has been reached; try again later."))
            return
        }
        let contentType = source.contentType(accepting: request.accept)
        let waiter = Waiter(
            acceptsGzip: AcceptEncoding.acceptsGzip(request.acceptEncoding), ticket: ticket, reply: reply)
        switch course(of: waiter, contentType, now: now) {
        case .wait: return
        case .join(let rendering): answer(waiter, contentType, rendering)
        case .order:
            makeRoom(now: now)
            if thread.submit({ [self] in render(contentType) }) { return }
            for waiter in state.withLock({ $0.waiters.removeValue(forKey: contentType) ?? [] }) {
                waiter.reply(.text(503, "Too many scrapes in different formats; try again later."))
            }
        }
    }

    private func course(of waiter: Waiter, _ contentType: String, now: MonotonicTime) -> Course {
        state.withLock { state in
            if state.waiters[contentType] != nil {
                state.waiters[contentType]?.append(waiter)
                return .wait
            }
            let format = Format(contentType: contentType, isCompressed: waiter.acceptsGzip)
            if census.count + state.waiters.count >= Self.sharedFrom,
                let newest = state.newest[format]?.rendering,
                now.milliseconds(since: newest.noted) < Self.freshMilliseconds
            {
                return .join(newest)
            }
            state.waiters[contentType] = [waiter]
            return .order
        }
    }

    private func admit(_ request: Request, now: MonotonicTime) -> ScrapeTicket? {
        let ticket = ScrapeTicket(client: request.client, endConnection: request.endConnection) { [state] identifier in
            state.withLock { _ = $0.tickets.removeValue(forKey: identifier) }
        }
        let identifier = ObjectIdentifier(ticket)
        let isAdmitted = state.withLock { state in
            guard limit == 0 || state.tickets.count < limit else { return false }
            state.tickets[identifier] = WeakTicket(ticket: ticket)
            return true
        }
        if isAdmitted { return ticket }
        guard let victim = Self.victim(among: tickets, for: request.client, now: now) else { return nil }
        state.withLock { $0.tickets[identifier] = WeakTicket(ticket: ticket) }
        victim.endConnection()
        return ticket
    }

    /// Taken out of the lock before they are let go: their end takes it.
    private var tickets: [ScrapeTicket] { state.withLock { $0.tickets.values.compactMap(\.ticket) } }

    /// Who gives way: an answer that is not taken; or else one of the client that has the most under way, if it has more
    /// than the one that asks would have. So a crowd from one address is no matter to a scrape from another.
    private static func victim(
        among tickets: [ScrapeTicket], for client: UInt64, now: MonotonicTime
    ) -> ScrapeTicket? {
        if let slow = tickets.first(where: { $0.evict(now: now, patience: patienceMilliseconds) }) { return slow }
        let byClient = Dictionary(grouping: tickets.filter { !$0.isEvicted }, by: \.client)
        guard let greediest = byClient.values.max(by: { $0.count < $1.count }),
            greediest.count > (byClient[client]?.count ?? 0) + 1
        else { return nil }
        return greediest.first { $0.evict() }
    }

    /// Before a further rendering: where too many are alive, the oldest goes with those who still read it.
    private func makeRoom(now: MonotonicTime) {
        guard census.count >= Self.maximumRenderings else { return }
        let sending = tickets.compactMap { ticket in ticket.sending.map { (ticket: ticket, rendering: $0.rendering) } }
        guard let oldest = sending.min(by: { $0.rendering.noted < $1.rendering.noted })?.rendering else { return }
        for one in sending where one.rendering === oldest {
            if one.ticket.evict(now: now, patience: Self.patienceMilliseconds) { one.ticket.endConnection() }
        }
    }

    /// On the rendering thread: notes the values once, and compresses once if anybody asked for it.
    private func render(_ contentType: String) {
        let noted = MonotonicTime.now()
        let exposition = source.exposition(contentType: contentType)
        let plain = Rendering(.plain(exposition), noted: noted, census: census)
        // Those who came meanwhile share this rendering; from here on a new one may be begun.
        let waiters = state.withLock { state in
            let waiters = state.waiters.removeValue(forKey: contentType) ?? []
            // One that is only compressed is gone thereafter, and must not stand before one that is being sent.
            if waiters.contains(where: { !$0.acceptsGzip }) {
                state.newest[Format(contentType: contentType, isCompressed: false)] = WeakRendering(rendering: plain)
            }
            return waiters
        }
        for waiter in waiters where !waiter.acceptsGzip { answer(waiter, contentType, plain) }
        guard waiters.contains(where: \.acceptsGzip) else { return }
        let text = pool.take()
        let isCompressed = GzipCompressor.compress(exposition, into: text)
        let compressed = Rendering(.compressed(text, pool), noted: noted, census: census)
        if isCompressed {
            state.withLock {
                $0.newest[Format(contentType: contentType, isCompressed: true)] = WeakRendering(rendering: compressed)
            }
        }
        for waiter in waiters where waiter.acceptsGzip {
            answer(waiter, contentType, isCompressed ? compressed : plain)
        }
    }

    private func answer(_ waiter: Waiter, _ contentType: String, _ rendering: Rendering) {
        waiter.ticket.send(rendering)
        // The answer depends on both headers: a cache between must know (RFC 9110 section 12.5.5).
        var headers = [("Vary", "Accept, Accept-Encoding")]
        let body: Response.Body
        switch rendering.content {
        case .plain(let exposition): body = .exposition(exposition, ticket: waiter.ticket)
        case .compressed(let text, _):
            headers.append(("Content-Encoding", "gzip"))
            body = .shared(text, ticket: waiter.ticket)
        }
        waiter.reply(Response(status: 200, contentType: contentType, headers: headers, body: body))
    }
}
