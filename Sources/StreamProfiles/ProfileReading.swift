public import ConfigurationReader
import StreamModel

extension Profile {
    private static let keys = [
        "description", "variables", "endpoint", "token", "prepare", "open", "resume", "live_when", "messages",
        "capture", "sequence", "identifier", "heartbeat", "replies", "closes", "lifecycle", "limits",
        "defaults",
    ]

    /// The profile that `value` describes; nil where it has a mistake, each of which is reported.
    public static func decode(_ value: ConfigurationValue, name: String) -> Profile? {
        let errorsBefore = value.errorCount
        guard let mapping = value.mapping(keys: keys) else { return nil }
        var reader = ProfileReader(mapping: mapping, name: name)
        let profile = reader.read()
        return value.errorCount == errorsBefore ? profile : nil
    }
}

/// Reads one profile, and knows which variables there are at each place.
struct ProfileReader {
    private let mapping: ConfigurationMapping
    private var profile: Profile
    /// What has a value before the first request.
    private var scope: VariableScope

    init(mapping: ConfigurationMapping, name: String) {
        self.mapping = mapping
        profile = Profile(name: name, endpoint: .init(url: TextTemplate(literal: "")))
        let builtIn: [Profile.BuiltInVariable] = [.token, .clientID, .stream, .timestamp, .correlationID]
        scope = VariableScope(names: Set(builtIn.map(\.rawValue)), lists: [])
    }

    mutating func read() -> Profile {
        profile.description = mapping["description"]?.string() ?? ""
        readVariables()
        readPrepare()
        profile.captures = PrepareRequest.Capture.read(mapping["capture"], taken: scope.names)
        let captured = scope.adding(profile.captures.map(\.variable))
        readEndpoint(captured)
        readToken()
        readExchanges(captured)
        readMessages(captured)
        readSequence()
        readHeartbeat(captured)
        readReplies(captured)
        profile.closes = CloseRules.read(mapping["closes"])
        readLifecycle()
        profile.defaults = mapping["defaults"].map { StreamSettings.read(from: $0) } ?? StreamSettings()
        checkPatterns()
        checkCorrelation()
        let token = Profile.BuiltInVariable.token.rawValue
        profile.token.isUsed = profile.neededVariables(hasURL: false).contains(token)
        return profile
    }

    private mutating func readVariables() {
        guard let variables = mapping["variables"]?.mapping() else { return }
        let names = variables.keys
        scope = scope.adding(names)
        for (name, value) in variables.values {
            guard TextTemplate.isName(name) else {
                variables.error(
                    atKey: name,
                    "`\(Spelling.excerpt(name))` is no name of a variable; use small letters, digits and `_`")
                continue
            }
            let isTaken = Profile.BuiltInVariable(rawValue: name) != nil || name == "item"
            if isTaken || Self.streamKeys.contains(name) {
                variables.error(atKey: name, "`\(name)` has a meaning of its own; take another name")
            }
            guard let declaration = readVariable(name, value) else { continue }
            if declaration.kind == .strings { scope.lists.insert(name) }
            profile.variables.append(declaration)
        }
    }

    /// Keys that every stream has.
    private static let streamKeys =
        StreamSettings.keys + ["name", "profile", "url", "credential", "labels", "client_id"]

    private func readVariable(_ name: String, _ value: ConfigurationValue) -> VariableDeclaration? {
        let keys = ["type", "description", "default", "max_items", "one_of"]
        guard let mapping = value.mapping(keys: keys), let type = mapping.required("type"),
            let kind: VariableDeclaration.Kind = type.enumeration()
        else { return nil }
        var declaration = VariableDeclaration(
            name: name, kind: kind, description: mapping["description"]?.string() ?? "", maximumItems: 10_000,
            choices: mapping["one_of"]?.strings() ?? [])
        if let maximum = mapping["max_items"] {
            if kind != .strings { maximum.error("`max_items` belongs to a variable of the type `strings`; remove it") }
            declaration.maximumItems = maximum.int(in: 1...100_000) ?? declaration.maximumItems
        }
        if let given = mapping["default"] {
            if case .scalar(let scalar) = given.node.content, scalar.text.contains("{"), kind == .string || kind == .url
            {
                declaration.defaultValue = TextTemplate.read(given, scope).map { .template($0) }
            } else {
                declaration.defaultValue = declaration.read(given).map { .value($0) }
            }
        }
        return declaration
    }

