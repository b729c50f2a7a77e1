public import ConfigurationReader

/// What is wrong with the text of a fault script: every mistake, with its position.
public struct FaultScriptError: Error, CustomStringConvertible {
    /// The mistakes in the order of the file.
    public var diagnostics: [Diagnostic]

    /// The mistakes, one a line, as `file:line:column: message`.
    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}

extension FaultScript {
    /// Reads a script from YAML text that is called `file` in messages.
    ///
    /// ```yaml
    /// seed: 42
    /// repeat: 2m            # the steps with `at` happen again after this long; omitted: once
    /// steps:
    ///   - {at: 5s, fault: drop}
    ///   - {every: 20s, jitter: 5s, fault: {gap: 3}, probability: 0.5}
    ///   - {on: connect 2, fault: {bad_gateway: {times: 3}}, stream: {path: /public}}
    /// ```
    public init(text: String, file: String) throws(FaultScriptError) {
        try self.init(document: ConfigurationDocument(text: text, file: file))
    }

    /// Reads a script from the YAML file at `path`.
    public init(path: String) throws(FaultScriptError) {
        try self.init(document: ConfigurationDocument(path: path))
    }

    private init(document: ConfigurationDocument) throws(FaultScriptError) {
        self.init()
        if let mapping = document.root?.mapping(keys: ["seed", "repeat", "steps"]) {
            if let number = mapping["seed"]?.int(in: 0...Int.max) { seed = UInt64(number) }
            period = mapping["repeat"]?.duration(in: .milliseconds(1) ... .seconds(86_400 * 365))
            let values = mapping.required("steps")?.list() ?? []
            steps = values.compactMap { FaultStep($0, defaultTrigger: nil) }
            if steps.count > FaultEngine.maximumSteps {
                mapping.error(atKey: "steps", "more than \(FaultEngine.maximumSteps) steps; leave some out")
            }
        }
        if document.hasErrors { throw FaultScriptError(diagnostics: document.diagnostics) }
    }
}

extension FaultStep {
    /// Reads one step from YAML or JSON that is called `file` in messages. Without `at`, `every` and `on` it strikes
    /// at once.
    public init(bytes: [UInt8], file: String) throws(FaultScriptError) {
        let document = ConfigurationDocument(bytes: bytes, file: file)
        let step = document.root.flatMap { FaultStep($0, defaultTrigger: .at(.zero)) }
        guard let step, !document.hasErrors else { throw FaultScriptError(diagnostics: document.diagnostics) }
        self = step
    }

    /// Reads a step; nil where it is none, which is reported.
    fileprivate init?(_ value: ConfigurationValue, defaultTrigger: FaultTrigger?) {
        let keys = ["at", "every", "jitter", "on", "fault", "stream", "probability", "limit"]
        guard let mapping = value.mapping(keys: keys) else { return nil }
        mapping.exclusive(["at", "every", "on"])
        let trigger = FaultTrigger(mapping, otherwise: defaultTrigger)
        let fault = mapping.required("fault").flatMap { Fault($0) }
        var scope = FaultScope()
        if let stream = mapping["stream"]?.mapping(keys: ["client_id", "subscription", "path"]) {
            scope.clientID = stream["client_id"]?.string(allowingEmpty: false)
            scope.subscription = stream["subscription"]?.string(allowingEmpty: false)
            scope.path = stream["path"]?.string(allowingEmpty: false)
        }
        let probability = mapping["probability"].map { $0.double(in: 0...1) }
        let limit = mapping["limit"]?.int(in: 1 ... .max)
        guard let trigger, let fault else { return nil }
        self.init(trigger, fault, scope: scope, probability: (probability ?? 1) ?? 1, limit: limit)
    }
}

extension FaultTrigger {
    /// The longest time that a step may wait.
    private static let times: ClosedRange<Duration> = .zero ... .seconds(86_400 * 365)

    fileprivate init?(_ mapping: ConfigurationMapping, otherwise: FaultTrigger?) {
        if mapping["every"] == nil, mapping["jitter"] != nil {
            mapping.error(atKey: "jitter", "`jitter` needs `every`; remove it, or give an interval")
        }
        if let at = mapping["at"] {
            guard let time = at.duration(in: Self.times) else { return nil }
            self = .at(time)
        } else if let every = mapping["every"] {
            guard let interval = every.duration(in: .milliseconds(1)...Self.times.upperBound) else { return nil }
            let jitter = mapping["jitter"].map { $0.duration(in: .zero...interval / 2) }
            self = .every(interval, jitter: (jitter ?? .zero) ?? .zero)
        } else if let on = mapping["on"] {
            self.init(fact: on)
        } else if let otherwise {
            self = otherwise
        } else {
            mapping.value.error("when? Give `at: 5s`, `every: 20s` or `on: connect`")
            return nil
        }
    }

    /// `connect`, `connect 3`, `{connect: 3}`, and likewise `message`.
    private init?(fact: ConfigurationValue) {
        if fact.isMapping {
            guard let mapping = fact.mapping(keys: ["connect", "message"]) else { return nil }
            mapping.exclusive(["connect", "message"])
            if let number = mapping["connect"]?.int(in: 1 ... .max) {
                self = .connect(number)
            } else if let number = mapping["message"]?.int(in: 1 ... .max) {
                self = .message(number)
            } else {
                return nil
            }
            return
        }
        guard let text = fact.string() else { return nil }
        let words = text.split(separator: " ")
        let number = words.count > 1 ? Int(words[1]) : nil
        guard let kind = words.first, words.count <= 2, words.count == 1 || (number ?? 0) > 0,
            kind == "connect" || kind == "message"
        else {
            let near = Spelling.suggestion(for: text, among: ["connect", "message"])
            fact.error("expected `connect`, `message`, or one of them with a number, such as `connect 3`\(near)")
            return nil
        }
        self = kind == "connect" ? .connect(number) : .message(number)
    }
}
