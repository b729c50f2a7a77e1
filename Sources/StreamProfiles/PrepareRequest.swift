public import StreamModel

/// An HTTP request that is made before a connection, and what is kept of its answer.
public struct PrepareRequest: Hashable, Sendable {
    /// The methods that a request may have.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// A request ready to be sent.
    public struct Rendered: Hashable, Sendable {
        /// The method.
        public var method: Method
        /// The address, `http` or `https`.
        public var url: String
        /// The headers in order; `Content-Type: application/json` is among them where there is a body.
        public var headers: [Header]
        /// The body; nil: none.
        public var body: [UInt8]?
    }

    /// An item of a list that the server did not accept.
    public struct Rejection: Hashable, Sendable {
        /// The item, as the server names it.
        public var item: String
        /// Why; empty where the server does not say.
        public var reason: String

        /// `item` was not accepted.
        public init(item: String, reason: String) {
            self.item = item
            self.reason = reason
        }
    }

    /// What a successful answer brought.
    public struct Success: Hashable, Sendable {
        /// The variables that the answer gave.
        public var variables: [String: VariableValue]
        /// The items that were not accepted, for people; the others were.
        public var rejections: [Rejection]
    }

    /// A check of each item of a list in the answer.
    public struct ListCheck: Hashable, Sendable {
        /// Where the list is.
        public var list: JSONPointer
        /// Where in an item its name is.
        public var item: JSONPointer
        /// Where in an item its state is.
        public var state: JSONPointer
        /// The states that mean that it was not accepted.
        public var rejected: [String]
        /// Where in an item the reason is.
        public var reason: JSONPointer?
    }

    /// A variable and where in the answer it is.
    public struct Capture: Hashable, Sendable {
        /// The variable's name.
        public var variable: String
        /// The place.
        public var pointer: JSONPointer

        /// The variable `variable` is at `pointer`.
        public init(variable: String, pointer: JSONPointer) {
            self.variable = variable
            self.pointer = pointer
        }
    }

    /// What to call it in messages.
    public var name: String
    /// The method.
    public var method: Method
    /// The address.
    public var url: TextTemplate
    /// The query, added to the address.
    public var query: [HeaderTemplate]
    /// The headers.
    public var headers: [HeaderTemplate]
    /// The body.
    public var body: JSONTemplate?
    /// The statuses that mean success.
    public var expectedStatuses: Set<Int>
    /// What the others mean.
    public var statuses: StatusRules
    /// What the answer must hold to be a success, for services that answer 200 to everything.
    public var requirement: MessagePattern?
    /// Where the answer says what went wrong.
    public var errorPointer: JSONPointer?
    /// What is kept of the answer.
    public var captures: [Capture]
    /// The check of a list in the answer.
    public var listCheck: ListCheck?

    /// The request with its variables put in.
    public func render(_ variables: [String: VariableValue]) throws(RenderingError) -> Rendered {
        var headers: [Header] = []
        for header in self.headers {
            headers.append(Header(name: header.name, value: try header.renderValue(variables)))
        }
        let body = try self.body?.render(variables)
        if body != nil, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(Header(name: "Content-Type", value: "application/json"))
        }
        let address = try URLBuilding.append(query, to: try url.renderURL(variables), variables)
        guard URLBuilding.isSound(address, schemes: ["http", "https"]) else { throw RenderingError.badAddress }
        return Rendered(method: method, url: address, headers: headers, body: body)
    }

    /// What the server's answer means.
    ///
    /// - Parameters:
    ///   - retryAfter: what the header `Retry-After` asked for.
    ///   - body: the answer's body, whatever its type; it is looked at only if it is JSON.
    public func outcome(
        status: Int, retryAfter: Duration? = nil, body: [UInt8]
    ) -> Result<Success, AttemptFailureError> {
        let document = try? JSONDocument(parsing: body)
        let explanation = errorPointer.flatMap { document?.value(at: $0)?.text } ?? Self.usualExplanation(document)
        guard expectedStatuses.contains(status) else {
            let detail = "\(name): status \(status)" + (explanation.map { ": \($0)" } ?? "")
            return .failure(.init(statuses.failure(forStatus: status, retryAfter: retryAfter, detail: detail)))
        }
        if let requirement, !requirement.holds(for: body) {
            let detail = PlainText.line("\(name): the answer says no" + (explanation.map { ": \($0)" } ?? ""))
            return .failure(
                .init(AttemptFailure(reason: .other, httpStatus: status, retryAfter: retryAfter, detail: detail)))
        }
        var variables: [String: VariableValue] = [:]
        for capture in captures {
            guard let value = document?.value(at: capture.pointer)?.variableValue else {
                let detail =
                    "\(name): the answer has no `\(capture.pointer)`, which `\(capture.variable)` is taken from"
                return .failure(.init(AttemptFailure(reason: .protocol, httpStatus: status, detail: detail)))
            }
            variables[capture.variable] = value
        }
        return .success(Success(variables: variables, rejections: rejections(in: document)))
    }

    private func rejections(in document: JSONDocument?) -> [Rejection] {
        guard let listCheck, case .list(let items)? = document?.value(at: listCheck.list) else { return [] }
        return items.compactMap { item in
            guard let state = item.value(at: listCheck.state)?.text, listCheck.rejected.contains(state) else {
                return nil
            }
            let name = item.value(at: listCheck.item)?.text ?? "(without a name)"
            let reason = listCheck.reason.flatMap { item.value(at: $0)?.text } ?? ""
            return Rejection(item: PlainText.line(name), reason: PlainText.line(reason))
        }
    }

    private static func usualExplanation(_ document: JSONDocument?) -> String? {
        for name in ["message", "error_description", "error"] {
            if case .string(let text)? = document?.root.member(name), !text.isEmpty { return text }
        }
        return nil
    }
}

/// An attempt's failure as an error.
public struct AttemptFailureError: Error, Hashable, Sendable {
    /// The failure.
    public var failure: AttemptFailure

    /// `failure` as an error.
    public init(_ failure: AttemptFailure) {
        self.failure = failure
    }
}

/// A header or a parameter of a query, ready to be sent.
public struct Header: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: String

    /// The header `name` with `value`.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A header, or a parameter of a query, with variables in its value.
public struct HeaderTemplate: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: TextTemplate

    /// The value with its variables put in. Line breaks and other control characters can't be in a header (RFC 9110,
    /// section 5.5): each becomes a space.
    func renderValue(_ variables: [String: VariableValue]) throws(RenderingError) -> String {
        let text = try value.render(variables)
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
