import Foundation
import Testing

/// `examples/profiles/chromium-devtools.yml` against a browser: a server that nobody of this project wrote.
@Suite("Chromium's DevTools, as a profile", .timeLimit(.minutes(5)))
struct ChromiumTests {
    @Test("found over HTTP, acknowledged by the answer to a command, and its events are counted")
    func browser() async throws {
        let browser = try await Chromium.start()
        defer { browser.stop() }
        let text = try example("chromium-devtools").replacing(
            "    profile: chromium-devtools\n",
            with: "    profile: chromium-devtools\n    url: http://127.0.0.1:\(browser.port)\n"
                + "    heartbeat: {interval: 200ms, timeout: 10s}\n")
        try await Holding.of(text) { held in
            try await held.until { $0.value("holdfast_stream_up") == 1 }
            try await held.until { $0.value("holdfast_heartbeats_total", "outcome=\"answered\"") ?? 0 >= 2 }
            let before = try #require(held.metrics.value("holdfast_messages_received_total"))
            let beats = try #require(held.metrics.value("holdfast_heartbeats_total", "outcome=\"answered\""))
            try await browser.openPage()
            // More than the answers to heartbeats: the page's targetCreated and targetInfoChanged.
            try await held.until {
                let received = $0.value("holdfast_messages_received_total") ?? 0
                let answered = $0.value("holdfast_heartbeats_total", "outcome=\"answered\"") ?? 0
                return received - before > answered - beats + 1
            }
            #expect(held.metrics.value("holdfast_continuity_ratio")?.isNaN == true)
            #expect(held.metrics.value("holdfast_disconnects_total", "reason=\"protocol\"") == 0)
        }
    }
}

/// A headless Chromium with its DevTools on a port that the system chose.
private final class Chromium: Sendable {
    let port: Int
    private let process: Process
    private let profile: URL

    private init(process: Process, port: Int, profile: URL) {
        self.process = process
        self.port = port
        self.profile = profile
    }

    static func start() async throws -> Chromium {
        let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        let path = try #require(
            known.first { FileManager.default.isExecutableFile(atPath: $0) },
            "there is no Chromium; install the package `chromium`")
        let profile = FileManager.default.temporaryDirectory.appending(path: "holdfast-chromium-\(UUID())")
        try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--remote-debugging-port=0", "--user-data-dir=\(profile.path)", "about:blank",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Where it listens, Chromium writes into this file.
        let file = profile.appending(path: "DevToolsActivePort")
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end, process.isRunning {
            if let text = try? String(contentsOf: file, encoding: .utf8),
                let port = text.split(separator: "\n").first.flatMap({ Int($0) })
            {
                return Chromium(process: process, port: port, profile: profile)
            }
            try await Task.sleep(until: .now + .milliseconds(20), clock: .continuous)
        }
        process.terminate()
        try? FileManager.default.removeItem(at: profile)
        throw NotStarted()
    }

    struct NotStarted: Error, CustomStringConvertible {
        var description: String { "Chromium did not open its DevTools within 60 s" }
    }

    /// Opens one more page.
    func openPage() async throws {
        let run = try await Program.run(
            "/usr/bin/env", ["curl", "-sS", "-X", "PUT", "http://127.0.0.1:\(port)/json/new?about:blank"])
        try #require(run.status == 0, "\(run.errors)")
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: profile)
    }
}
