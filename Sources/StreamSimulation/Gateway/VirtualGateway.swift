import StreamModel
import StreamRuntime
import WebSocketTransport

/// A simulated service: tokens, handshakes, sessions, events, and the faults of each.
final class VirtualGateway {
    /// An answer to an HTTP request.
    struct Answer {
        var status = 200
        var headers: [(String, String)] = []
        var body = ""
    }

    unowned let world: World
    private(set) var tokens = TokenBook()
    private var streams: [any ServedStream] = []

    init(_ world: World) {
        self.world = world
    }

    func begin() {
        for (index, plan) in world.scenario.streams.enumerated() {
            if plan.service == .notifications {
                streams.append(ChannelStream(index, plan, world))
            } else {
                streams.append(GatewayStream(index, plan, world))
            }
        }
        for stream in streams { stream.begin() }
    }

    func channels(of stream: Int) -> ChannelStream? { streams[stream] as? ChannelStream }

    // MARK: Requests

    /// What comes of an HTTP request, and the reason that an attempt must fail with because of it.
    enum HTTPAnswer {
        case response(Answer, ConnectFailureReason?)
        case failure(DialFailure.Kind, ConnectFailureReason?)
    }

    /// The answer to a request; nil where there is none.
    func answer(_ request: HTTPExchangeRequest, of stream: Int?, to life: ProcessLife) -> HTTPAnswer? {
        guard let stream, let channels = channels(of: stream) else { return answerTokenRequest(life) }
        return answerChannelRequest(request, channels)
    }

