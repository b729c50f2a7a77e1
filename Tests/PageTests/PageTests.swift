import ExpositionServer
import Foundation
import GatewaySimulator
import Logging
import StreamModel
import Testing

@testable import Holdfast
@testable import HoldfastCommand

/// The page as people get it, in a browser.
@Suite(.serialized) struct PageTests {
    /// Opens the page of an exporter, runs `body` on it, and sees to it that nothing was amiss.
    private static func look(
        at url: String, fragment: String = "", width: Int = 1440, isScripted: Bool = true,
        _ body: (BrowserPage) async throws -> Void
    ) async throws {
        let browser = try Chromium()
        defer { browser.shutDown() }
        let page = try await BrowserPage(browser, url: url + fragment, width: width, isScripted: isScripted)
        if isScripted {
            try await page.wait(
                for: "document.querySelector('#freshness.fresh') "
                    + "&& !document.querySelector('#streams .empty')?.textContent.includes('Loading')")
        }
        try await body(page)
        #expect(page.problems == [])
        #expect(page.requests.filter { !$0.hasPrefix(url) && $0 != "about:blank" } == [], "asked somebody else")
        await page.close()
    }

    private static func withSample(
        _ fill: (SampleExporter) -> Void, _ body: (SampleExporter) async throws -> Void
    ) async throws {
        let exporter = try SampleExporter()
        defer { exporter.stop() }
        fill(exporter)
        try await body(exporter)
    }

    private static let names =
        "[...document.querySelectorAll('#streams tbody th a')].map((link) => link.textContent).join(' ')"

