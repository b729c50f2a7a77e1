internal import NIOHTTP1

/// `genesys-notifications`, the part over HTTP: `/api/v2/notifications/channels`.
extension Gateway {
    static let channelsPath = "/api/v2/notifications/channels"

    /// A topic in a request.
    private struct Topic: Decodable {
        var id: String
    }

    /// Decides on a request to the API.
    func channelAPI(_ request: HTTPRequest) -> HTTPAnswer {
        let client = request.bearerToken.flatMap { tokens.client(of: $0, at: now) }
        let answer = channelAPI(request, client: client)
        truth.apiRequests[String(answer.status.code), default: 0] += 1
        return answer
    }

    private func channelAPI(_ request: HTTPRequest, client: String?) -> HTTPAnswer {
        let facts = StreamFacts(path: request.path, identities: [client].compactMap { $0 })
        if let fault = armed.take(.refusal, for: facts, at: now) { return refusal(by: fault) }
        guard let client else {
            return .failure(.unauthorized, code: "bad.credentials", "Invalid login credentials.")
        }
        var window = apiWindows[client] ?? RateWindow(limit: options.apiRequestsPerMinute)
        let wait = window.admit(at: now)
        apiWindows[client] = window
        var answer: HTTPAnswer
        if let wait {
            answer = .failure(
                .tooManyRequests, code: "too.many.requests",
                "Rate limit exceeded the maximum. Retry the request in [\(wait.wholeSecondsUp)] seconds"
            ).retry(after: wait)
        } else {
            answer = route(request, client: client)
        }
        if window.limit > 0 {
            answer.headers.add(name: "inin-ratelimit-count", value: String(window.count))
            answer.headers.add(name: "inin-ratelimit-allowed", value: String(window.limit))
            answer.headers.add(
                name: "inin-ratelimit-reset", value: String(window.remaining(at: now).wholeSecondsUp))
        }
        return answer
    }

    private func route(_ request: HTTPRequest, client: String) -> HTTPAnswer {
        let rest = request.path.dropFirst(Self.channelsPath.count).split(separator: "/").map(String.init)
        switch rest.count {
        case 0:
            switch request.method {
            case .POST: return create(client, request)
            case .GET, .HEAD: return list(client, request)
            default: return .wrongMethod(allowed: "GET, HEAD, POST")
            }
        case 1:
            guard request.method == .HEAD || request.method == .GET else {
                return .wrongMethod(allowed: "GET, HEAD")
            }
            guard let channel = channel(rest[0], of: client) else { return notFound(rest[0]) }
            return .json(.ok, entity(channel, request))
        case 2 where rest[1] == "subscriptions":
            guard channel(rest[0], of: client) != nil else { return notFound(rest[0]) }
            switch request.method {
            case .GET, .HEAD: return .json(.ok, listing(channels[rest[0]]?.topics ?? []))
            case .PUT, .POST: return subscribe(rest[0], request)
            case .DELETE:
                _ = channels.subscribe(rest[0], to: [], replacing: true, at: now)
                return HTTPAnswer(status: .noContent)
            default: return .wrongMethod(allowed: "DELETE, GET, HEAD, POST, PUT")
            }
        default:
            return .failure(.notFound, code: "not.found", "nothing is at \(request.path)")
        }
    }

    /// A channel, if it is the client's own: others must not learn that it exists.
    private func channel(_ id: String, of client: String) -> NotificationChannels.Channel? {
        guard let channel = channels[id], channel.clientID == client else { return nil }
        return channel
    }

    private func notFound(_ id: String) -> HTTPAnswer {
        .failure(.notFound, code: "not.found", "The requested channel \(id) was not found.")
    }

    private func create(_ client: String, _ request: HTTPRequest) -> HTTPAnswer {
        let id = "streaming-" + identifier()
        let (channel, evicted) = channels.create(id: id, clientID: client, at: now)
        truth.channelsCreated += 1
        if let evicted {
            truth.channelsEvicted += 1
            channelEnded(evicted, reason: "\(client) made a channel too many")
        }
        scheduleChannels()
        log("\(client) made channel \(id)")
        return .json(.ok, entity(channel, request))
    }

    private func list(_ client: String, _ request: HTTPRequest) -> HTTPAnswer {
        let entities = channels.channels(of: client).map { entity($0, request) }
        return .json(.ok, "{\"entities\":[\(entities.joined(separator: ","))]}")
    }

    private func entity(_ channel: NotificationChannels.Channel, _ request: HTTPRequest) -> String {
        let host = request.headers.first(name: "Host") ?? "localhost"
        let remaining = (channel.expiry - now).wholeNanoseconds / 1_000_000
        return "{\"connectUri\":\(JSONText.string("ws://" + host + Self.channelPrefix + channel.id)),"
            + "\"id\":\(JSONText.string(channel.id)),"
            + "\"expires\":\(JSONText.string(WallClock.text(WallClock.now() + remaining)))}"
    }

    private func subscribe(_ id: String, _ request: HTTPRequest) -> HTTPAnswer {
        guard let topics = JSONText.decode([Topic].self, from: request.body)?.map(\.id) else {
            return .failure(
                .badRequest, code: "invalid.value", "The body must be a list of topics: [{\"id\":\"…\"}]")
        }
        let ignoresErrors = request.query["ignoreErrors"] == "true"
        let rejected = topics.filter { rejection(of: $0) != nil }
        if let first = rejected.first, !ignoresErrors {
            return .failure(
                .forbidden, code: "not.authorized", "Permission is missing for \(rejected.count) topics: \(first) …")
        }
        let permitted = topics.filter { rejection(of: $0) == nil }
        guard channels.subscribe(id, to: permitted, replacing: request.method == .PUT, at: now) else {
            return .failure(
                .badRequest, code: "max.topics.exceeded",
                "A channel takes at most \(NotificationChannels.topicsPerChannel) topics.")
        }
        startTopics(of: id)
        scheduleChannels()
        let all = request.method == .PUT ? topics : (channels[id]?.topics ?? []) + rejected
        return .json(.ok, listing(all))
    }

    private func listing(_ topics: [String]) -> String {
        let entities = topics.map { topic in
            guard let reason = rejection(of: topic) else {
                return "{\"id\":\(JSONText.string(topic)),\"state\":\"Permitted\"}"
            }
            return "{\"id\":\(JSONText.string(topic)),\"state\":\"Rejected\","
                + "\"rejectionReason\":\(JSONText.string(reason))}"
        }
        return "{\"entities\":[\(entities.joined(separator: ","))]}"
    }

    /// Sixteen unpredictable bytes in hexadecimal.
    private func identifier() -> String {
        (0..<2).map { _ in
            let digits = String(secrets.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
