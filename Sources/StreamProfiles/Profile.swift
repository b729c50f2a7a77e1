public import StreamModel

/// What a protocol looks like: where to connect and with which credential, what to ask for first, what to send, what
/// acknowledges it, where the numbers are, who sends heartbeats, and what a close means. Written in YAML, by this
/// project or by the person who uses it.
public struct Profile: Equatable, Sendable {
    /// What a stream calls it.
    public var name: String
    /// What it is, for people.
    public var description = ""
    /// The YAML that it was read from; nil for a profile of the configuration.
    public var text: String?
    /// The variables that a stream gives.
    public var variables: [VariableDeclaration] = []
    /// Where to connect.
    public var endpoint: Endpoint
    /// How the token is used.
    public var token = TokenUse()
    /// Requests to make before a connection, in order.
    public var prepare: [PrepareRequest] = []
    /// What to send on a fresh session, and what acknowledges it.
    public var open = Exchange()
    /// What to send to take a session up again; nil: the service can't.
    public var resume: Exchange?
    /// What proves that a connection is live.
    public var acknowledgment = StreamPolicy.AcknowledgmentRule.message
    /// How messages that are no data are recognised.
    public var messages: [MessageFacts.Role: MessagePattern] = [:]
    /// Variables that are taken from messages that are no data: a greeting's, an acknowledgment's.
    public var captures: [PrepareRequest.Capture] = []
    /// Where the sequence number is; nil: there is none.
    public var sequence: Sequence?
    /// What makes up a message's own identifier; empty: nothing does.
    public var identifier: [JSONPointer] = []
    /// The client's heartbeat where it is a message.
    public var heartbeat = Heartbeat()
    /// Messages that are to be answered, and how.
    public var replies: [Reply] = []
    /// What closes mean.
    public var closes = CloseRules()
    /// How long a connection and what was prepared for it last.
    public var lifecycle = Lifecycle()
    /// How many streams may share a credential; nil: any number.
    public var streamsPerCredential: Int?
    /// What this service needs of a stream's settings.
    public var defaults = StreamSettings()

    /// Where to connect.
    public struct Endpoint: Equatable, Sendable {
        /// The address, which a stream's `url` replaces.
        public var url: TextTemplate
        /// The address on a resume, where the service names another one for that and has done so.
        public var resumeURL: TextTemplate?
        /// The variable of an HTTP address that a stream's `url` gives instead, where a request made first gives the
        /// WebSocket's address.
        public var urlVariable: String?
        /// The query, added to the address.
        public var query: [HeaderTemplate] = []
        /// What is added to that on a resume.
        public var resumeQuery: [HeaderTemplate] = []
        /// Headers of the handshake.
        public var headers: [HeaderTemplate] = []
        /// Subprotocols to offer (RFC 6455, section 1.9).
        public var subprotocols: [String] = []
        /// What a refusal at the handshake means.
        public var statuses = StatusRules()
    }

    /// How the token is used.
    public struct TokenUse: Hashable, Sendable {
        /// Whether anything holds `{token}`.
        public var isUsed = false
        /// Whether every reconnect takes a token that was fetched after the loss.
        public var renewOnReconnect = false
        /// A token with less time than this left is renewed before an attempt.
        public var minimumValidity = Duration.zero
    }

    /// Messages to send, and what acknowledges them.
    public struct Exchange: Equatable, Sendable {
        /// The messages, in order.
        public var send: [JSONTemplate] = []
        /// What acknowledges them.
        public var acknowledgedBy: MessagePattern?
    }

    /// Where the sequence number is and what it promises.
    public struct Sequence: Hashable, Sendable {
        /// Where it is.
        public var pointer: JSONPointer
        /// Where the channel is whose numbering it belongs to; nil: one numbering.
        public var channel: JSONPointer?
        /// Whether it may be written as a text of digits.
        public var allowsText = false
        /// What it promises.
        public var rule: StreamPolicy.SequenceRule
        /// Whether acknowledgments are numbered like events.
        public var countsAcknowledgments = false
    }

    /// The client's heartbeat.
    public struct Heartbeat: Equatable, Sendable {
        /// The message; nil: a WebSocket ping.
        public var send: JSONTemplate?
        /// The variable that holds the interval in milliseconds, where the server names it.
        public var intervalVariable: String?
    }

    /// What to answer to a message, for services that want each one acknowledged.
    public struct Reply: Equatable, Sendable {
        /// Which messages are answered.
        public var pattern: MessagePattern
        /// Variables that are taken from the message.
        public var captures: [PrepareRequest.Capture] = []
        /// The answer.
        public var send: JSONTemplate
    }

