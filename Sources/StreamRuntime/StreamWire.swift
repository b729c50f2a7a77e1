import StreamModel
import StreamProfiles
import WebSocketTransport

/// What one stream says and hears on the wire: its profile with its own variables put in.
struct StreamWire: Sendable {
    private let sharedProfile: SharedProfile
    private let url: String?
    private let maxMessageSize: Int
    private let fixed: [String: VariableValue]
    /// This stream's own: where the profile's serve all streams, or a pattern compares with something that each attempt
    /// has anew, there is none.
    private let matchers: [SessionKind: MessageMatcher]

    /// Replies that the service asks for; few profiles have any.
    let replies: [(matcher: MessageMatcher, rule: Profile.Reply)]
    /// Whether a resume holds something that the service gives in a message, which does not outlive the process.
    let resumeNeedsCaptures: Bool

    /// - Parameter matching: whether messages will be read; compiling the matchers is most of what a wire costs.
    init(_ specification: StreamSpecification, clientID: String, matching: Bool = true) {
        sharedProfile = specification.sharedProfile
        url = specification.url
        maxMessageSize = specification.maxMessageSize
        var variables = specification.variables
        variables[Profile.BuiltInVariable.clientID.rawValue] = .string(clientID)
        variables[Profile.BuiltInVariable.stream.rawValue] = .string(specification.name)
        fixed = variables
        var matchers: [SessionKind: MessageMatcher] = [:]
        if matching, sharedProfile.matcher(for: .open) == nil,
            specification.profile.matcherVariables.isDisjoint(with: [Profile.BuiltInVariable.correlationID.rawValue])
        {
            for session in SessionKind.allCases {
                matchers[session] = specification.profile.matcher(for: session, variables: variables)
            }
        }
        self.matchers = matchers
        replies = specification.profile.replies.map { ($0.matcher(variables: variables), $0) }
        resumeNeedsCaptures = sharedProfile.resumeNeedsCaptures
    }

    /// The protocol.
    var profile: Profile { sharedProfile.profile }

    /// The host whose connect budget the stream shares: of its own address, or else the profile's.
    var host: String {
        if let url, let target = try? ConnectTarget(url) { return target.authority }
        if let handshake = try? profile.handshake(for: .open, variables: variables(of: .empty)),
            let target = try? ConnectTarget(handshake.url)
        {
            return target.authority
        }
        // An address that only a prepared request will give: the requests' host stands in for it.
        if let request = try? profile.prepare.first?.render(variables(of: .empty)),
            let target = try? ConnectTarget(request.url)
        {
            return target.authority
        }
        return profile.name
    }

    /// What is known of an attempt beside what is configured.
    struct Attempt {
        var token = ""
        var correlationID = ""
        /// What prepared requests and the service's own messages have given.
        var captured: [String: VariableValue] = [:]
        var lastSequence: UInt64?
        var timestamp: WallTime?
        /// The last resume was refused: the session is to begin anew.
        var startsOver = false

        static var empty: Attempt { Attempt() }
    }

    func variables(of attempt: Attempt) -> [String: VariableValue] {
        var variables = fixed
        variables.merge(attempt.captured) { _, captured in captured }
        variables[Profile.BuiltInVariable.token.rawValue] = .string(attempt.token)
        variables[Profile.BuiltInVariable.correlationID.rawValue] = .string(attempt.correlationID)
        if let number = attempt.lastSequence {
            variables[Profile.BuiltInVariable.lastSequence.rawValue] = .integer(Int64(clamping: number))
        }
        if let time = attempt.timestamp {
            variables[Profile.BuiltInVariable.timestamp.rawValue] = .integer(time.milliseconds)
        }
        // A profile has this variable where its service knows the choice; a refused resume decides it.
        if attempt.startsOver, variables[Profile.stateDirective] != nil {
            variables[Profile.stateDirective] = .string("reset")
        }
        return variables
    }

    /// The handshake of an attempt.
    ///
    /// - Throws: an error that says which variable has no value, or that the address is none; never with the token.
    func request(
        generation: UInt64, session: SessionKind, attempt: Attempt, timeout: Duration
    ) throws -> ConnectionRequest {
        let handshake = try profile.handshake(
            for: session, url: url, variables: variables(of: attempt))
        return ConnectionRequest(
            generation: generation, target: try ConnectTarget(handshake.url),
            headers: handshake.headers.map { HTTPHeaderField($0.name, $0.value) },
            subprotocols: handshake.subprotocols, maxMessageSize: maxMessageSize, timeout: timeout)
    }

    func matcher(for session: SessionKind, attempt: Attempt) -> MessageMatcher {
        sharedProfile.matcher(for: session) ?? matchers[session]
            ?? profile.matcher(for: session, variables: variables(of: attempt))
    }

    // MARK: Meanings

    /// What the profile makes of how a connection ended.
    func closure(_ closure: WebSocketClosure) -> Closure {
        let origin: Closure.Origin =
            switch closure.origin {
            case .peer: .peer
            case .endOfStream: .endOfStream
            case .protocolError: .protocolError
            case .tooLarge: .tooLarge
            case .transport: .transport
            case .local: .local
            }
        // Only what the peer said has a meaning: our own words about an error must not look like a stale token.
        let meaning = origin == .peer ? profile.meaning(ofClose: closure.code, reason: closure.reason) : .plain
        return Closure(origin: origin, code: closure.code, reason: closure.reason, meaning: meaning)
    }

    /// What a connection that did not open means for the next attempt.
    func failure(for failure: DialFailure, wall: WallTime) -> AttemptFailure {
        let reason: ConnectFailureReason
        switch failure.kind {
        case .refusedByServer(let refusal):
            let retryAfter = refusal.retryAfter.flatMap { RetryAfter.parse($0, now: wall) }
            // Of a redirect, that it was not followed says more than its body, which is a link to elsewhere.
            let body = (300...399).contains(refusal.status) ? Array(failure.text.utf8) : refusal.body
            return profile.failure(forStatus: refusal.status, retryAfter: retryAfter, body: body)
        case .dns: reason = .dns
        case .refused: reason = .refused
        case .timeout: reason = .timeout
        case .tls: reason = .tls
        case .protocol, .tooLarge: reason = .protocol
        case .closed: reason = .closed
        case .proxy(let status):
            return AttemptFailure(reason: .other, httpStatus: status, detail: failure.text)
        case .aborted, .other: reason = .other
        }
        return AttemptFailure(reason: reason, detail: failure.text)
    }
}
