/// The header `Accept-Encoding` (RFC 9110 section 12.5.3), as far as it matters here.
enum AcceptEncoding {
    /// True if gzip is named with a quality above 0. `*` is not taken for it: who sends that rarely means to unpack.
    static func acceptsGzip(_ header: String?) -> Bool {
        guard let header else { return false }
        for element in header.split(separator: ",") {
            let parts = element.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let coding = parts.first, coding == "gzip" || coding == "x-gzip" else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2) ?? "1"
            return quality.contains { ("1"..."9").contains($0) }
        }
        return false
    }
}
