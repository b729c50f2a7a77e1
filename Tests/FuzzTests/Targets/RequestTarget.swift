import MetricsRegistry

@testable import ExpositionServer

extension FuzzTarget {
    /// A request's parts, in lines: the target, then headers of all kinds that are looked into.
    static let request = FuzzTarget(
        name: "request", seeds: ["Fuzzing/Corpus/request"],
        words: [
            "/", "/metrics", "/api/v1/audit", "/api/v1/streams/", "/reconnect", "?limit=", "&follow=true", "stream=",
            "%2F", "%00", "%",
            "%C3%A9", "%c3", "+", "http://", "https://h/", "..", "//", "Basic ", "YTpi", "=",
            "application/openmetrics-text", ";q=0.5",
            "version=1.0.0", "*/*", "gzip", "\"", "\\", ",", "\n", "W/\"",
        ], mostBytes: 2000, shortRun: 1500
    ) { input in
        let lines = String(decoding: input, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        try checkTarget(String(lines.first ?? ""))
        for line in lines.dropFirst().map(String.init) {
            let format = Negotiation.choose(accept: line)
            try demand(!format.contentType.contains("\r"), "a content type with a line's end")
            _ = Negotiation.acceptsGzip(acceptEncoding: line)
            _ = AcceptEncoding.acceptsGzip(line)
            if let credentials = BasicCredentials(authorization: line) {
                try demand(!credentials.user.contains(":"), "a user with a colon")
            }
        }
    }

    private static func checkTarget(_ text: String) throws {
        guard let target = try? RequestTarget(parsing: text) else { return }
        let parts = target.segments + target.query.flatMap { [$0.name, $0.value] }
        for part in parts {
            try demand(
                part.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F },
                "a control character in \(part.debugDescription)")
        }
        try demand(target.query.count <= RequestTarget.maximumQueryParameters, "\(target.query.count) parameters")
        // Encoded anew it is the same.
        let path = target.segments.map { "/" + encode($0) }.joined()
        let query = target.query.map { encode($0.name) + "=" + encode($0.value) }.joined(separator: "&")
        let again = try? RequestTarget(parsing: path + (query.isEmpty ? "" : "?" + query))
        try demand(
            again == target, "\(text.debugDescription) is \(target), and encoded anew \(String(describing: again))")
        let request = Request(method: "GET", target: target)
        if let query = try? AuditRoute.query(of: request) {
            try demand((0...10_000).contains(query.limit), "a limit of \(String(describing: query.limit))")
        }
    }

    private static func encode(_ text: String) -> String {
        text.utf8.map { "%" + String(256 + Int($0), radix: 16).dropFirst() }.joined()
    }
}
