import StreamModel

/// The page at `/`, for people: every stream with its state, in plain HTML that needs no script.
enum PlainPage {
    static func render(_ streams: [StreamStatus], at now: Instant, wall: WallTime) -> [UInt8] {
        var page = """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>Holdfast</title>
            <meta name="viewport" content="width=device-width, initial-scale=1"></head>
            <body>
            <h1>Holdfast</h1>
            <p>\(streams.count) streams at \(StreamsDocument.text(wall)).
            <a href="metrics">Metrics</a>, <a href="api/v1/streams">streams as JSON</a>,
            <a href="api/v1/audit">audit trail</a>.</p>
            <table border="1" cellpadding="4">
            <tr><th>Stream</th><th>Profile</th><th>State</th><th>Since</th><th>Continuity</th><th>Coverage</th>
            <th>Retries</th><th>Lost</th><th>Last outage</th></tr>

            """
        for status in streams { page += row(status, at: now) }
        page += "</table>\n</body>\n</html>\n"
        return Array(page.utf8)
    }

    private static func row(_ status: StreamStatus, at now: Instant) -> String {
        let (observed, covered) = status.coverage.times(at: now)
        let continuity = status.isSequenced ? percent(status.tallies.continuity) : "–"
        let coverage = observed > .zero ? percent(covered.seconds / observed.seconds) : "–"
        let outage = status.outage.map { outage in
            let length = outage.duration.map { "\((($0.seconds) * 1000).rounded() / 1000) s" } ?? "still on"
            return "\(StreamsDocument.text(outage.began)) \(outage.cause), \(length)"
        }
        let cells = [
            status.identity.name, status.identity.profile, status.state.rawValue,
            StreamsDocument.text(status.stateSince), continuity, coverage, String(status.retryCount),
            String(status.tallies.lost), outage ?? "–",
        ]
        return "<tr>" + cells.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>\n"
    }

    private static func percent(_ ratio: Double) -> String {
        // Rounded down: 99.999 % must never read as whole.
        "\((ratio * 100_000).rounded(.down) / 1000) %"
    }

    /// Text from outside never becomes markup.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
