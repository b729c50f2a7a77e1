internal import ConfigurationReader

extension Fault {
    /// The names that a script may use.
    static let names = [
        "drop", "close", "stale_token_close", "half_open", "garbage", "closing_notice", "gap", "duplicate", "reorder",
        "number_reset", "refuse_token", "forbidden", "throttle", "bad_gateway", "slow_handshake", "accept_then_drop",
        "no_ack", "late_ack", "flush", "refuse_replay", "partial_replay", "token_throttle", "token_error",
        "token_reject", "token_delay", "revoke_tokens",
    ]

    /// Reads a fault: its name (`drop`), its name with its main parameter (`{gap: 3}`), or its name with a mapping of
    /// parameters (`{close: {code: 1011, reason: "…"}}`). Nil where it is none, which is reported.
    init?(_ value: ConfigurationValue) {
        var name: String?
        var parameters: ConfigurationValue?
        if value.isMapping {
            guard let mapping = value.mapping() else { return nil }
            guard mapping.values.count == 1, let only = mapping.values.first else {
                value.error("a step has one fault; divide this into steps of their own")
                return nil
            }
            name = only.key
            parameters = only.value
        } else {
            name = value.string(allowingEmpty: false)
        }
        guard let name else { return nil }
        guard Self.names.contains(name) else {
            value.error(
                "unknown fault `\(Spelling.excerpt(name))`\(Spelling.suggestion(for: name, among: Self.names))")
            return nil
        }
        let errors = value.errorCount
        let reader = FaultParameters(parameters)
        guard let fault = Self.striking(name, reader) ?? Self.waiting(name, reader), value.errorCount == errors else {
            return nil
        }
        self = fault
    }

    /// The faults that strike at once.
    private static func striking(_ name: String, _ parameters: FaultParameters) -> Fault? {
        switch name {
        case "drop":
            .drop(parameters.choice("ending", Ending.self, otherwise: .reset))
        case "close":
            .close(
                code: UInt16(parameters.int("code", 1_011, in: 1_000...4_999, others: ["reason"])),
                reason: parameters.string("reason"))
        case "stale_token_close":
            .staleTokenClose(parameters.choice("sign", StaleTokenSign.self, otherwise: .code))
        case "half_open":
            .halfOpen(for: parameters.duration("for", .seconds(30)))
        case "garbage":
            .garbage(count: parameters.int("count", 1, in: 1...1_000))
        case "closing_notice":
            .closingNotice(lead: parameters.duration("lead", .seconds(60)))
        case "gap":
            .gap(count: parameters.int("count", 1, in: 1...1_000_000_000))
        case "duplicate":
            .duplicate(count: parameters.int("count", 1, in: 1...1_000_000))
        case "reorder":
            .reorder(
                distance: parameters.int("distance", 1, in: 1...1_000, others: ["count"]),
                count: parameters.further("count", 1, in: 1...1_000_000))
        case "number_reset":
            parameters.none(.numberReset)
        case "revoke_tokens":
            parameters.none(.revokeTokens)
        default:
            nil
        }
    }

    /// The faults that lie in wait.
    private static func waiting(_ name: String, _ parameters: FaultParameters) -> Fault? {
        switch name {
        case "refuse_token": .refuseToken(parameters.extent())
        case "forbidden": .forbidden(parameters.extent())
        case "bad_gateway": .badGateway(parameters.extent())
        case "accept_then_drop": .acceptThenDrop(parameters.extent())
        case "no_ack": .noAcknowledgment(parameters.extent())
        case "refuse_replay": .refuseReplay(parameters.extent())
        case "token_reject": .tokenReject(parameters.extent())
        case "throttle":
            .throttle(
                retryAfter: parameters.duration("retry_after", .seconds(5), others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "token_throttle":
            .tokenThrottle(
                retryAfter: parameters.duration("retry_after", .seconds(5), others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "slow_handshake":
            .slowHandshake(
                parameters.duration("delay", .seconds(5), others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "token_delay":
            .tokenDelay(
                parameters.duration("delay", .seconds(5), others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "late_ack":
            .lateAcknowledgment(
                after: parameters.duration("after", .seconds(3), others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "flush":
            .flush(
                count: parameters.int("count", 3, in: 1...10_000, others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "partial_replay":
            .partialReplay(
                keep: parameters.int("keep", 1, in: 0...1_000_000, others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        case "token_error":
            .tokenError(
                status: parameters.int("status", 503, in: 500...599, others: FaultParameters.extentKeys),
                parameters.extent(besides: true))
        default: nil
        }
    }
}

/// The parameters of one fault: none, the main one alone, or a mapping. Reading the main one checks the keys.
private struct FaultParameters {
    static let extentKeys = ["times", "for"]

    private let value: ConfigurationValue?
    private let mapping: ConfigurationMapping?

    init(_ value: ConfigurationValue?) {
        let given = value.flatMap { $0.isNull ? nil : $0 }
        self.value = given
        mapping = given.flatMap { $0.isMapping ? $0.mapping() : nil }
    }

    /// The main parameter, `key`; `others` are the further keys that there may be.
    private func main(_ key: String, _ others: [String]) -> ConfigurationValue? {
        guard mapping != nil else { return value }
        return value?.mapping(keys: [key] + others)?[key]
    }

    func int(_ key: String, _ otherwise: Int, in range: ClosedRange<Int>, others: [String] = []) -> Int {
        main(key, others)?.int(in: range) ?? otherwise
    }

    func duration(_ key: String, _ otherwise: Duration, others: [String] = []) -> Duration {
        main(key, others)?.duration(in: .zero ... .seconds(86_400 * 365)) ?? otherwise
    }

    func choice<Choice>(_ key: String, _ type: Choice.Type, otherwise: Choice) -> Choice
    where Choice: RawRepresentable<String> & CaseIterable {
        main(key, [])?.choice(Choice.allCases.map { ($0.rawValue, $0) }) ?? otherwise
    }

    /// A parameter besides the main one, which has checked the keys.
    func further(_ key: String, _ otherwise: Int, in range: ClosedRange<Int>) -> Int {
        mapping?[key]?.int(in: range) ?? otherwise
    }

    func string(_ key: String) -> String {
        guard let given = mapping?[key], let text = given.string() else { return "" }
        if text.utf8.count > 123 {
            given.error("a close reason has at most 123 bytes (RFC 6455, section 5.5); shorten it")
        }
        return text
    }

    /// `times` or `for`; once where neither is given.
    func extent(besides main: Bool = false) -> Fault.Extent {
        guard let mapping else {
            // The main parameter of a fault that has no other is how often it strikes.
            return .count(main ? 1 : value?.int(in: 1...1_000_000) ?? 1)
        }
        if !main { _ = value?.mapping(keys: Self.extentKeys) }
        mapping.exclusive(Self.extentKeys)
        if let duration = mapping["for"] {
            return .duration(duration.duration(in: .milliseconds(1) ... .seconds(86_400 * 365)) ?? .zero)
        }
        return .count(further("times", 1, in: 1...1_000_000))
    }

    /// A fault that has no parameters.
    func none(_ fault: Fault) -> Fault {
        value?.error("this fault has no parameters; write its name alone")
        return fault
    }
}
