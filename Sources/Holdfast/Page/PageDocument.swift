import AuditTrail
import StreamModel

/// The page at `/`, for people: every stream with its state, in plain HTML that needs no script. The script takes the
/// table over, and makes it live.
struct PageDocument {
    /// Rows on one page of the table that needs no script: a browser lays them out at once.
    static let rowsPerPage = 200
    /// Newest lines of the audit trail below the table.
    static let eventCount = 20

    let streams: [StreamStatus]
    let newest: [AuditLine]
    let now: Instant
    let wall: WallTime
    let telemetryPath: String

    /// The page number `page`, from 1; the last one where there are not so many.
    func render(page: Int) -> [UInt8] {
        // `sorted` is stable: among equals the order by name remains.
        let ordered = streams.map { (trouble: Trouble($0), status: $0) }.sorted { $0.trouble > $1.trouble }
        let pages = max(1, (ordered.count + Self.rowsPerPage - 1) / Self.rowsPerPage)
        let number = min(max(1, page), pages)
        let first = (number - 1) * Self.rowsPerPage
        let rows = ordered[first..<min(first + Self.rowsPerPage, ordered.count)]
        var html = head
        html += summary(ordered.map(\.trouble))
        html += table(rows.map { row($0.status, $0.trouble) }.joined())
        if pages > 1 { html += links(number, of: pages) }
        html += events
        html += foot
        return Array(html.utf8)
    }

    private var head: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Holdfast</title>
        <link rel="icon" href="assets/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="assets/page.css">
        <script src="assets/theme.js"></script>
        <script src="assets/main.js" type="module"></script>
        <noscript><meta http-equiv="refresh" content="15"></noscript>
        </head>
        <body>
        <a class="skip" href="#streams">Skip to the streams</a>
        <header class="bar">
        <h1><img src="assets/icon.svg" alt="" width="24" height="24">Holdfast</h1>
        <p id="freshness">\(PageText.escaped(StreamsDocument.text(wall)))</p>
        <nav aria-label="Elsewhere">
        <a href="\(PageText.escaped(relativeTelemetryPath))">Metrics</a>
        <a href="api/v1/streams">Streams as JSON</a>
        <a href="api/v1/audit">Audit trail</a>
        </nav>
        <div class="tools" id="tools"></div>
        </header>
        <main>

        """
    }

    /// Relative, so that the page works below a reverse proxy's path. The dot keeps a colon from making it a scheme.
    private var relativeTelemetryPath: String {
        "./" + telemetryPath.drop { $0 == "/" }
    }

    private func summary(_ troubles: [Trouble]) -> String {
        func count(_ wanted: Trouble...) -> Int { troubles.count { wanted.contains($0) } }
        let lost = streams.reduce(0) { $0 &+ $1.tallies.lost }
        let expected = streams.reduce(0.0) { $0 + ($1.isSequenced ? Double($1.tallies.expected) : 0) }
        let isSequenced = streams.contains { $0.isSequenced }
        let continuity = expected > 0 ? max(0, 1 - Double(lost) / expected) : isSequenced ? 1 : nil
        let times = streams.map { $0.coverage.times(at: now) }
        let observed = times.reduce(0.0) { $0 + $1.observed.seconds }
        let coverage = observed > 0 ? min(1, times.reduce(0.0) { $0 + $1.covered.seconds } / observed) : nil
        let tiles: [(name: String, value: String)] = [
            ("Streams", "\(streams.count)"), ("Live", "\(count(.none, .losing))"),
            ("Connecting", "\(count(.starting, .reconnecting))"), ("Down", "\(count(.down))"),
            ("Continuity", PageText.percent(continuity)), ("Coverage", PageText.percent(coverage)),
            ("Lost", "\(lost)"),
        ]
        return "<dl class=\"summary\" id=\"summary\">\n"
            + tiles.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>\n" }.joined()
            + "</dl>\n<div id=\"filters\" class=\"filters\" role=\"search\"></div>\n"
            + "<p id=\"status\" class=\"visually-hidden\" role=\"status\" aria-live=\"polite\"></p>\n"
    }

    private static let columns: [(key: String, title: String)] = [
        ("stream", "Stream"), ("state", "State"), ("continuity", "Continuity"), ("coverage", "Coverage"),
        ("lost", "Lost"), ("retries", "Retries"), ("outage", "Last outage"), ("hour", "Last hour"),
    ]

    private func table(_ rows: String) -> String {
        let titles = Self.columns.map { "<th scope=\"col\" class=\"\($0.key)\">\($0.title)</th>" }.joined()
        let body =
            rows.isEmpty
            ? "<tr class=\"empty\"><td colspan=\"\(Self.columns.count)\">No streams are configured.</td></tr>\n" : rows
        return """
            <div class="columns">
            <section class="streams" aria-labelledby="streams-title">
            <h2 id="streams-title" class="visually-hidden">Streams</h2>
            <table id="streams">
            <thead><tr>\(titles)</tr></thead>
            <tbody>
            \(body)</tbody>
            </table>