    private mutating func readPrepare() {
        guard let requests = mapping["prepare"]?.list() else { return }
        for (index, value) in requests.enumerated() {
            guard let request = PrepareRequest.read(value, index: index, scope) else { continue }
            scope = scope.adding(request.captures.map(\.variable))
            profile.prepare.append(request)
        }
        if requests.count > 8 { mapping["prepare"]?.error("at most 8 requests can precede a connection") }
    }

    private mutating func readEndpoint(_ captured: VariableScope) {
        let keys = ["url", "url_gives", "resume_url", "query", "resume_query", "headers", "subprotocols", "statuses"]
        guard let value = mapping.required("endpoint"), let endpoint = value.mapping(keys: keys) else { return }
        if let url = endpoint.required("url").flatMap({ TextTemplate.read($0, scope) }) { profile.endpoint.url = url }
        profile.endpoint.resumeURL = endpoint["resume_url"].flatMap { TextTemplate.read($0, captured) }
        profile.endpoint.query = HeaderTemplate.read(endpoint["query"], scope, areHeaders: false)
        let resumeScope = captured.adding([Profile.BuiltInVariable.lastSequence.rawValue])
        profile.endpoint.resumeQuery = HeaderTemplate.read(endpoint["resume_query"], resumeScope, areHeaders: false)
        profile.endpoint.headers = HeaderTemplate.read(endpoint["headers"], scope, areHeaders: true)
        profile.endpoint.subprotocols = endpoint["subprotocols"]?.strings() ?? []
        profile.endpoint.statuses = StatusRules.read(endpoint["statuses"])
        checkScheme(of: endpoint["url"])
        if let value = endpoint["url_gives"] { readURLVariable(value) }
        for key in ["resume_url", "resume_query"] where mapping["resume"] == nil && endpoint[key] != nil {
            endpoint.error(atKey: key, "`\(key)` is never used without `resume`; add that, or remove this")
        }
    }

    private mutating func readURLVariable(_ value: ConfigurationValue) {
        guard let name = value.string() else { return }
        let addresses = profile.variables.filter { $0.kind == .url }.map(\.name)
        guard addresses.contains(name) else {
            value.error(
                "`url_gives` takes a variable of the type `url`\(Spelling.suggestion(for: name, among: addresses))")
            return
        }
        guard !profile.endpointIsOverridable else {
            value.error("a stream's `url` is the address of this profile's WebSocket already; remove `url_gives`")
            return
        }
        profile.endpoint.urlVariable = name
    }

    private func checkScheme(of value: ConfigurationValue?) {
        guard let value, case .literal(let text)? = profile.endpoint.url.parts.first else { return }
        if !["ws://", "wss://"].contains(where: { text.lowercased().hasPrefix($0) }) {
            value.error("the address of a WebSocket begins with wss:// or ws://")
        }
    }

    private mutating func readToken() {
        guard let token = mapping["token"]?.mapping(keys: ["renew_on_reconnect", "minimum_validity"]) else { return }
        profile.token.renewOnReconnect = token["renew_on_reconnect"]?.bool() ?? false
        if let validity = token["minimum_validity"]?.duration(in: .zero ... .seconds(86_400)) {
            profile.token.minimumValidity = validity
        }
    }

    private mutating func readExchanges(_ captured: VariableScope) {
        profile.open = mapping["open"].map { readExchange($0, captured) } ?? .init()
        if let value = mapping["resume"] {
            var resume = readExchange(value, captured.adding([Profile.BuiltInVariable.lastSequence.rawValue]))
            resume.acknowledgedBy = resume.acknowledgedBy ?? profile.open.acknowledgedBy
            profile.resume = resume
        }
        let isAcknowledged = profile.open.acknowledgedBy != nil
        profile.acknowledgment = isAcknowledged ? .message : .firstMessageOrQuiet
        guard let value = mapping["live_when"] else { return }
        let rule: StreamPolicy.AcknowledgmentRule? = value.choice([
            ("acknowledged", .message), ("first_message_or_quiet", .firstMessageOrQuiet), ("open", .open),
        ])
        guard let rule else { return }
        if rule == .message, !isAcknowledged, mapping["open"]?.mapping()?["acknowledged_by"] == nil {
            value.error("live when acknowledged, but nothing can acknowledge; add `acknowledged_by` under `open`")
        } else if rule != .message, isAcknowledged {
            value.error("`acknowledged_by` is given but not waited for; write `acknowledged`, or remove it")
        }
        profile.acknowledgment = rule
    }

