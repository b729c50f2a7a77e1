internal import NIOHTTP1
internal import WebSocketCodec

/// A request, whole.
struct HTTPRequest {
    var method: HTTPMethod
    /// Without the query.
    var path: String
    var query: FormFields
    var headers: HTTPHeaders
    var body: [UInt8]

    init(head: HTTPRequestHead, body: [UInt8]) {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        method = head.method
        path = FormFields.decoded(String(parts.first ?? "/"), plusIsSpace: false)
        query = FormFields(parts.count > 1 ? String(parts[1]) : "")
        headers = head.headers
        self.body = body
    }

    /// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
    var bearerToken: String? {
        guard let value = headers.first(name: "Authorization") else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    /// Whether it asks for a WebSocket (RFC 6455, section 4.2.1).
    var wantsWebSocket: Bool {
        headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" }
            && headers[canonicalForm: "Connection"].contains { $0.lowercased() == "upgrade" }
    }
}

/// An answer.
struct HTTPAnswer {
    var status: HTTPResponseStatus
    var headers: HTTPHeaders = [:]
    var body: [UInt8] = []

    /// JSON that was written by hand.
    static func json(_ status: HTTPResponseStatus, _ text: String) -> HTTPAnswer {
        HTTPAnswer(status: status, headers: ["Content-Type": "application/json"], body: [UInt8](text.utf8))
    }

    /// A text for people.
    static func text(_ status: HTTPResponseStatus, _ text: String) -> HTTPAnswer {
        HTTPAnswer(status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: [UInt8](text.utf8))
    }

    /// An error in the form of the platform's API.
    static func failure(_ status: HTTPResponseStatus, code: String, _ message: String) -> HTTPAnswer {
        json(
            status,
            "{\"message\":\(JSONText.string(message)),\"code\":\(JSONText.string(code)),\"status\":\(status.code),"
                + "\"messageParams\":{},\"contextId\":\"simulated\",\"details\":[],\"errors\":[]}")
    }

    /// The method is not for this path (RFC 9110, section 15.5.6).
    static func wrongMethod(allowed: String) -> HTTPAnswer {
        var answer = failure(.methodNotAllowed, code: "method.not.allowed", "allowed here: \(allowed)")
        answer.headers.add(name: "Allow", value: allowed)
        return answer
    }

    /// The same with `Retry-After` in seconds.
    func retry(after delay: Duration) -> HTTPAnswer {
        var answer = self
        answer.headers.replaceOrAdd(name: "Retry-After", value: String(delay.wholeSecondsUp))
        return answer
    }
}

/// What becomes of a request.
enum HTTPOutcome {
    /// It is answered, after a delay.
    case answer(HTTPAnswer, after: Duration)
    /// The connection becomes a WebSocket, after a delay.
    case upgrade(Upgrade, after: Duration)

    /// An accepted handshake.
    struct Upgrade {
        var route: WebSocketPeer.Route
        var path: String
        var oauthClient: String?
        var deflate: DeflateAgreement?
        var pendingFaults: [Fault] = []
        var headers: HTTPHeaders
    }

    /// It is answered at once.
    static func answer(_ answer: HTTPAnswer) -> HTTPOutcome {
        .answer(answer, after: .zero)
    }
}