    private func answerChannelRequest(_ request: HTTPExchangeRequest, _ channels: ChannelStream) -> HTTPAnswer? {
        var trouble: Fault.ChannelTrouble?
        world.faults.forEach(of: channels.index) { fault, random in
            if case .channelTrouble(let kind) = fault.kind, random.chance(0.8) { trouble = kind }
        }
        let isCreation = request.method == "POST"
        switch trouble {
        case .throttled: return .response(Answer(status: 429, headers: [("Retry-After", "7")]), .throttled)
        case .broken: return .response(Answer(status: 503), .gatewayError)
        case .staleToken: return .response(Answer(status: 401), .refusedToken)
        case .forbidden: return .response(Answer(status: 403), .forbidden)
        case .gone: return .response(Answer(status: 404), .httpError)
        case .garbage where isCreation: return .response(Answer(body: "<html>"), .protocol)
        case .unanswered: return nil
        case .refused: return .failure(.refused, .refused)
        case .rejectedTopics, .garbage, nil: break
        }
        let authorization = request.headers.first { $0.name == "Authorization" }?.value ?? ""
        let token = String(authorization.dropFirst("Bearer ".count))
        guard tokens.isGood(token, at: world.now, refusingFresh: false) else {
            return .response(Answer(status: 401), .refusedToken)
        }
        if isCreation {
            let id = channels.makeChannel()
            let address = "wss://streaming.test/s\(channels.index)/channels/\(id)"
            return .response(Answer(body: #"{"connectUri":"\#(address)","id":"\#(id)"}"#), nil)
        }
        let parts = request.target.path.split(separator: "/")
        guard parts.count > 2, channels.subscribe(String(parts[parts.count - 2])) else {
            return .response(Answer(status: 404), .httpError)
        }
        let state = trouble == .rejectedTopics ? "Rejected" : "Permitted"
        return .response(Answer(body: #"{"entities":[{"id":"v2.users.a.presence","state":"\#(state)"}]}"#), nil)
    }

    // MARK: Tokens

    /// The answer to a request for a token; nil where there is none.
    private func answerTokenRequest(_ life: ProcessLife) -> HTTPAnswer? {
        var trouble: Fault.TokenTrouble?
        var draw = 0
        world.faults.forEach(of: nil) { fault, random in
            if case .tokenEndpoint(let kind) = fault.kind, random.chance(0.8) {
                trouble = kind
                draw = random.draw(1...20)
            }
        }
        switch trouble {
        case nil: return .response(grant(world.scenario.tokenLifetime, to: life), nil)
        case .shortLived: return .response(grant(draw, to: life), nil)
        case .throttled: return .response(Answer(status: 429, headers: [("Retry-After", String(draw))]), nil)
        case .throttledWithoutHint: return .response(Answer(status: 429), nil)
        case .rejected:
            return .response(Answer(status: 400, body: #"{"error":"invalid_client","error_description":"no"}"#), nil)
        case .broken: return .response(Answer(status: 503), nil)
        case .garbage: return .response(Answer(status: 200, body: "<html>\(draw)</html>"), nil)
        case .refused: return .failure(.refused, nil)
        case .unanswered: return nil
        }
    }

    private func grant(_ lifetime: Int, to life: ProcessLife) -> Answer {
        let token = tokens.issue(at: world.now, lifetime: Int64(lifetime) * 1_000_000_000)
        return Answer(
            body: #"{"access_token":"\#(token)","token_type":"bearer","expires_in":\#(lifetime)}"#)
    }

    // MARK: Handshakes

    func handshake(_ connection: VirtualConnection) {
        var refusal: Fault.Refusal?
        var refusesFresh = false
        world.faults.forEach(of: connection.stream) { fault, random in
            switch fault.kind {
            case .refusedHandshakes(let kind, let probability): if random.chance(probability) { refusal = kind }
            case .freshTokensRefused: refusesFresh = true
            default: break
            }
        }
        if let refusal { return refuse(connection, refusal) }
        // The address of a channel is a secret of its own.
        let isKnown = channels(of: connection.stream) != nil
        guard isKnown || tokens.isGood(connection.token, at: world.now, refusingFresh: refusesFresh) else {
            return refuse(connection, .status401)
        }
        if let refusal = streams[connection.stream].accept(connection) { return refuse(connection, refusal) }
        connection.link.toClient { connection.opened() }
    }

    private func refuse(_ connection: VirtualConnection, _ refusal: Fault.Refusal) {
        let status: (Int) -> DialFailure.Kind = {
            .refusedByServer(HTTPRefusal(status: $0, headers: [], body: []))
        }
        connection.link.toClient {
            switch refusal {
            case .dns: connection.fail(.dns, .dns)
            case .refused: connection.fail(.refused, .refused)
            case .tls: connection.fail(.tls, .tls)
            case .closed: connection.fail(.closed, .closed)
            case .unanswered: break
            case .status401: connection.fail(status(401), .refusedToken)
            case .status403: connection.fail(status(403), .forbidden)
            case .status404: connection.fail(status(404), .httpError)
            case .status502: connection.fail(status(502), .gatewayError)
            case .status429:
                let refusal = HTTPRefusal(status: 429, headers: [HTTPHeaderField("Retry-After", "7")], body: [])
                connection.fail(.refusedByServer(refusal), .throttled)
            }
        }
    }

    // MARK: What clients send

    func received(_ text: String, from connection: VirtualConnection) {
        streams[connection.stream].received(text, from: connection)
    }

    func receivedPing(_ number: Int, from connection: VirtualConnection) {
        guard streams[connection.stream].isHeld(connection) else { return }
        let plan = world.scenario.streams[connection.stream]
        if plan.service == .notifications, !plan.pings {
            connection.link.toClient { connection.received([.pong(number)]) }
        } else {
            connection.link.toClient { connection.ponged(number) }
        }
    }

    func receivedClose(_ code: UInt16, from connection: VirtualConnection) {
        streams[connection.stream].release(connection)
        connection.link.toClient { connection.closed(.peer, code, "") }
    }

    func lostClient(_ connection: VirtualConnection) {
        streams[connection.stream].release(connection)
    }

    /// The process is dead. Some of its sockets are missed at once, others much later.
    func clientDied() {
        for stream in streams { stream.clientDied() }
    }

    // MARK: Faults

    func suffer(_ fault: Fault, _ random: inout SeededRandom) {
        switch fault.kind {
        case .tokensRevoked:
            tokens.revokeAll()
            // Whoever keeps a token for the next connection learns of it there, and most of all when that comes at once.
            let cutsSockets = random.chance(0.5)
            for stream in streams {
                if cutsSockets {
                    stream.restart(keepsSession: true, &random)
                } else if random.chance(0.5) {
                    (stream as? ChannelStream)?.tellRevocation()
                }
            }
        case .gatewayRestart(let keepsSessions):
            for stream in streams { stream.restart(keepsSession: keepsSessions, &random) }
        default:
            for stream in streams where fault.stream == nil || fault.stream == stream.index {
                stream.suffer(fault, &random)
            }
        }
    }
}

/// The tokens that were issued.
struct TokenBook {
    struct Token {
        let issued: Int64
        let expires: Int64
        var isRevoked = false
    }

    private var tokens: [String: Token] = [:]
    private var count = 0

    mutating func issue(at now: Int64, lifetime: Int64) -> String {
        count += 1
        // What expired long ago is not asked about any more.
        if count % 500 == 0 { tokens = tokens.filter { $0.value.expires > now - 3_600_000_000_000 } }
        let value = "sekrit-\(count)-token"
        tokens[value] = Token(issued: now, expires: now + lifetime)
        return value
    }

    mutating func revokeAll() {
        for key in tokens.keys { tokens[key]?.isRevoked = true }
    }

    func isGood(_ value: String, at now: Int64, refusingFresh: Bool) -> Bool {
        guard let token = tokens[value], !token.isRevoked, now < token.expires else { return false }
        return !(refusingFresh && now - token.issued < 20_000_000_000)
    }

    func token(_ value: String) -> Token? { tokens[value] }
}
