extension ConfigurationValue {
    /// The value as a string, with environment variables put in. A number or a boolean without quotes is a mistake,
    /// because `0123` or `1.10` would not come back as written.
    public func string(allowingEmpty: Bool = true) -> String? {
        guard let scalar = scalar(wanted: "a string"), let text = expanded(scalar) else { return nil }
        if scalar.text == text, scalar.kind != .string {
            wrongType(wanted: "a string", hint: scalar.kind == .null ? "" : "; put it in quotes")
            return nil
        }
        guard allowingEmpty || !text.isEmpty else {
            error("expected a text, found an empty string")
            return nil
        }
        return text
    }

    /// The value as it was written, whatever its form, with environment variables put in: for templates, which look
    /// at ``node`` to know `42` from `"42"`.
    public func text() -> String? {
        scalar(wanted: "a single value").flatMap(expanded)
    }

    /// The value as a whole number within `range`.
    public func int(in range: ClosedRange<Int> = .min ... .max) -> Int? {
        let wanted = "a whole number\(Self.bounds(range))"
        guard let scalar = scalar(wanted: wanted), let resolved = resolved(scalar) else { return nil }
        guard case .integer(let number) = resolved.kind else {
            wrongType(wanted: wanted, hint: scalar.style == .quoted ? "; remove the quotes" : "")
            return nil
        }
        let digits = resolved.text.drop { $0 == "-" || $0 == "+" }
        if digits.count > 1, digits.first == "0", digits.dropFirst().first?.isNumber == true {
            error(
                "a number with leading zeros can be read in two ways; write it without them, or in quotes as a string")
            return nil
        }
        guard let number, range.contains(number) else {
            error("expected \(wanted), found `\(shown(scalar))`")
            return nil
        }
        return number
    }

    /// The value as a number within `range`.
    public func double(
        in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude
    ) -> Double? {
        let isBounded = range.upperBound < .greatestFiniteMagnitude
        let wanted = isBounded ? "a number from \(range.lowerBound) to \(range.upperBound)" : "a number"
        guard let scalar = scalar(wanted: wanted), let resolved = resolved(scalar) else { return nil }
        let number: Double
        switch resolved.kind {
        case .integer(let value?): number = Double(value)
        case .integer(nil): number = Double(resolved.text) ?? .infinity
        case .number(let value): number = value
        case .null, .boolean, .string:
            wrongType(wanted: wanted, hint: scalar.style == .quoted ? "; remove the quotes" : "")
            return nil
        }
        guard range.contains(number) else {
            error("expected \(wanted), found `\(shown(scalar))`")
            return nil
        }
        return number
    }

    /// The value as `true` or `false`.
    public func bool() -> Bool? {
        guard let scalar = scalar(wanted: "true or false"), let resolved = resolved(scalar) else { return nil }
        if case .boolean(let value) = resolved.kind { return value }
        let word = resolved.text.lowercased()
        if ["yes", "on", "y", "true"].contains(word) {
            error("expected true or false, found `\(scalar.text)`; write `true`")
        } else if ["no", "off", "n", "false"].contains(word) {
            error("expected true or false, found `\(scalar.text)`; write `false`")
        } else {
            wrongType(wanted: "true or false")
        }
        return nil
    }

    /// The value as one of an enumeration's raw values.
    public func enumeration<Choice>(_ type: Choice.Type = Choice.self) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        choice(Choice.allCases.map { ($0.rawValue, $0) })
    }

    /// The value as one of the words in `choices`.
    public func choice<Choice>(_ choices: [(word: String, meaning: Choice)]) -> Choice? {
        let words = choices.map { "`\($0.word)`" }.joined(separator: ", ")
        let wanted = "one of \(words)"
        guard let scalar = scalar(wanted: wanted), let text = expanded(scalar) else { return nil }
        if let found = choices.first(where: { $0.word == text }) { return found.meaning }
        if scalar.kind == .null {
            wrongType(wanted: wanted)
        } else {
            let near = Spelling.nearest(to: text, among: choices.map(\.word)).map { "; did you mean `\($0)`?" }
            error("expected \(wanted), found `\(shown(scalar))`\(near ?? "")")
        }
        return nil
    }

    /// The value as a duration in the form of Prometheus: `500ms`, `30s`, `1m30s`, `24h`, `1d`, `0s`, or plain `0`.
    public func duration(in range: ClosedRange<Duration>? = nil) -> Duration? {
        let wanted = "a duration such as 500ms, 30s or 1m30s"
        guard let scalar = scalar(wanted: wanted), let text = expanded(scalar) else { return nil }
        guard scalar.kind != .null, !text.isEmpty else {
            wrongType(wanted: wanted)
            return nil
        }
        switch DurationGrammar.parse(text) {
        case .failure(let problem):
            error("expected \(wanted), found `\(shown(scalar))`: \(problem.message)")
            return nil
        case .success(let duration):
            if let range, !range.contains(duration) {
                let lower = DurationGrammar.format(range.lowerBound)
                let upper = DurationGrammar.format(range.upperBound)
                error("expected a duration from \(lower) to \(upper), found `\(shown(scalar))`")
                return nil
            }
            return duration
        }
    }

    /// The value as a number of bytes: `1MiB`, `64KiB`, `1GB`, or plain bytes.
    public func size(in range: ClosedRange<Int>? = nil) -> Int? {
        let wanted = "a size such as 64KiB, 1MiB or 1048576"
        guard let scalar = scalar(wanted: wanted), let text = expanded(scalar) else { return nil }
        guard scalar.kind != .null, !text.isEmpty else {
            wrongType(wanted: wanted)
            return nil
        }
        switch SizeGrammar.parse(text) {
        case .failure(let problem):
            error("expected \(wanted), found `\(shown(scalar))`: \(problem.message)")
            return nil
        case .success(let bytes):
            if let range, !range.contains(bytes) {
                let lower = SizeGrammar.format(range.lowerBound)
                let upper = SizeGrammar.format(range.upperBound)
                error("expected a size from \(lower) to \(upper), found `\(shown(scalar))`")
                return nil
            }
            return bytes
        }
    }

    /// The text of `scalar` with environment variables put in; nil where one is missing, which is reported.
    func expanded(_ scalar: ConfigurationScalar) -> String? {
        switch EnvironmentExpansion.expand(scalar.text, with: context.environment) {
        case .success(let text):
            if text != scalar.text { context.hide(text, writtenAs: scalar.text) }
            return text
        case .failure(let problem):
            for message in problem.messages { error(message) }
            return nil
        }
    }

    private func scalar(wanted: String) -> ConfigurationScalar? {
        guard case .scalar(let scalar) = node.content else {
            wrongType(wanted: wanted)
            return nil
        }
        return scalar
    }

    /// The scalar after expansion: what `${PORT}` stands for is read by its form, as if it had been written here.
    private func resolved(_ scalar: ConfigurationScalar) -> ConfigurationScalar? {
        expanded(scalar).map { ConfigurationScalar(text: $0, style: scalar.style, tag: scalar.tag) }
    }

    /// What to show of a scalar: as written, so that no variable's value is shown.
    private func shown(_ scalar: ConfigurationScalar) -> String {
        Spelling.excerpt(scalar.text)
    }

    private static func bounds(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (.min, .max): ""
        case (let lower, .max): " of at least \(lower)"
        case (.min, let upper): " of at most \(upper)"
        case (let lower, let upper): " from \(lower) to \(upper)"
        }
    }
}