    @Test func sortsFiltersAndKeys() async throws {
        try await Self.withSample { exporter in
            exporter.addStream("alpha", seed: 1)
            exporter.addStream("beta", profile: "genesys-notify", labels: ["team": "ivr"], seed: 2, [30: [.lose(5)]])
            exporter.addStream(
                "gamma", seed: 3, [58: [.down(.heartbeat, retries: 2, .gatewayError, detail: "502")]])
            exporter.addStream("delta", profile: "genesys-notifications", isSequenced: false, seed: 4)
        } _: { exporter in
            try await Self.look(at: exporter.url) { page in
                // The worst first.
                #expect(try await page.evaluate(Self.names) == "gamma beta alpha delta")
                try await page.evaluate("document.querySelector('th.stream button').click()")
                #expect(try await page.evaluate(Self.names) == "alpha beta delta gamma")
                try await page.evaluate("document.querySelector('th.stream button').click()")
                #expect(try await page.evaluate(Self.names) == "gamma delta beta alpha")
                try await page.evaluate("document.querySelector('th.continuity button').click()")
                // What is not known comes last, and is a dash.
                #expect(try await page.evaluate(Self.names) == "beta alpha gamma delta")
                #expect(
                    try await page.evaluate(
                        "document.querySelector('#streams tr:nth-last-child(2) .continuity').innerText")
                        == "–")
                // Keys: filter, leave the field, move, open, close.
                try await page.press("/")
                try await page.type("ivr")
                #expect(try await page.evaluate(Self.names) == "beta")
                try await page.press("Escape")
                #expect(try await page.evaluate(Self.names) == "beta alpha gamma delta")
                try await page.press("ArrowDown")
                try await page.press("j")
                #expect(try await page.evaluate("document.activeElement.querySelector('a').textContent") == "alpha")
                try await page.press("k")
                try await page.press("Enter")
                try await page.wait(for: "location.hash === '#stream=beta'")
                try await page.wait(for: "document.querySelector('#detail').innerText.includes('lost 5')")
                #expect(try await page.evaluate("document.querySelectorAll('#detail .phase').length") == "6")
                try await page.press("Escape")
                #expect(try await page.evaluate("document.querySelector('#detail').hidden") == "true")
                #expect(try await page.evaluate("document.activeElement.querySelector('a').textContent") == "beta")
                // State and profile.
                try await page.evaluate(
                    """
                    (() => { const [state] = document.querySelectorAll('#filters select');
                      state.value = 'backing_off'; state.dispatchEvent(new Event('change')); })()
                    """)
                #expect(try await page.evaluate(Self.names) == "gamma")
                try await page.evaluate("document.querySelector('#summary button').click()")
                try await page.evaluate(
                    """
                    (() => { const profile = document.querySelectorAll('#filters select')[1];
                      profile.value = 'genesys-notify'; profile.dispatchEvent(new Event('change')); })()
                    """)
                #expect(try await page.evaluate(Self.names) == "beta")
            }
        }
    }

    @Test func hostileNamesAreInert() async throws {
        let names = [
            "<script>window.hit=1</script>", "\"><img src=x onerror=window.hit=2>", "' onclick='window.hit=3",
            "</table><h1>gone", "&lt;b&gt;", "\u{202E}txt.exe", "👩‍👩‍👧 e\u{301}", "#stream=x&y%zz", "a/b?c=d",
            "javascript:alert(1)",
        ]
        try await Self.withSample { exporter in
            for (index, name) in names.enumerated() {
                exporter.addStream(
                    name, profile: name, labels: ["label": name], seed: UInt64(index),
                    [59: [.down(.closedAbnormal, retries: 1, .closed, detail: name)]])
            }
        } _: { exporter in
            for isScripted in [true, false] {
                try await Self.look(at: exporter.url, isScripted: isScripted) { page in
                    guard isScripted else { return }
                    let shown = try await page.evaluate(
                        "JSON.stringify([...document.querySelectorAll('#streams tbody th bdi')].map((n) => n.textContent))"
                    )
                    let decoded = try JSONDecoder().decode([String].self, from: Data(shown.utf8))
                    #expect(Set(decoded) == Set(names))
                    for (index, name) in names.enumerated() {
                        try await page.evaluate(
                            "[...document.querySelectorAll('#streams tbody th bdi')]"
                                + ".find((n) => n.textContent === decodeURIComponent('\(encoded(name))')).click()")
                        try await page.wait(
                            for: "document.querySelector('#detail-title').textContent "
                                + "=== decodeURIComponent('\(encoded(name))') "
                                + "&& document.querySelectorAll('#detail .event.bad').length > 0")
                        if index == 0 { #expect(try await page.evaluate("window.hit") == "undefined") }
                    }
                    #expect(try await page.evaluate("window.hit") == "undefined")
                    #expect(try await page.evaluate("document.querySelectorAll('h1').length") == "1")
                }
            }
        }
    }

    private func encoded(_ text: String) -> String {
        text.utf8.map { "%" + String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
    }

    @Test func fiveThousandStreamsAreQuickToUse() async throws {
        try await Self.withSample { exporter in
            for index in 0..<5_000 {
                let identity = StreamIdentity(name: "queue-\(index)", profile: "genesys-architect", clientID: "c")
                var status = StreamStatus(identity, isSequenced: true, at: exporter.wall(-60))
                status.note(.stateChanged(.live), at: exporter.instant(-60), wall: exporter.wall(-60))
                _ = exporter.board.add(status)
            }
        } _: { exporter in
            try await Self.look(at: exporter.url) { page in
                try await page.wait(for: "document.querySelector('.shown').textContent === '5,000 streams'")
                #expect(
                    (Int(try await page.evaluate("document.querySelectorAll('#streams tbody tr').length")) ?? 0) < 80)
                try await page.press("End")
                try await page.wait(for: "document.activeElement.querySelector?.('a')?.textContent === 'queue-4999'")
                try await page.press("Home")
                try await page.wait(for: "document.activeElement.querySelector?.('a')?.textContent === 'queue-0'")
                // Typing a letter must not be felt; a slow machine is given ten times what is comfortable.
                let milliseconds = try await page.evaluate(
                    """
                    (() => { const field = document.querySelector('#filter'); field.value = 'queue-49';
                      const began = performance.now(); field.dispatchEvent(new Event('input'));
                      return performance.now() - began; })()
                    """)
                #expect((Double(milliseconds) ?? .infinity) < 1_000)
                #expect(
                    try await page.evaluate("document.querySelector('.shown').textContent") == "111 of 5,000 streams")
            }
        }
    }

    @Test func themesNarrowScreensAndTheEmptyPage() async throws {
        try await Self.withSample { _ in
        } _: { exporter in
            try await Self.look(at: exporter.url) { page in
                try await page.wait(for: "document.body.innerText.includes('No streams are configured.')")
                let color = "getComputedStyle(document.body).backgroundColor"
                let light = try await page.evaluate(color)
                try await page.evaluate("document.querySelector('#tools button').click()")
                #expect(try await page.evaluate(color) != light)
                try await page.evaluate("location.reload()")
                try await page.wait(for: "document.documentElement.dataset.theme === 'dark'")
                try await page.evaluate("localStorage.clear()")
                // A stream that is added while somebody looks.
                exporter.addStream("a-stream-with-quite-a-long-name-for-a-narrow-screen", seed: 1, [30: [.lose(2)]])
                try await page.wait(for: "document.querySelector('#streams tbody th a')")
                try await page.resize(width: 360, height: 740)
                try await page.wait(for: "innerWidth === 360")
                #expect(try await page.evaluate("document.documentElement.scrollWidth <= 360") == "true")
            }
        }
    }

    @Test func aFaultAtTheGatewayIsSeenAtOnce() async throws {
        var options = GatewaySimulator.Options()
        options.clients = ["page": "secret"]
        options.eventRate = 20
        let gateway = try await GatewaySimulator.start(options: options)
        let text = """
            credentials:
              genesys: {type: oauth2_client_credentials, token_url: "\(gateway.tokenURL)", client_id: page, client_secret: secret}
            streams:
              - name: queue-events
                profile: genesys-architect
                url: \(gateway.architectURL)
                credential: genesys
                subscriptions: [queueEvents]
                backoff: {base: 300ms, cap: 500ms}
            audit: {stdout: false}
            """
        var configuration = try #require(
            ConfigurationFile.load(text: text, file: "page", environment: [:]).configuration)
        configuration.listenAddresses = [try ListenAddress(parsing: "127.0.0.1:0")]
        let exporter = try Exporter(configuration, logger: Logger(label: "page") { _ in SwiftLogNoOpLogHandler() })
        try exporter.start()
        let url = "http://\(exporter.addresses[0])/"
        try await Self.look(at: url, fragment: "#stream=queue-events") { page in
            try await page.wait(for: "document.querySelector('#streams .badge.live')")
            try await page.wait(for: "document.querySelectorAll('#detail .phase').length >= 3")
            try await gateway.inject(.gap(count: 3))
            try await gateway.inject(.drop(.reset))
            try await page.wait(
                for: "/ago, for/.test(document.querySelector('#streams td.outage').innerText) "
                    + "&& document.querySelector('#streams .badge.live')")
            try await page.wait(for: "document.querySelector('#detail .events').innerText.includes('connection lost')")
            try await page.wait(for: "document.querySelector('#detail .events').innerText.includes('live again after')")
        }
        await exporter.stop()
        await gateway.stop()
    }

    @Test func theStateIsThereWithoutScripts() async throws {
        try await Self.withSample { exporter in
            exporter.addStream("alpha")
            exporter.addStream("gamma", seed: 3, [58: [.down(.heartbeat, retries: 2, .gatewayError, detail: "")]])
        } _: { exporter in
            var html = ""
            try await Self.look(at: exporter.url) { page in
                html = try await page.evaluate("fetch('./').then((answer) => answer.text())")
            }
            let body = try #require(html.range(of: "<tbody>").map { html[$0.upperBound...] })
            let gamma = try #require(body.range(of: "<bdi>gamma</bdi>"))
            let alpha = try #require(body.range(of: "<bdi>alpha</bdi>"))
            #expect(gamma.lowerBound < alpha.lowerBound)
            #expect(body.contains("<span class=\"badge backing_off\">backing off</span>"))
            #expect(body.contains("<span class=\"badge live\">live</span>"))
        }
    }
}
