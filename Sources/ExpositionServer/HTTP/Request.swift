/// A request that has arrived completely.
struct Request: Sendable {
    var method: String
    var target: RequestTarget
    /// Values of a header that came several times are joined by commas (RFC 9110 section 5.3).
    var accept: String?
    var acceptEncoding: String?
    var authorization: String?
    /// Under which name the client reached this server; as the client says.
    var host: String?
    var ifNoneMatch: String?
    /// Decoded segments of the path that the route left open, by name.
    var parameters: [String: String] = [:]
    /// Identifies the client for limits.
    var client: UInt64 = 0
    /// Ends the connection on which the request came, if it is still there.
    var endConnection: @Sendable () -> Void = {}

    /// The value of a query parameter that may come once.
    func queryValue(_ name: String) throws(RequestTarget.Mistake) -> String? {
        let values = target.query.filter { $0.name == name }
        guard values.count < 2 else { throw RequestTarget.Mistake(description: "“\(name)” is given more than once.") }
        return values.first?.value
    }

    /// A query parameter that is yes or no; no where it is not given.
    func flag(_ name: String) throws(RequestTarget.Mistake) -> Bool {
        switch try queryValue(name) {
        case nil, "false", "0": false
        case "true", "1": true
        default: throw RequestTarget.Mistake(description: "“\(name)” must be true or false.")
        }
    }
}
