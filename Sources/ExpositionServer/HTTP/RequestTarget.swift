/// The target of a request line, taken apart and decoded (RFC 9112 section 3.2).
///
/// libmicrohttpd decodes too, but leaves what it cannot decode as it is, and mixes an escaped slash with a real one.
struct RequestTarget: Sendable, Equatable {
    /// What stands between the slashes, decoded: `/a%2Fb/c` is `["a/b", "c"]`, and `/` is `[""]`.
    var segments: [String]
    /// In the order of the query.
    var query: [QueryParameter]

    struct QueryParameter: Sendable, Equatable {
        var name: String
        var value: String
    }

    static let maximumQueryParameters = 64

    /// Parses the origin form (`/path?query`) and the absolute form (`http://host/path?query`).
    init(parsing text: String) throws(Mistake) {
        var rest = Substring(text)
        for scheme in ["http://", "https://"] where rest.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            rest = rest[(rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex)...]
            if !rest.hasPrefix("/") { rest = "/" + rest }
        }
        guard rest.utf8.first == UInt8(ascii: "/") else {
            throw Mistake(description: "The target of the request must be a path that begins with a slash.")
        }
        let parts = rest.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        segments = []
        for segment in parts[0].dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let decoded = PercentEncoding.decode(segment) else {
                throw Mistake(description: "The path is not valid percent-encoded UTF-8.")
            }
            segments.append(decoded)
        }
        query = []
        guard parts.count == 2 else { return }
        for pair in parts[1].split(separator: UInt8(ascii: "&")) {
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(halves[0], plusIsSpace: true),
                let value = halves.count == 2 ? PercentEncoding.decode(halves[1], plusIsSpace: true) : ""
            else { throw Mistake(description: "The query is not valid percent-encoded UTF-8.") }
            guard query.count < Self.maximumQueryParameters else {
                throw Mistake(description: "The query has more than \(Self.maximumQueryParameters) parameters.")
            }
            query.append(QueryParameter(name: name, value: value))
        }
    }

    /// What is wrong with a target, for the client.
    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }
}
