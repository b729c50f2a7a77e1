import ExpositionServer
import StreamModel
import Testing

@testable import Holdfast

@Suite struct PageDocumentTests {
    private static func page(
        _ statuses: [StreamStatus], page: Int = 1, telemetryPath: String = "/metrics"
    ) -> String {
        let document = PageDocument(
            streams: statuses, newest: [], now: Instant(nanoseconds: 60_000_000_000),
            wall: WallTime(milliseconds: 60_000), telemetryPath: telemetryPath)
        return String(decoding: document.render(page: page), as: UTF8.self)
    }

    private static func status(
        _ name: String, _ state: StreamState = .live, isSequenced: Bool = true, profile: String = "p"
    ) -> StreamStatus {
        var status = StreamStatus(
            StreamIdentity(name: name, profile: profile, clientID: "c"), isSequenced: isSequenced,
            at: WallTime(milliseconds: 0))
        status.note(.started(lastSequence: nil), at: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        status.note(.stateChanged(state), at: Instant(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        return status
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=x>", "' onclick='x", "<\u{301}script>", "&lt;b&gt;",
    ])
    func namesNeverBecomeMarkup(name: String) {
        let page = Self.page([Self.status(name, profile: name)], telemetryPath: "/\(name)")
        #expect(!page.contains(name))
        let plain = Self.page([Self.status("a")])
        for mark in ["<script", "<img", "<tr", "<b>"] {
            #expect(page.components(mark) == plain.components(mark), "\(mark)")
        }
        #expect(!page.unicodeScalars.split(separator: "<").contains { $0.first == "\u{301}" })
    }

    @Test func nothingIsInline() {
        let page = Self.page([Self.status("a")])
        for mark in [" style=", " onclick=", " onload=", "javascript:", "http:", "https:", "<style"] {
            #expect(!page.contains(mark), "\(mark)")
        }
        #expect(page.components("<script") == page.components("<script src=\"assets/"))
    }

    @Test func theWorstComeFirstAndManyFillPages() {
        var statuses = (0..<450).map { Self.status("s\($0)") }
        statuses[449] = Self.status("s449", .exhausted)
        statuses[300] = Self.status("s300", .backingOff)
        let first = Self.page(statuses)
        #expect(first.components("<tr class=\"trouble-") == PageDocument.rowsPerPage)
        #expect(first.contains("page 1 of 3") && first.contains("<a href=\"?page=2\">Next</a>"))
        let rows = first.split(separator: "<bdi>").dropFirst().prefix(2).map { String($0.prefix(while: { $0 != "<" })) }
        #expect(rows == ["s449", "s300"])
        #expect(Self.page(statuses, page: 3).components("<tr class=\"trouble-") == 50)
        #expect(Self.page(statuses, page: 99).contains("page 3 of 3"))
        #expect(Self.page([]).contains("No streams are configured."))
    }

    @Test func sharesAreRoundedDown() {
        #expect(PageText.percent(0.999_999_9) == "99.999 %")
        #expect(PageText.percent(1) == "100 %")
        #expect(PageText.percent(0.050_07) == "5.007 %")
        #expect(PageText.percent(.nan) == "–" && PageText.percent(nil) == "–")
        #expect(Self.page([Self.status("a", isSequenced: false)]).contains("<td class=\"continuity\">–</td>"))
    }

    @Test func durationsHaveTwoUnits() {
        let expected: [(Duration, String)] = [
            (.milliseconds(12), "12 ms"), (.milliseconds(2_450), "2.4 s"), (.seconds(59), "59 s"),
            (.seconds(61), "1 min 1 s"), (.seconds(7_260), "2 h 1 min"), (.seconds(90_000), "1 d 1 h"),
            (.seconds(-5), "0 ms"),
        ]
        for (duration, text) in expected { #expect(PageText.duration(duration) == text) }
    }

    @Test func everyFileThatThePageNamesIsThere() throws {
        let page = Self.page([])
        let scripts = PageAssets.all.filter { $0.key.hasSuffix(".js") }.map {
            String(decoding: $0.value.bytes, as: UTF8.self)
        }
        let named = page.names(after: "assets/") + scripts.flatMap { $0.names(after: "from \"./") }
        #expect(named.count > 15)
        for name in named { #expect(PageAssets.all[name] != nil, "\(name)") }
        for asset in PageAssets.all.values { #expect(!asset.bytes.isEmpty) }
    }
}

extension String {
    fileprivate func components(_ mark: String) -> Int { ranges(of: mark).count }

    fileprivate func names(after mark: String) -> [String] {
        ranges(of: mark).map { String(self[$0.upperBound...].prefix { $0 != "\"" }) }
    }
}
