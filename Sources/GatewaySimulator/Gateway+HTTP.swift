internal import NIOHTTP1
internal import WebSocketCodec

/// What is asked over HTTP: tokens, handshakes, and what only a simulator has.
extension Gateway {
    static let tokenPath = "/oauth/token"

    /// Decides on a request.
    func decide(on request: HTTPRequest) -> HTTPOutcome {
        switch request.path {
        case Self.tokenPath:
            return token(request)
        case Self.architectPath:
            return handshake(request, .architect, token: request.query["access_token"])
        case Self.notifyPath:
            return handshake(request, .notify, token: request.bearerToken)
        case _ where request.path.hasPrefix(Self.channelPrefix):
            return handshake(
                request, .channel(id: String(request.path.dropFirst(Self.channelPrefix.count))), token: nil)
        case _ where request.path == Self.channelsPath || request.path.hasPrefix(Self.channelsPath + "/"):
            return .answer(channelAPI(request))
        default:
            return .answer(own(request))
        }
    }

    // MARK: Tokens

    private func token(_ request: HTTPRequest) -> HTTPOutcome {
        guard request.method == .POST else { return .answer(.wrongMethod(allowed: "POST")) }
        let credentials = TokenIssuer.Request(
            authorization: request.headers.first(name: "Authorization"), form: request.body)
        let facts = StreamFacts(path: request.path, identities: [credentials.clientID].compactMap { $0 })
        var delay: Duration = .zero
        if case .tokenDelay(let duration, _) = armed.take(.tokenDelay, for: facts, at: now) { delay = duration }
        if let fault = armed.take(.tokenRefusal, for: facts, at: now) {
            return .answer(tokenRefusal(by: fault), after: delay)
        }
        let answer = tokens.answer(
            credentials, at: now, wallMilliseconds: WallClock.now(), using: &secrets)
        return .answer(self.answer(answer, client: credentials.clientID ?? ""), after: delay)
    }

    private func answer(_ answer: TokenIssuer.Answer, client: String) -> HTTPAnswer {
        switch answer {
        case .issued(let token, let expiresIn):
            truth.tokenRequests["issued", default: 0] += 1
            log("issued a token to \(client), good for \(expiresIn) s")
            var answer = HTTPAnswer.json(
                .ok,
                "{\"access_token\":\(JSONText.string(token)),\"token_type\":\"bearer\",\"expires_in\":\(expiresIn)}")
            answer.headers.add(name: "Cache-Control", value: "no-store")
            return answer
        case .throttled(let wait):
            truth.tokenRequests["throttled", default: 0] += 1
            log("throttled the token requests of \(client)")
            return throttled(wait)
        case .invalidClient(let description):
            truth.tokenRequests["rejected", default: 0] += 1
            log("rejected the credentials of \(client)")
            return oauthError(.unauthorized, "invalid_client", description)
        case .badRequest(let error, let description):
            truth.tokenRequests["bad_request", default: 0] += 1
            return oauthError(.badRequest, error, description)
        }
    }

    private func tokenRefusal(by fault: Fault) -> HTTPAnswer {
        switch fault {
        case .tokenThrottle(let retryAfter, _):
            truth.tokenRequests["throttled", default: 0] += 1
            return throttled(retryAfter)
        case .tokenReject:
            truth.tokenRequests["rejected", default: 0] += 1
            return oauthError(.unauthorized, "invalid_client", "the script rejects this client")
        case .tokenError(let status, _):
            truth.tokenRequests["error", default: 0] += 1
            return oauthError(HTTPResponseStatus(statusCode: status), "server_error", "the script fails this request")
        default:
            truth.tokenRequests["error", default: 0] += 1
            return oauthError(.internalServerError, "server_error", "the script fails this request")
        }
    }

    /// An error of RFC 6749, section 5.2.
    private func oauthError(_ status: HTTPResponseStatus, _ error: String, _ description: String) -> HTTPAnswer {
        .json(
            status, "{\"error\":\(JSONText.string(error)),\"error_description\":\(JSONText.string(description))}")
    }

    private func throttled(_ wait: Duration) -> HTTPAnswer {
        .failure(.tooManyRequests, code: "too.many.requests", "Rate limit exceeded the maximum.").retry(after: wait)
    }

    // MARK: Handshakes

    private func handshake(_ request: HTTPRequest, _ route: WebSocketPeer.Route, token: String?) -> HTTPOutcome {
        guard request.method == .GET else { return .answer(.wrongMethod(allowed: "GET")) }
        guard request.wantsWebSocket else {
            var answer = HTTPAnswer.failure(.upgradeRequired, code: "upgrade.required", "only WebSocket is spoken here")
            answer.headers.add(name: "Upgrade", value: "websocket")
            return .answer(answer)
        }
        let client: String?
        var facts = StreamFacts(path: request.path)
        if case .channel(let id) = route {
            client = channels[id]?.clientID
            facts.identities.append(id)
        } else {
            client = token.flatMap { tokens.client(of: $0, at: now) }
        }
        if let client { facts.identities.append(client) }
        let pending = connectionBegan(engine.handshakeBegan(facts))
        var delay: Duration = .zero
        if case .slowHandshake(let duration, _) = armed.take(.handshakeDelay, for: facts, at: now) { delay = duration }
        let outcome = accept(request, route, client: client, facts: facts, pending: pending)
        switch outcome {
        case .answer(let answer, _):
            truth.handshakes[String(answer.status.code), default: 0] += 1
            log("refused a handshake at \(request.path): \(answer.status.code)")
            return .answer(answer, after: delay)
        case .upgrade(let upgrade, _):
            truth.handshakes["accepted", default: 0] += 1
            return .upgrade(upgrade, after: delay)
        }
    }

