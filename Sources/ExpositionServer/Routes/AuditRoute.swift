/// The newest lines of the audit trail, and those to come.
struct AuditRoute: Sendable {
    let api: any ExporterAPI
    let followers: FollowerRoster
    let limits: ServerLimits

    private static let contentType = "application/x-ndjson"
    // A tail is no use out of a cache, nor out of a proxy that collects before it passes on.
    private static let headers = [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")]

    func handle(_ request: Request, reply: @escaping @Sendable (Response) -> Void) {
        let query: AuditQuery
        let follows: Bool
        do throws(RequestTarget.Mistake) {
            query = try Self.query(of: request)
            follows = try request.flag("follow")
        } catch {
            reply(.text(400, error.description))
            return
        }
        if follows {
            follow(query, isHead: request.method == "HEAD", reply: reply)
        } else {
            Task(executorPreference: RouteExecutor.shared) {
                reply(
                    Response(
                        status: 200, contentType: Self.contentType, headers: Self.headers,
                        body: .bytes(await api.auditLines(matching: query))))
            }
        }
    }

    private func follow(_ query: AuditQuery, isHead: Bool, reply: @escaping @Sendable (Response) -> Void) {
        let api = api
        let follower = Follower(
            capacity: limits.followerQueueBytes, budget: followers.budget, now: .now(),
            onDrop: { api.followerDropped(lines: $0) },
            notice: { api.dropNotice(lines: $0) })
        var response = Response(
            status: 200, contentType: Self.contentType, headers: Self.headers, body: .stream(follower))
        guard !isHead else {
            // The headers of a tail without the tail. libmicrohttpd 0.9.75 sends the last chunk even so; closing keeps
            // it from being taken for the next answer.
            response.headers.append(("Connection", "close"))
            follower.abandon()
            reply(response)
            return
        }
        guard followers.add(follower) else {
            reply(.text(503, "The limit of \(limits.followers) followers has been reached; try again later."))
            return
        }
        reply(response)
        Task(executorPreference: RouteExecutor.shared) {
            let subscription = await api.followAudit(matching: query) { follower.publish($0) }
            follower.open(snapshot: subscription.newest) { [followers] in
                followers.remove(follower)
                subscription.cancel()
            }
        }
    }

    static func query(of request: Request) throws(RequestTarget.Mistake) -> AuditQuery {
        var query = AuditQuery()
        if let text = try request.queryValue("limit") {
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let limit = Int(text),
                limit <= ExporterRoutes.maximumAuditLines
            else {
                throw RequestTarget.Mistake(
                    description: "“limit” must be a number from 0 to \(ExporterRoutes.maximumAuditLines).")
            }
            query.limit = limit
        }
        query.stream = try filter("stream", of: request)
        query.event = try filter("event", of: request)
        return query
    }

    private static func filter(_ name: String, of request: Request) throws(RequestTarget.Mistake) -> String? {
        guard let value = try request.queryValue(name) else { return nil }
        guard !value.isEmpty else { throw RequestTarget.Mistake(description: "“\(name)” must not be empty.") }
        return value
    }
}
