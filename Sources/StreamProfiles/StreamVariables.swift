public import ConfigurationReader

extension Profile {
    /// The keys that a stream of this profile has beside those of every stream.
    public var variableNames: [String] { variables.map(\.name) }

    /// The variables that a stream gives to this profile; nil where one is missing or wrong, which is reported.
    ///
    /// - Parameters:
    ///   - mapping: the stream.
    ///   - hasURL: whether the stream has a `url` of its own, so that the profile's address is not needed.
    public func readVariables(from mapping: ConfigurationMapping, hasURL: Bool) -> [String: VariableValue]? {
        readVariables(from: mapping, hasURL: hasURL, needed: neededVariables(hasURL: hasURL).sorted())
    }

    func readVariables(
        from mapping: ConfigurationMapping, hasURL: Bool, needed: [String]
    ) -> [String: VariableValue]? {
        let errorsBefore = mapping.value.errorCount
        var values: [String: VariableValue] = [:]
        for declaration in variables {
            if let given = mapping[declaration.name] { values[declaration.name] = declaration.read(given) }
        }
        if hasURL, let name = endpoint.urlVariable {
            if mapping[name] != nil { mapping.exclusive(["url", name]) }
            // A wrong address was reported: what would stand in for it is not missed as well.
            values[name] = mapping["url"].flatMap(readOrigin) ?? .string("")
        } else if hasURL, !endpointIsOverridable {
            reportURL(in: mapping)
        }
        resolveDefaults(&values, needed: needed, mapping)
        return mapping.value.errorCount == errorsBefore ? values : nil
    }

    /// Whether a stream's `url` can stand in for the profile's: not where the address comes out of a prepared request.
    public var endpointIsOverridable: Bool {
        let captured = Set(prepare.flatMap(\.captures).map(\.variable))
        return endpoint.url.variables.isDisjoint(with: captured)
    }

    /// Scheme and authority of an address whose path does not matter, as the address of an HTTP server.
    private func readOrigin(_ value: ConfigurationValue) -> VariableValue? {
        guard let text = value.string(allowingEmpty: false) else { return nil }
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let schemes = ["ws": "http", "wss": "https", "http": "http", "https": "https"]
        guard parts.count == 2, let scheme = schemes[parts[0].lowercased()],
            URLBuilding.isSound(text, schemes: Array(schemes.keys))
        else {
            value.error("expected an address such as https://api.example.org, with its scheme and without spaces")
            return nil
        }
        return .string("\(scheme)://\(parts[1].prefix { $0 != "/" && $0 != "?" && $0 != "#" })")
    }

    private func reportURL(in mapping: ConfigurationMapping) {
        let others = variables.filter { $0.kind == .url }.map { "`\($0.name)`" }
        let advice = others.isEmpty ? "remove it" : "give \(others.joined(separator: " or ")) instead"
        mapping.error(atKey: "url", "profile `\(name)` gets its address from a request that it makes first; \(advice)")
    }

    /// The variables that something of this profile holds; those of its address left out where a stream's `url` stands
    /// in for it.
    func neededVariables(hasURL: Bool) -> Set<String> {
        var needed: Set<String> =
            hasURL ? [] : endpoint.url.variables.union(endpoint.resumeURL?.variables ?? [])
        for template in endpoint.query + endpoint.resumeQuery + endpoint.headers {
            needed.formUnion(template.value.variables)
        }
        for request in prepare {
            needed.formUnion(request.url.variables)
            for template in request.query + request.headers { needed.formUnion(template.value.variables) }
            needed.formUnion(request.body?.variables ?? [])
        }
        for template in open.send + (resume?.send ?? []) + [heartbeat.send].compactMap({ $0 }) {
            needed.formUnion(template.variables)
        }
        for reply in replies {
            let own = Set(reply.captures.map(\.variable))
            needed.formUnion(reply.send.variables.union(reply.pattern.variables).subtracting(own))
        }
        return needed.union(matcherVariables)
    }

    /// The variables that a stream's `url` makes unnecessary.
    private var addressVariables: Set<String> {
        if endpointIsOverridable { return endpoint.url.variables }
        guard let declaration = variables.first(where: { $0.name == endpoint.urlVariable }) else { return [] }
        guard case .template(let template)? = declaration.defaultValue else { return [declaration.name] }
        return template.variables
    }

    /// Fills in defaults, those made of other variables after those; reports what nothing gives.
    private func resolveDefaults(
        _ values: inout [String: VariableValue], needed: [String], _ mapping: ConfigurationMapping
    ) {
        var missing: [String] = []
        var pending = needed
        var seen = Set(pending)
        var templates: [(name: String, template: TextTemplate)] = []
        while let name = pending.popLast() {
            guard mapping[name] == nil, values[name] == nil,
                let declaration = variables.first(where: { $0.name == name })
            else { continue }
            switch declaration.defaultValue {
            case .value(let value): values[name] = value
            case .template(let template):
                templates.append((name, template))
                for other in template.variables.sorted() where seen.insert(other).inserted { pending.append(other) }
            case nil: missing.append(name)
            }
        }
        for name in missing.sorted() {
            let isForURL = addressVariables.contains(name)
            mapping.value.error(
                "`\(name)` is missing, which profile `\(self.name)` needs; add it\(isForURL ? ", or a `url`" : "")")
        }
        // A default may be made of another default; each round settles at least one.
        for _ in templates {
            for (name, template) in templates where values[name] == nil {
                if let text = try? template.render(values) { values[name] = .string(text) }
            }
        }
    }
}

extension VariableDeclaration {
    /// The variable's value as a stream gives it; nil where it is wrong, which is reported.
    func read(_ value: ConfigurationValue) -> VariableValue? {
        switch kind {
        case .string:
            guard let text = value.string(allowingEmpty: false) else { return nil }
            if !choices.isEmpty, !choices.contains(text) {
                let list = choices.map { "`\($0)`" }.joined(separator: ", ")
                value.error("expected one of \(list), found `\(Spelling.excerpt(text))`")
                return nil
            }
            return .string(text)
        case .integer:
            return value.int().map { .integer(Int64($0)) }
        case .boolean:
            return value.bool().map { .boolean($0) }
        case .strings:
            return readStrings(value)
        case .genesysEnvironment:
            return GenesysEnvironments.read(value).map { .string($0) }
        case .url:
            guard let text = value.string(allowingEmpty: false) else { return nil }
            guard URLBuilding.isSound(text, schemes: ["https", "http", "wss", "ws"]) else {
                value.error("expected an address such as https://api.example.org, with its scheme and without spaces")
                return nil
            }
            // What is appended begins with a slash.
            return .string(text.hasSuffix("/") ? String(text.dropLast()) : text)
        }
    }

