import StreamModel

extension Profile {
    /// A handshake ready to be made.
    public struct Handshake: Hashable, Sendable {
        /// The address, `ws` or `wss`.
        public var url: String
        /// The headers, in order.
        public var headers: [Header]
        /// Subprotocols to offer.
        public var subprotocols: [String]
    }

    /// Variables that are there without being declared: what the program itself knows of a connection.
    public enum BuiltInVariable: String, CaseIterable, Sendable {
        /// The access token.
        case token
        /// The stream's identifier at the gateway, the same for the life of the stream.
        case clientID = "client_id"
        /// The stream's name.
        case stream
        /// The highest sequence number seen; no value before the first.
        case lastSequence = "last_sequence"
        /// Milliseconds since the Unix epoch.
        case timestamp = "timestamp_ms"
        /// A text that is new for each attempt.
        case correlationID = "correlation_id"
    }

    /// Where to connect.
    ///
    /// - Parameters:
    ///   - url: the stream's own `url`, which stands in for the profile's; it may have a query.
    public func handshake(
        for session: SessionKind, url override: String? = nil, variables: [String: VariableValue]
    ) throws(RenderingError) -> Handshake {
        let address = try address(for: session, override, variables)
        let query = session == .resume ? endpoint.query + endpoint.resumeQuery : endpoint.query
        let url = try URLBuilding.append(query, to: address, variables)
        guard URLBuilding.isSound(url, schemes: ["ws", "wss"]) else { throw RenderingError.badAddress }
        var headers: [Header] = []
        for header in endpoint.headers {
            headers.append(Header(name: header.name, value: try header.renderValue(variables)))
        }
        return Handshake(url: url, headers: headers, subprotocols: endpoint.subprotocols)
    }

    private func address(
        for session: SessionKind, _ override: String?, _ variables: [String: VariableValue]
    ) throws(RenderingError) -> String {
        // The service's own word on where to resume counts for more than where the stream began.
        if session == .resume, let resumeURL = endpoint.resumeURL, let address = try? resumeURL.renderURL(variables) {
            return address
        }
        if let override { return override }
        return try endpoint.url.renderURL(variables)
    }

    /// The messages to send once the connection is open (or greeted), each JSON in UTF-8.
    public func messages(
        for session: SessionKind, variables: [String: VariableValue]
    ) throws(RenderingError) -> [[UInt8]] {
        var rendered: [[UInt8]] = []
        for template in exchange(for: session).send { rendered.append(try template.render(variables)) }
        return rendered
    }

    /// The heartbeat message; nil where the heartbeat is a WebSocket ping. A `last_sequence` without a value is null
    /// here: a heartbeat may come before the first message.
    public func heartbeatMessage(variables: [String: VariableValue]) throws(RenderingError) -> [UInt8]? {
        var variables = variables
        let name = BuiltInVariable.lastSequence.rawValue
        variables[name] = variables[name] ?? .null
        return try heartbeat.send?.render(variables)
    }

    /// The variables that a message which is no data gives: a greeting's interval, an acknowledgment's session. Not
    /// for the hot path.
    public func captures(from message: [UInt8]) -> [String: VariableValue] {
        PrepareRequest.Capture.take(captures, from: message)
    }
}

extension PrepareRequest.Capture {
    /// What `captures` find in `message`; nothing where that is no JSON.
    fileprivate static func take(_ captures: [Self], from message: [UInt8]) -> [String: VariableValue] {
        guard !captures.isEmpty, let document = try? JSONDocument(parsing: message) else { return [:] }
        var variables: [String: VariableValue] = [:]
        for capture in captures {
            if let value = document.value(at: capture.pointer)?.variableValue { variables[capture.variable] = value }
        }
        return variables
    }
}

extension Profile.Reply {
    /// Knows the messages that this answers: their role is `acknowledgment`, that of all others `event`.
    public func matcher(variables: [String: VariableValue]) -> MessageMatcher {
        var compiler = MatcherCompiler()
        compiler.add(.acknowledgment, pattern, variables)
        return compiler.finish()
    }

    /// The variables that a message gives.
    public func captures(from message: [UInt8]) -> [String: VariableValue] {
        PrepareRequest.Capture.take(captures, from: message)
    }

    /// The answer. A `last_sequence` without a value is null, as in a heartbeat.
    public func message(variables: [String: VariableValue]) throws(RenderingError) -> [UInt8] {
        var variables = variables
        let name = Profile.BuiltInVariable.lastSequence.rawValue
        variables[name] = variables[name] ?? .null
        return try send.render(variables)
    }
}

extension MessagePattern {
    /// Whether `message` is recognised. Compiles the pattern each time: not for the hot path.
    func holds(for message: [UInt8]) -> Bool {
        var compiler = MatcherCompiler()
        compiler.add(.acknowledgment, self, [:])
        return compiler.finish().facts(of: message).role == .acknowledgment
    }
}
