import Foundation
import Testing

/// The campaigns of `scripts/`, at their shortest: the program is killed under load, and its trail is moved away from it.
/// `make kill` and `make disks` are the long ones.
@Suite("Crashes and disks")
struct CampaignTests {
    @Test("what five kills leave behind is whole")
    func kills() async throws {
        let said = try await run(
            "kill-campaign.py", ["--kills", "5", "--seed", "3", "--streams", "4", "--settle-every", "5"])
        #expect(said.text.contains("lines lost: 0"), "\(said.text)")
        #expect(said.status == 0)
    }

    @Test("a file that is renamed or deleted stops nothing and costs nothing")
    func rotation() async throws {
        let faults = ["renamed", "deleted"]
        let said = try await run("disk-faults.py", faults.flatMap { ["--only", $0] })
        #expect(said.text.components(separatedBy: "none lost").count == faults.count + 1, "\(said.text)")
        #expect(said.status == 0)
    }

    @Test("a disk that hangs stops nothing, even where streams wait for it")
    func hanging() async throws {
        let said = try await run("disk-faults.py", ["--only", "disk that hangs"])
        #expect(said.status == 0, "\(said.text)")
    }

    /// Runs a script against the program beside these tests, on a thread of its own: it takes seconds.
    private func run(_ script: String, _ arguments: [String]) async throws -> (status: Int32, text: String) {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("holdfast").path
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments =
                    ["python3", root.appendingPathComponent("scripts/\(script)").path, "--program", program] + arguments
                process.standardInput = FileHandle.nullDevice
                process.standardOutput = output
                process.standardError = output
                do {
                    try process.run()
                    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                    process.waitUntilExit()
                    continuation.resume(returning: (process.terminationStatus, text))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}