    private func readStrings(_ value: ConfigurationValue) -> VariableValue? {
        guard let items = value.list() else { return nil }
        let texts = items.compactMap { $0.string(allowingEmpty: false) }
        guard texts.count == items.count else { return nil }
        guard !texts.isEmpty else {
            value.error("the list is empty; `\(name)` needs at least one item")
            return nil
        }
        guard texts.count <= maximumItems else {
            value.error(
                "\(texts.count) items, but the service takes at most \(maximumItems); divide them among streams")
            return nil
        }
        var seen: Set<String> = []
        for (text, item) in zip(texts, items) where !seen.insert(text).inserted {
            item.warning("`\(Spelling.excerpt(text))` is in the list twice")
        }
        return .strings(texts)
    }
}

/// The domains of Genesys Cloud's regions. The set grows, so an unknown one is a warning, never an error.
public enum GenesysEnvironments {
    /// The domains that are known.
    public static let known = [
        "mypurecloud.com", "mypurecloud.ie", "mypurecloud.com.au", "mypurecloud.jp", "mypurecloud.de",
        "usw2.pure.cloud", "cac1.pure.cloud", "apne2.pure.cloud", "apne3.pure.cloud", "apse1.pure.cloud",
        "aps1.pure.cloud", "euw2.pure.cloud", "euc2.pure.cloud", "sae1.pure.cloud", "mec1.pure.cloud",
        "mxc1.pure.cloud", "use2.us-gov-pure.cloud",
    ]

    /// The domain that `value` gives; nil where it is none. One that is not known here is a warning.
    public static func read(_ value: ConfigurationValue) -> String? {
        guard let text = value.string(allowingEmpty: false) else { return nil }
        guard isDomain(text) else {
            value.error("expected a domain such as usw2.pure.cloud, without scheme or path")
            return nil
        }
        if !known.contains(text) {
            let near = Spelling.nearest(to: text, among: known).map { "; did you mean `\($0)`?" }
            value.warning("`\(Spelling.excerpt(text))` is no domain of Genesys Cloud that is known here\(near ?? "")")
        }
        return text
    }

    /// Whether `text` has the form of a domain (RFC 1123, section 2.1).
    static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.count >= 2
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy {
                        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                            || $0 == 0x2D
                    }
            }
    }
}
