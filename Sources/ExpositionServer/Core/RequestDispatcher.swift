// The pointer to a connection is libmicrohttpd's: valid during the callback that it came with, and while the request is
// suspended. It is not kept beyond.

internal import CMicrohttpd
internal import Glibc

/// Takes requests from libmicrohttpd's polling threads to the routes, and answers back. All daemons share one.
final class RequestDispatcher: Sendable {
    let limits: ServerLimits
    let router: Router
    let authenticator: Authenticator?
    let census: ConnectionCensus
    let placement: ClientPlacement
    let gates = GateKeeper()
    /// The gates of handshakes, of which a stop does not wait for any.
    let handshakes = GateKeeper()
    let watch: SocketWatch
    private let active = Monitor(ActiveWeb())
    private let waiting = Monitor(0)

    /// Nil as `authenticator` where nobody ever has to log in.
    init(limits: ServerLimits, router: Router, authenticator: Authenticator?) {
        self.limits = limits
        self.router = router
        self.authenticator = authenticator
        census = ConnectionCensus(limits: limits)
        watch = SocketWatch(census: census)
        placement = ClientPlacement(daemons: limits.pollingThreads)
    }

    /// The web configuration in force.
    var web: ActiveWeb {
        get { active.withLock { $0 } }
        set { active.withLock { $0 = newValue } }
    }

    /// Called for the head of a request, for each part of its body, when it is complete, and after each suspension.
    func handle(
        _ connection: OpaquePointer, _ exchange: Exchange, method: String, received: Int
    ) -> MHD_Result {
        guard exchange.hasSeenHead else {
            exchange.hasSeenHead = true
            if let mistake = framingMistake(connection) {
                return queue(.text(400, mistake, headers: [("Connection", "close")]), connection, exchange)
            }
            // An answer at this point makes libmicrohttpd discard the body and close: only for a body we don't want.
            if let length = header(connection, "Content-Length"), (Int(length) ?? .max) > limits.requestBodyBytes {
                return queue(bodyTooLarge, connection, exchange)
            }
            return .YES
        }
        if received > 0 {
            exchange.bodyBytes += received
            // A body of unknown length cannot be answered while it comes; one that doesn't end is cut off.
            return exchange.bodyBytes > 16 * limits.requestBodyBytes ? .NO : .YES
        }
        if exchange.isCountedAsWaiting {
            exchange.isCountedAsWaiting = false
            waiting.withLock { $0 -= 1 }
        }
        switch exchange.takePhase() {
        case .receiving:
            if let record = exchange.record { census.enter(.answering, record, now: .now()) }
            return begin(connection, exchange, method: method)
        case .admitted:
            return route(connection, exchange, method: method)
        case .answered(let response):
            return queue(response, connection, exchange)
        case .waiting, .done:
            // Resumed without an answer: the gates have been opened for the stop.
            return queue(.shuttingDown, connection, exchange)
        }
    }