            """
    }

    private func row(_ status: StreamStatus, _ trouble: Trouble) -> String {
        let state = status.state.rawValue
        let identity = status.identity
        let stateWords = state.replacing("_", with: " ")
        let lost = status.isSequenced ? "\(status.tallies.lost)" : "–"
        let cells: [(key: String, html: String)] = [
            (
                "state",
                "<span class=\"badge \(state)\">\(stateWords)</span> "
                    + "<small>\(PageText.age(of: status.stateSince, at: wall))</small>"
            ),
            ("continuity", status.isSequenced ? PageText.percent(status.tallies.continuity) : "–"),
            ("coverage", PageText.percent(status.coverage.share(at: now))),
            ("lost", lost),
            (
                "retries",
                "\(status.retryCount)" + (status.retries > 0 ? "<small> of \(status.retries)</small>" : "")
            ),
            ("outage", outage(status)),
            ("hour", ""),
        ]
        return "<tr class=\"trouble-\(trouble.rawValue)\"><th scope=\"row\" class=\"stream\">"
            + "<bdi>\(PageText.escaped(identity.name))</bdi> "
            + "<small>\(PageText.escaped(identity.profile))</small></th>"
            + cells.map { "<td class=\"\($0.key)\">\($0.html)</td>" }.joined() + "</tr>\n"
    }

    private func outage(_ status: StreamStatus) -> String {
        guard let outage = status.outage else {
            guard status.state != .live, let failure = status.lastFailure else { return "–" }
            return "<span>never live</span> <small>\(PageText.escaped(failure.reason))</small>"
        }
        // The largest unit: the second one would only be noise.
        let age = PageText.age(of: outage.began, at: wall).split(separator: " ").prefix(2).joined(separator: " ")
        let text = outage.duration.map { "\(age) ago, for \(PageText.duration($0))" } ?? "down for \(age)"
        return "<span>\(text)</span> "
            + "<small>\(PageText.escaped(outage.cause.replacing("_", with: " ")))</small>"
    }

    private func links(_ number: Int, of pages: Int) -> String {
        func link(_ target: Int, _ text: String) -> String {
            (1...pages).contains(target) ? "<a href=\"?page=\(target)\">\(text)</a>" : "<span>\(text)</span>"
        }
        return "<nav id=\"pages\" class=\"pages\" aria-label=\"Pages\">\(link(number - 1, "Previous")) "
            + "page \(number) of \(pages) \(link(number + 1, "Next"))</nav>\n"
    }

    private var events: String {
        let lines = newest.map { PageText.escaped(String(decoding: $0.bytes, as: UTF8.self)) }.joined()
        return """
            </section>
            <aside id="side" class="side">
            <section id="events" aria-labelledby="events-title">
            <h2 id="events-title">Recent events</h2>
            <pre class="lines">\(lines)</pre>
            </section>
            </aside>
            </div>

            """
    }

    private var foot: String {
        """
        </main>
        <footer>Holdfast \(HoldfastVersion.current)</footer>
        </body>
        </html>

        """
    }
}