    private func readExchange(_ value: ConfigurationValue, _ scope: VariableScope) -> Profile.Exchange {
        guard let mapping = value.mapping(keys: ["send", "acknowledged_by"]) else { return .init() }
        return Profile.Exchange(
            send: mapping["send"].map { JSONTemplate.readMessages($0, scope) } ?? [],
            acknowledgedBy: mapping["acknowledged_by"].flatMap { MessagePattern.read($0, scope) })
    }

    private static let roles: [(key: String, role: MessageFacts.Role)] = [
        ("refusal", .refusal), ("hello", .hello), ("close_notice", .closeNotice),
        ("credential_notice", .credentialNotice), ("heartbeat_answer", .heartbeatAnswer), ("heartbeat", .heartbeat),
    ]

    private mutating func readMessages(_ captured: VariableScope) {
        guard let messages = mapping["messages"]?.mapping(keys: Self.roles.map(\.key)) else { return }
        for (key, role) in Self.roles {
            if let value = messages[key] { profile.messages[role] = MessagePattern.read(value, captured) }
        }
    }

    private mutating func readSequence() {
        if let value = mapping["identifier"] {
            let values = value.isList ? value.list() ?? [] : [value]
            profile.identifier = values.compactMap(JSONPointer.read)
            if values.count > 4 { value.error("an identifier has at most 4 parts") }
        }
        let keys = ["at", "promise", "starts_at", "channel", "type", "counts_acknowledgments"]
        guard let sequence = mapping["sequence"]?.mapping(keys: keys) else { return }
        let pointer = sequence.required("at").flatMap(JSONPointer.read)
        let isContiguous: Bool? =
            sequence["promise"].map {
                $0.choice([("contiguous", true), ("monotonic", false)])
            } ?? true
        let start = sequence["starts_at"]?.int(in: 0 ... .max)
        if isContiguous == false, let value = sequence["starts_at"] {
            value.error("a start is known only of numbers that are contiguous; remove it")
        }
        let channel = sequence["channel"].flatMap(JSONPointer.read)
        let allowsText = sequence["type"]?.choice([("integer", false), ("string", true)]) ?? false
        guard let pointer, let isContiguous else { return }
        profile.sequence = Profile.Sequence(
            pointer: pointer, channel: channel, allowsText: allowsText,
            rule: isContiguous ? .contiguous(startsAt: start.map { UInt64($0) }) : .monotonic,
            countsAcknowledgments: sequence["counts_acknowledgments"]?.bool() ?? false)
    }

    private mutating func readReplies(_ captured: VariableScope) {
        guard let value = mapping["replies"], let list = value.list() else { return }
        if list.count > 8 { value.error("at most 8 kinds of message can be replied to") }
        for item in list {
            guard let mapping = item.mapping(keys: ["when", "capture", "send"]) else { continue }
            let pattern = mapping.required("when").flatMap { MessagePattern.read($0, captured) }
            let captures = PrepareRequest.Capture.read(mapping["capture"], taken: captured.names)
            let scope = captured.adding(captures.map(\.variable) + [Profile.BuiltInVariable.lastSequence.rawValue])
            let message = mapping.required("send").flatMap { JSONTemplate.readMessage($0, scope) }
            guard let pattern, let message else { continue }
            profile.replies.append(Profile.Reply(pattern: pattern, captures: captures, send: message))
        }
    }

    private mutating func readHeartbeat(_ captured: VariableScope) {
        guard let heartbeat = mapping["heartbeat"]?.mapping(keys: ["send", "interval_from"]) else { return }
        let inHeartbeat = captured.adding([Profile.BuiltInVariable.lastSequence.rawValue])
        profile.heartbeat.send = heartbeat["send"].flatMap { JSONTemplate.readMessage($0, inHeartbeat) }
        if let value = heartbeat["interval_from"], let name = value.string() {
            let known = profile.captures.map(\.variable)
            if !known.contains(name) {
                value.error(
                    "`interval_from` takes a variable of `capture`\(Spelling.suggestion(for: name, among: known))")
            }
            profile.heartbeat.intervalVariable = name
        }
        if profile.heartbeat.send != nil, profile.messages[.heartbeatAnswer] == nil,
            mapping["messages"]?.mapping()?["heartbeat_answer"] == nil
        {
            heartbeat["send"]?.error("nothing can answer this heartbeat; add `heartbeat_answer` under `messages`")
        }
    }