    /// What is wrong with the headers that say where the request ends; nil where they say it once and plainly. A proxy
    /// before this server may believe the other one of two: what follows must not be taken for a request then (RFC 9112
    /// sections 6.1 and 6.3).
    private func framingMistake(_ connection: OpaquePointer) -> String? {
        let length = header(connection, "Content-Length")
        guard let coding = header(connection, "Transfer-Encoding") else {
            // Two of them are joined by a comma.
            let isNumber = length.map { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } } ?? true
            return isNumber ? nil : "Content-Length must be one number."
        }
        if length != nil { return "Content-Length and Transfer-Encoding exclude each other." }
        return coding.lowercased() == "chunked" ? nil : "The only Transfer-Encoding that is understood is chunked."
    }

    /// The request has ended, whatever its end.
    func complete(_ exchange: Exchange) {
        if exchange.isCountedAsWaiting { waiting.withLock { $0 -= 1 } }
        exchange.end()
        gates.remove(exchange.gate)
        if let record = exchange.record { census.enter(.receiving, record, now: .now()) }
    }

    private var bodyTooLarge: Response {
        .text(413, "The body of the request is larger than \(limits.requestBodyBytes) bytes.")
    }

    /// The request is complete: is its client allowed to ask?
    private func begin(_ connection: OpaquePointer, _ exchange: Exchange, method: String) -> MHD_Result {
        guard exchange.bodyBytes <= limits.requestBodyBytes else { return queue(bodyTooLarge, connection, exchange) }
        if web.limiter?.allows(now: .now()) == false {
            return queue(.text(429, "Too many requests; the web configuration's rate_limit."), connection, exchange)
        }
        guard let authenticator else { return route(connection, exchange, method: method) }
        let client = exchange.record?.client ?? 0
        switch authenticator.check(header(connection, "Authorization"), client: client, now: .now()) {
        case .allowed: return route(connection, exchange, method: method)
        case .denied(let response): return queue(response, connection, exchange)
        case .unknown(let credentials):
            return wait(connection, exchange) {
                let isQueued = authenticator.verify(credentials, client: client) { denial in
                    exchange.resume(denial.map { .answered($0) } ?? .admitted)
                }
                if !isQueued {
                    exchange.resume(.answered(.text(503, "Too many logins are being verified; try again.")))
                }
            }
        }
    }

    private func route(_ connection: OpaquePointer, _ exchange: Exchange, method: String) -> MHD_Result {
        let target: RequestTarget
        do throws(RequestTarget.Mistake) {
            target = try RequestTarget(parsing: exchange.rawTarget)
        } catch {
            return queue(.text(400, error.description), connection, exchange)
        }
        switch router.match(method: method, segments: target.segments) {
        case .nothing:
            return queue(.text(404, "There is nothing at this path."), connection, exchange)
        case .otherMethods(let methods):
            let allowed = methods.joined(separator: ", ")
            let response = Response.text(
                405, "This path takes \(allowed) only.", headers: [("Allow", allowed)])
            return queue(response, connection, exchange)
        case .found(let handler, let parameters):
            let request = request(connection, exchange, method: method, target: target, parameters: parameters)
            switch handler {
            case .immediate(let answer): return queue(answer(request), connection, exchange)
            case .deferred(let answer):
                return wait(connection, exchange) {
                    answer(request) { response in exchange.resume(.answered(response)) }
                }
            }
        }
    }

    /// Suspends the connection, then starts the work that will resume it.
    private func wait(_ connection: OpaquePointer, _ exchange: Exchange, _ start: () -> Void) -> MHD_Result {
        let isAdmitted = waiting.withLock { waiting in
            guard waiting < limits.waitingRequests else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else {
            return queue(.text(503, "Too many requests are waiting; try again."), connection, exchange)
        }
        exchange.isCountedAsWaiting = true
        guard exchange.park() else { return queue(.shuttingDown, connection, exchange) }
        start()
        return .YES
    }

    private func request(
        _ connection: OpaquePointer, _ exchange: Exchange, method: String, target: RequestTarget,
        parameters: [String: String]
    ) -> Request {
        var request = Request(method: method, target: target)
        request.accept = header(connection, "Accept")
        request.acceptEncoding = header(connection, "Accept-Encoding")
        request.ifNoneMatch = header(connection, "If-None-Match")
        request.host = header(connection, "Host")
        request.parameters = parameters
        if let record = exchange.record {
            request.client = record.client
            request.endConnection = { [census] in census.end(record) }
        }
        return request
    }

    /// All values of a header, joined by commas; nil if it was not sent.
    private func header(_ connection: OpaquePointer, _ name: String) -> String? {
        final class Collector {
            let name: String
            var values: [String] = []
            init(name: String) { self.name = name }
        }
        let collector = Collector(name: name.lowercased())
        let collect: MHD_KeyValueIterator = { context, _, key, value in
            guard let context, let key, let value else { return .YES }
            let collector = Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue()
            if strcasecmp(key, collector.name) == 0 { collector.values.append(String(cString: value)) }
            return .YES
        }
        // The collector outlives the call, which is synchronous.
        withExtendedLifetime(collector) {
            _ = MHD_get_connection_values(
                connection, .HEADER_KIND, collect, Unmanaged.passUnretained(collector).toOpaque())
        }
        return collector.values.isEmpty ? nil : collector.values.joined(separator: ", ")
    }

    private func queue(_ answer: Response, _ connection: OpaquePointer, _ exchange: Exchange) -> MHD_Result {
        if case .stream(let follower) = answer.body {
            follower.attach(exchange.gate)
            if let record = exchange.record { census.enter(.following, record, now: .now()) }
        }
        guard let response = ResponseBody.make(answer.body) else {
            if case .stream(let follower) = answer.body { follower.abandon() }
            return .NO
        }
        defer { MHD_destroy_response(response) }
        let headers = web.headers
        // What the operator configures goes before what the route says.
        let own = answer.headers.filter { header in
            !headers.contains { $0.name.lowercased() == header.name.lowercased() }
        }
        for (name, value) in own + headers {
            guard MHD_add_response_header(response, name, value) == .YES else { return .NO }
        }
        return MHD_queue_response(connection, answer.status, response)
    }
}
