import Foundation
import Testing

/// Pictures of the page, into the folder that `HOLDFAST_SCREENSHOTS` names; `scripts/page-screenshots` runs this.
@Suite(
    .serialized, .enabled(if: ProcessInfo.processInfo.environment["HOLDFAST_SCREENSHOTS"] != nil))
struct PageScreenshots {
    private struct Picture {
        var name: String
        var width = 1440
        var height = 900
        var scheme = "light"
        var isScripted = true
        var fragment = ""
    }

    private static func take(_ pictures: [Picture], _ fill: (SampleExporter) -> Void) async throws {
        let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["HOLDFAST_SCREENSHOTS"] ?? ".")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let browser = try Chromium()
        defer { browser.shutDown() }
        let exporter = try SampleExporter()
        defer { exporter.stop() }
        fill(exporter)
        for picture in pictures {
            let page = try await BrowserPage(
                browser, url: exporter.url + picture.fragment, width: picture.width, height: picture.height,
                scheme: picture.scheme, isScripted: picture.isScripted)
            if picture.isScripted {
                try await page.wait(
                    for: "document.querySelector('#freshness.fresh') "
                        + "&& !document.querySelector('#streams .empty')?.textContent.includes('Loading')")
                try await page.evaluate("new Promise((done) => setTimeout(done, 150))")
            } else {
                // Nothing in a page without scripts tells when it is drawn.
                try await Task.sleep(until: .now + .seconds(1), clock: .continuous)
            }
            try await page.screenshot().write(to: folder.appendingPathComponent("page-\(picture.name).png"))
            await page.close()
        }
    }

    @Test func empty() async throws {
        try await Self.take([Picture(name: "empty", height: 500)]) { _ in }
    }

    @Test func healthy() async throws {
        try await Self.take([Picture(name: "healthy")]) { $0.addHealthyFleet() }
    }

    @Test func inTrouble() async throws {
        try await Self.take([
            Picture(name: "trouble"),
            Picture(name: "detail", height: 1100, fragment: "#stream=queue-events-apac"),
            Picture(name: "dark", scheme: "dark"),
            Picture(name: "dark-detail", height: 1100, scheme: "dark", fragment: "#stream=agent-presence"),
            Picture(name: "narrow", width: 390, height: 844),
            Picture(name: "narrow-detail", width: 390, height: 844, fragment: "#stream=queue-events-apac"),
            Picture(name: "middle", width: 1024, height: 768),
            Picture(name: "wide", width: 1920, height: 1000, fragment: "#stream=queue-events-apac"),
            Picture(name: "without-script", isScripted: false),
        ]) { $0.addTroubledFleet() }
    }

    @Test func fiveThousand() async throws {
        try await Self.take([Picture(name: "5000-streams")]) { $0.addLargeFleet(5_000) }
    }
}
