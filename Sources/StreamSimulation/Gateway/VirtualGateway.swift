import StreamModel
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
    private var streams: [GatewayStream] = []

    init(_ world: World) {
        self.world = world
    }

    func begin() {
        streams = world.scenario.streams.enumerated().map { GatewayStream($0.offset, $0.element, world) }
        for stream in streams { stream.begin() }
    }

    // MARK: Tokens

    enum TokenAnswer {
        case success(Answer)
        case failure(DialFailure.Kind)
    }

    /// The answer to a request for a token; nil where there is none.
    func answerTokenRequest(_ life: ProcessLife) -> TokenAnswer? {
        var trouble: Fault.TokenTrouble?
        var draw = 0
        world.faults.forEach(of: nil) { fault, random in
            if case .tokenEndpoint(let kind) = fault.kind, random.chance(0.8) {
                trouble = kind
                draw = random.draw(1...20)
            }
        }
        switch trouble {
        case nil: return .success(grant(world.scenario.tokenLifetime, to: life))
        case .shortLived: return .success(grant(draw, to: life))
        case .throttled: return .success(Answer(status: 429, headers: [("Retry-After", String(draw))]))
        case .throttledWithoutHint: return .success(Answer(status: 429))
        case .rejected:
            return .success(Answer(status: 400, body: #"{"error":"invalid_client","error_description":"no"}"#))
        case .broken: return .success(Answer(status: 503))
        case .garbage: return .success(Answer(status: 200, body: "<html>\(draw)</html>"))
        case .refused: return .failure(.refused)
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
        guard tokens.isGood(connection.token, at: world.now, refusingFresh: refusesFresh) else {
            return refuse(connection, .status401)
        }
        streams[connection.stream].accept(connection)
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

    func receivedPing(from connection: VirtualConnection) {
        guard streams[connection.stream].isHeld(connection) else { return }
        connection.link.toClient { connection.ponged() }
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
            if random.chance(0.5) { for stream in streams { stream.restart(keepsSession: true, &random) } }
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
