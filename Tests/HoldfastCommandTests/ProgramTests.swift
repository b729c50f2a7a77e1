import Foundation
import Testing

@Suite("The program's exit status and output")
struct ProgramTests {
    private static let good = SampleFolder("Configurations/good").path
    private static let bad = SampleFolder("Configurations/bad").path

    @Test(
        "wrong flags end with 64",
        arguments: [
            ["run", "--bogus"], ["--shard", "4/4"], ["--web.listen-address", "nonsense"],
            ["--web.telemetry-path", "metrics"], ["--web.peers", "a-{index}:1"],
            ["--web.peers", "a:1", "--shard", "0/3"], ["--web.max-requests", "-1"], ["--log.level", "loud"],
            ["--log.format", "xml"], ["replay"], ["check"],
        ])
    func wrongFlags(arguments: [String]) throws {
        let running = try Program.Running(arguments)
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 64)
        #expect(running.output.isEmpty)
        #expect(running.errors.contains("Error: "))
    }

    @Test("a wrong configuration ends with 78 and names every mistake on standard error")
    func wrongConfiguration() throws {
        let result = try Program.run("--config.file", "\(Self.bad)/several-at-once.yml")
        #expect(result.status == 78)
        #expect(result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").filter { $0.contains("several-at-once.yml:") }.count > 5)
        let missing = try Program.run("run", "--config.file", "/does/not/exist.yml")
        #expect(missing.status == 78)
        #expect(missing.errors.hasPrefix("/does/not/exist.yml:1:1: cannot be read"))
    }

    @Test("a wrong web configuration ends with 78 as well")
    func wrongWebConfiguration() throws {
        let result = try Program.run(
            "--config.file", "\(Self.good)/no-streams.yml", "--web.config.file",
            SampleFolder("WebConfigurations/bad").path + "/junk.yml")
        #expect(result.status == 78)
        #expect(result.errors.contains("junk.yml:1:1: "))
    }

    @Test("check reads all files and says what is good")
    func check() throws {
        let environment = ["GENESYS_SECRET": "x", "TOKEN": "y"]
        let good = try Program.run("check", "\(Self.good)/every-key.yml", environment: environment)
        #expect(good.status == 0)
        #expect(good.output.hasSuffix("every-key.yml: good, 1 streams\n"))
        let mixed = try Program.run(
            "check", "\(Self.bad)/unknown-key.yml", "\(Self.good)/minimal.yml", environment: environment)
        #expect(mixed.status == 78)
        #expect(mixed.output.contains("unknown-key.yml:13:1: unknown key `steams`"))
        #expect(mixed.output.contains("minimal.yml: good"))
    }

    @Test("the version is told")
    func version() throws {
        let result = try Program.run("--version")
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("holdfast "))
    }

    @Test("a run that is asked to stop ends with 0; one that cannot listen ends with 1")
    func stops() async throws {
        let file = "\(Self.good)/no-streams.yml"
        let first = try Program.Running([
            "--config.file", file, "--web.listen-address", "127.0.0.1:0", "--log.format", "json",
        ])
        let line = try await first.waits(for: "\"listening\"")
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        let address = try #require(fields["address"])
        let second = try Program.run("--config.file", file, "--web.listen-address", address)
        #expect(second.status == 1)
        #expect(second.errors.contains(address))
        #expect(first.stop() == 0)
        #expect(first.output.isEmpty)
    }
}

@Suite("holdfast replay")
struct ReplayCommandTests {
    private static let started = """
        {"timestamp":"2026-11-22T10:00:00.000Z","line":1,"event":"stream_started","stream":"s","profile":"p","clientId":"c"}

        """

    @Test("a trail without a hole ends with 0, one with a hole with 1")
    func holes() throws {
        let folder = try TemporaryFolder()
        let whole = try Program.run("replay", try folder.write(Self.started, "audit.jsonl"))
        #expect(whole.status == 0, "\(whole.errors)")
        let later = Self.started.replacingOccurrences(of: "\"line\":1", with: "\"line\":5")
        let hole = try Program.run("replay", try folder.write(Self.started + later, "hole.jsonl"))
        #expect(hole.status == 1)
        #expect(!hole.errors.isEmpty)
    }

    @Test("a trail that cannot be read ends with 1 and says which")
    func missing() throws {
        let result = try Program.run("replay", "/does/not/exist.jsonl")
        #expect(result.status == 1)
        #expect(result.errors.contains("/does/not/exist.jsonl"))
        #expect(result.output.isEmpty)
    }

    @Test("a line that is none is named and counted, and the rest is read")
    func badLines() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Self.started + "not json\n", "audit.jsonl")
        let result = try Program.run("replay", file)
        #expect(result.status == 1)
        #expect(result.errors.contains("audit.jsonl"))
    }

    @Test("a scrape that differs ends with 1, one that agrees with 0, one that cannot be read with 1")
    func scrapes() throws {
        let folder = try TemporaryFolder()
        let trail = try folder.write(Self.started, "audit.jsonl")
        let same = try folder.write("holdfast_retries_total{stream=\"s\",profile=\"p\"} 0\n", "same.txt")
        #expect(try Program.run("replay", trail, "--scrape", same).status == 0)
        let other = try folder.write("holdfast_retries_total{stream=\"s\",profile=\"p\"} 3\n", "other.txt")
        let differs = try Program.run("replay", trail, "--scrape", other)
        #expect(differs.status == 1)
        #expect(differs.errors.contains("the trail says 0, the scrape says 3"))
        let unknown = try folder.write("holdfast_retries_total{stream=\"x\",profile=\"p\"} 0\n", "unknown.txt")
        let strange = try Program.run("replay", trail, "--scrape", unknown)
        #expect(strange.status == 1)
        #expect(strange.errors.contains("`x`"))
        let missing = try Program.run("replay", trail, "--scrape", folder.path + "/none.txt")
        #expect(missing.status == 1)
        #expect(missing.errors.contains("none.txt"))
        let refused = try Program.run("replay", trail, "--scrape", "http://127.0.0.1:1/metrics")
        #expect(refused.status == 1)
    }
}