    private mutating func readLifecycle() {
        if let limits = mapping["limits"]?.mapping(keys: ["streams_per_credential"]) {
            profile.streamsPerCredential = limits["streams_per_credential"]?.int(in: 1...1_000_000)
        }
        let keys = ["handover", "reconnects_per_preparation", "planned_close_code"]
        guard let lifecycle = mapping["lifecycle"]?.mapping(keys: keys) else { return }
        profile.lifecycle.handover =
            lifecycle["handover"]?.choice([
                ("break_before_make", .breakBeforeMake), ("make_before_break", .makeBeforeBreak),
            ]) ?? .breakBeforeMake
        profile.lifecycle.reconnectsPerPreparation =
            lifecycle["reconnects_per_preparation"]?.int(in: 0...1_000_000) ?? 0
        // RFC 6455, section 7.4.2: what a client may send of its own accord.
        if let code = lifecycle["planned_close_code"] {
            let number = code.int(in: 1000...4999) ?? 1000
            if (1001..<3000).contains(number) { code.error("a client closes with 1000 or a code from 3000 to 4999") }
            profile.lifecycle.plannedCloseCode = UInt16(number)
        }
    }

    /// Patterns that can never match, because an earlier role takes every such message.
    private func checkPatterns() {
        for session in SessionKind.allCases where session == .open || profile.resume != nil {
            if profile.compiler(for: session, variables: [:]).isTooLarge {
                mapping.value.error("more than 64 places or conditions to look at; simplify the patterns")
                return
            }
            for (index, role) in Profile.precedence.enumerated() {
                guard let pattern = pattern(role, session) else { continue }
                for earlier in Profile.precedence[..<index] {
                    guard let other = self.pattern(earlier, session), other.covers(pattern) else { continue }
                    value(of: role, session).error(
                        "can never match: every such message is taken for `\(Self.word(earlier))`; make that one narrower"
                    )
                }
            }
        }
    }

    /// An answer can't hold the identifier of an attempt that was never told to the server.
    private func checkCorrelation() {
        let name = Profile.BuiltInVariable.correlationID.rawValue
        let endpoint = profile.endpoint
        let inHandshake = (endpoint.query + endpoint.resumeQuery + endpoint.headers).map(\.value.variables)
        let inRequests = profile.prepare.map { $0.body?.variables ?? [] }
        let others = (inHandshake + inRequests).reduce(into: Set<String>()) { $0.formUnion($1) }
        guard !others.contains(name) else { return }
        for session in SessionKind.allCases where session == .open || profile.resume != nil {
            let exchange = profile.exchange(for: session)
            guard let pattern = exchange.acknowledgedBy, pattern.alternatives.allSatisfy({ $0.uses(name) }),
                !exchange.send.contains(where: { $0.variables.contains(name) })
            else { continue }
            value(of: .acknowledgment, session).error(
                "can never match: `{\(name)}` is new for each attempt, and no message sends it; add it to `send`")
            return
        }
    }

    private func pattern(_ role: MessageFacts.Role, _ session: SessionKind) -> MessagePattern? {
        role == .acknowledgment ? profile.exchange(for: session).acknowledgedBy : profile.messages[role]
    }

    private func value(of role: MessageFacts.Role, _ session: SessionKind) -> ConfigurationValue {
        if role == .acknowledgment {
            let own = mapping[session.rawValue]?.mapping()?["acknowledged_by"]
            return own ?? mapping["open"]?.mapping()?["acknowledged_by"] ?? mapping.value
        }
        return mapping["messages"]?.mapping()?[Self.word(role)] ?? mapping.value
    }

    private static func word(_ role: MessageFacts.Role) -> String {
        roles.first { $0.role == role }?.key ?? "acknowledged_by"
    }
}

extension [MessagePattern.Condition] {
    /// Whether one of the conditions compares with the variable `name`.
    fileprivate func uses(_ name: String) -> Bool {
        MessagePattern(alternatives: [self]).variables.contains(name)
    }
}
