import ConfigurationReader

extension PrepareRequest {
    private static let keys = [
        "name", "method", "url", "query", "headers", "body", "expect", "statuses", "require", "error", "capture",
        "check",
    ]

    /// One of the requests under `prepare`.
    static func read(_ value: ConfigurationValue, index: Int, _ scope: VariableScope) -> PrepareRequest? {
        guard let mapping = value.mapping(keys: keys), let url = mapping.required("url") else { return nil }
        guard let address = TextTemplate.read(url, scope) else { return nil }
        let name = mapping["name"]?.string(allowingEmpty: false) ?? "request \(index + 1)"
        let method: Method? = mapping["method"].map { $0.enumeration() } ?? .get
        var request = PrepareRequest(
            name: name, method: method ?? .get, url: address,
            query: HeaderTemplate.read(mapping["query"], scope, areHeaders: false),
            headers: HeaderTemplate.read(mapping["headers"], scope, areHeaders: true),
            body: mapping["body"].flatMap { JSONTemplate.readMessage($0, scope) },
            expectedStatuses: [200], statuses: StatusRules.read(mapping["statuses"]),
            captures: PrepareRequest.Capture.read(mapping["capture"], taken: scope.names))
        if let expected = mapping["expect"]?.list() {
            request.expectedStatuses = Set(expected.compactMap { $0.int(in: 200...399) })
            if expected.isEmpty { mapping["expect"]?.error("no status would do; add one such as 200") }
        }
        request.requirement = mapping["require"].flatMap { MessagePattern.read($0, scope) }
        if let requirement = request.requirement, !requirement.variables.isEmpty {
            mapping["require"]?.error("`require` takes no variables; write the value itself")
        }
        request.errorPointer = mapping["error"].flatMap(JSONPointer.read)
        request.listCheck = mapping["check"].flatMap(readCheck)
        if request.method == .head, !request.captures.isEmpty {
            mapping.error(atKey: "capture", "an answer to HEAD has no body to capture from; use GET")
        }
        return request
    }

    private static func readCheck(_ value: ConfigurationValue) -> ListCheck? {
        guard let mapping = value.mapping(keys: ["list", "item", "state", "rejected", "reason"]) else { return nil }
        let list = mapping.required("list").flatMap(JSONPointer.read)
        let item = mapping.required("item").flatMap(JSONPointer.read)
        let state = mapping.required("state").flatMap(JSONPointer.read)
        let rejected = mapping.required("rejected")?.strings()
        let reason = mapping["reason"].flatMap(JSONPointer.read)
        guard let list, let item, let state, let rejected else { return nil }
        return ListCheck(list: list, item: item, state: state, rejected: rejected, reason: reason)
    }
}

extension StatusRules {
    /// A mapping of statuses (`403`) or classes (`5xx`) to meanings, over the usual ones.
    static func read(_ value: ConfigurationValue?) -> StatusRules {
        var rules = StatusRules()
        guard let mapping = value?.mapping() else { return rules }
        for (key, value) in mapping.values {
            let meaning: Meaning? = value.enumeration()
            if let status = Int(key), (300...599).contains(status) {
                rules.statuses[status] = meaning
            } else if ["3xx", "4xx", "5xx"].contains(key), let first = key.first?.wholeNumberValue {
                rules.classes[first] = meaning
            } else {
                mapping.error(
                    atKey: key, "`\(Spelling.excerpt(key))` is no status that refuses; write one such as 403, or `5xx`")
            }
        }
        return rules
    }
}

extension CloseRules {
    /// The key `closes`: under each meaning a list of close codes and beginnings of reasons.
    static func read(_ value: ConfigurationValue?) -> CloseRules {
        var rules = CloseRules()
        guard let mapping = value?.mapping(keys: ["final", "stale_credential", "throttled"]) else { return rules }
        rules.final = readGroup(mapping["final"])
        rules.staleCredential = readGroup(mapping["stale_credential"])
        rules.throttled = readGroup(mapping["throttled"])
        let groups = [
            ("final", rules.final), ("stale_credential", rules.staleCredential), ("throttled", rules.throttled),
        ]
        for (index, (name, group)) in groups.enumerated() {
            for (other, earlier) in groups[..<index] {
                for code in group.codes.intersection(earlier.codes).sorted() {
                    mapping.error(atKey: name, "code \(code) is under `\(other)` already; it has one meaning")
                }
            }
        }
        return rules
    }

    private static func readGroup(_ value: ConfigurationValue?) -> Group {
        var group = Group()
        for item in value?.list() ?? [] {
            guard case .scalar(let scalar) = item.node.content else {
                item.error("expected a close code or the beginning of a reason, found \(item.node.summary)")
                continue
            }
            if case .integer = scalar.kind {
                // RFC 6455, section 7.4: 1005, 1006 and 1015 never come in a frame, but stand for its absence.
                if let code = item.int(in: 1000...4999) { group.codes.insert(UInt16(code)) }
            } else if let prefix = item.string(allowingEmpty: false) {
                group.reasonPrefixes.append(prefix)
            }
        }
        return group
    }
}