    private func accept(
        _ request: HTTPRequest, _ route: WebSocketPeer.Route, client: String?, facts: StreamFacts, pending: [Fault]
    ) -> HTTPOutcome {
        if let fault = armed.take(.refusal, for: facts, at: now) { return .answer(refusal(by: fault)) }
        guard let client else {
            if case .channel = route {
                return .answer(.failure(.notFound, code: "not.found", "The requested channel was not found."))
            }
            return .answer(.failure(.unauthorized, code: "bad.credentials", "Invalid login credentials."))
        }
        guard request.headers.first(name: "Sec-WebSocket-Version") == "13" else {
            var answer = HTTPAnswer.failure(
                .upgradeRequired, code: "bad.version", "WebSocket version 13 is spoken here")
            answer.headers.add(name: "Sec-WebSocket-Version", value: "13")
            return .answer(answer)
        }
        guard let key = request.headers.first(name: "Sec-WebSocket-Key"), key.utf8.count == 24 else {
            return .answer(.failure(.badRequest, code: "bad.request", "Sec-WebSocket-Key is missing or malformed"))
        }
        var headers: HTTPHeaders = [
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": acceptKey(for: key),
        ]
        var deflate: DeflateAgreement?
        let offer = request.headers["Sec-WebSocket-Extensions"].joined(separator: ", ")
        if options.compression, let agreed = DeflateAgreement.negotiate(offer: offer) {
            deflate = agreed.agreement
            headers.add(name: "Sec-WebSocket-Extensions", value: agreed.response)
        }
        return .upgrade(
            HTTPOutcome.Upgrade(
                route: route, path: request.path, oauthClient: client, deflate: deflate, pendingFaults: pending,
                headers: headers),
            after: .zero)
    }

    /// The answer that a fault gives to a handshake or an API request.
    func refusal(by fault: Fault) -> HTTPAnswer {
        switch fault {
        case .refuseToken:
            .failure(.unauthorized, code: "bad.credentials", "Invalid login credentials.")
        case .forbidden:
            .failure(.forbidden, code: "not.authorized", "You are not authorized to perform the requested action.")
        case .throttle(let retryAfter, _):
            throttled(retryAfter)
        default:
            .text(.badGateway, "Bad Gateway\n")
        }
    }

    // MARK: What only a simulator has

    private func own(_ request: HTTPRequest) -> HTTPAnswer {
        let isRead = request.method == .GET || request.method == .HEAD
        switch request.path {
        case "/":
            return isRead ? .text(.ok, help(request)) : .wrongMethod(allowed: "GET, HEAD")
        case "/-/healthy":
            return isRead ? .text(.ok, "the gateway is up\n") : .wrongMethod(allowed: "GET, HEAD")
        case "/-/truth":
            guard isRead else { return .wrongMethod(allowed: "GET, HEAD") }
            guard let body = try? JSONText.encode(snapshot()) else {
                return .text(.internalServerError, "the ground truth could not be written as JSON\n")
            }
            return HTTPAnswer(status: .ok, headers: ["Content-Type": "application/json"], body: body)
        case "/-/faults":
            return request.method == .POST ? injection(request) : .wrongMethod(allowed: "POST")
        default:
            return .failure(.notFound, code: "not.found", "nothing is at \(request.path); GET / tells what is where")
        }
    }

    private func injection(_ request: HTTPRequest) -> HTTPAnswer {
        do throws(FaultScriptError) {
            let step = try FaultStep(bytes: request.body, file: "request")
            guard add(step) else {
                return .text(.tooManyRequests, "\(GatewaySimulatorError.tooManySteps)\n")
            }
            return .json(.accepted, "{\"fault\":\(JSONText.string(step.fault.name))}")
        } catch {
            return .text(.badRequest, error.description + "\n")
        }
    }

    private func help(_ request: HTTPRequest) -> String {
        let host = request.headers.first(name: "Host") ?? "localhost"
        return """
            A simulated gateway. Nothing here reaches anybody.

            POST http://\(host)\(Self.tokenPath)
                tokens: OAuth 2.0 client credentials
            ws://\(host)\(Self.architectPath)?access_token=TOKEN
                genesys-architect
            ws://\(host)\(Self.notifyPath)
                genesys-notify; Authorization: Bearer TOKEN
            http://\(host)\(Self.channelsPath)
                genesys-notifications; Authorization: Bearer TOKEN
            GET http://\(host)/-/truth
                what the gateway did, as JSON
            POST http://\(host)/-/faults
                injects one step of a fault script, YAML or JSON, such as: fault: drop

            """
    }
}