    /// How long a connection and what was prepared for it last.
    public struct Lifecycle: Hashable, Sendable {
        /// How a planned reconnect goes about it.
        public var handover = StreamPolicy.HandoverRule.breakBeforeMake
        /// How many reconnects what was prepared serves before it is prepared anew; 0: it serves one connection.
        public var reconnectsPerPreparation = 0
        /// The code of our close frame where the session goes on after it.
        public var plannedCloseCode: UInt16 = 1000
    }

    /// Whether what is sent on open waits for the server's greeting.
    public var awaitsHello: Bool { messages[.hello] != nil }

    /// What a message is for, compiled for a connection. `variables` are those that the patterns compare with, such as
    /// the `correlation_id` of this attempt; see ``matcherVariables``.
    public func matcher(for session: SessionKind, variables: [String: VariableValue] = [:]) -> MessageMatcher {
        compiler(for: session, variables: variables).matcher
    }

    func compiler(
        for session: SessionKind, variables: [String: VariableValue]
    ) -> (matcher: MessageMatcher, isTooLarge: Bool) {
        var compiler = MatcherCompiler()
        if let sequence {
            compiler.addSequence(sequence.pointer, channel: sequence.channel, allowsText: sequence.allowsText)
        }
        compiler.addIdentifier(identifier)
        for role in Self.precedence {
            let pattern = role == .acknowledgment ? exchange(for: session).acknowledgedBy : messages[role]
            if let pattern { compiler.add(role, pattern, variables) }
        }
        return (compiler.finish(), compiler.isTooLarge)
    }

    /// Which role a message has that fits more than one: the first of these.
    static let precedence: [MessageFacts.Role] = [
        .refusal, .acknowledgment, .hello, .closeNotice, .credentialNotice, .heartbeatAnswer, .heartbeat,
    ]

    /// The variables that the patterns compare with; where it is empty, one matcher serves all connections.
    public var matcherVariables: Set<String> {
        let patterns = Array(messages.values) + [open.acknowledgedBy, resume?.acknowledgedBy].compactMap { $0 }
        return patterns.reduce(into: []) { $0.formUnion($1.variables) }
    }

    /// What is sent, and what acknowledges it. A service that can't resume starts a fresh session.
    public func exchange(for session: SessionKind) -> Exchange {
        session == .resume ? resume ?? open : open
    }

    /// The policy of a stream: the built-in defaults, this profile's, and then `settings`, the later over the earlier.
    public func policy(_ settings: StreamSettings = StreamSettings()) -> StreamPolicy {
        var policy = StreamPolicy()
        policy.acknowledgment = acknowledgment
        policy.sequence = sequence?.rule ?? .none
        policy.resumable = resume != nil
        policy.renewsTokenOnReconnect = token.renewOnReconnect
        policy.handover = lifecycle.handover
        policy.plannedCloseCode = lifecycle.plannedCloseCode
        policy.awaitsHello = awaitsHello
        policy.countsAcknowledgments = sequence?.countsAcknowledgments ?? false
        policy.startsOverAfterRefusal = !variables.contains { $0.name == Self.stateDirective }
        policy.heartbeat.kind = heartbeat.send == nil ? .ping : .message
        defaults.overridden(by: settings).apply(to: &policy)
        return policy
    }

    /// This profile's own policy, without a stream's settings.
    public var policyDefaults: StreamPolicy { policy() }

    /// The variable of profiles whose service knows the choice whether to go on or to start over with a resume.
    public static let stateDirective = "state_directive"

    /// Whether a resume holds something that the service gives in a message.
    public var resumeNeedsCaptures: Bool {
        let used = (resume?.send ?? []).reduce(into: Set<String>()) { $0.formUnion($1.variables) }
        return captures.contains { used.contains($0.variable) }
    }

    /// The largest message that a stream with `settings` takes, in bytes.
    public func maximumMessageSize(_ settings: StreamSettings = StreamSettings()) -> Int {
        settings.maximumMessageSize ?? defaults.maximumMessageSize ?? StreamSettings.defaultMaximumMessageSize
    }

    /// The failure of an attempt that the server refused at the handshake with `status`.
    public func failure(forStatus status: Int, retryAfter: Duration? = nil, body: [UInt8] = []) -> AttemptFailure {
        let detail = body.isEmpty ? nil : String(decoding: body.prefix(400), as: UTF8.self)
        return endpoint.statuses.failure(forStatus: status, retryAfter: retryAfter, detail: detail)
    }

    /// What a close code and reason mean.
    public func meaning(ofClose code: UInt16, reason: String) -> Closure.Meaning {
        closes.meaning(ofClose: code, reason: reason)
    }
}

/// Whether a connection begins a session or takes one up again.
public enum SessionKind: String, Hashable, Sendable, CaseIterable {
    /// A fresh session.
    case open
    /// A session that is taken up again.
    case resume
}
