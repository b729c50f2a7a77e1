import Foundation
import Testing

/// The built program, run as a person would.
enum Program {
    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Beside the tests, where the build put it.
    static var path: String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (tests as NSString).deletingLastPathComponent + "/holdfast"
    }

    /// Runs the program to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
        let running = try Running(arguments, environment: environment)
        running.process.waitUntilExit()
        return Result(
            status: running.process.terminationStatus, output: running.output, errors: running.errors)
    }

    /// A run that goes on. Its output goes to files, which no pipe can fill.
    final class Running {
        let process = Process()
        private let folder: TemporaryFolder

        init(_ arguments: [String], environment: [String: String] = [:]) throws {
            folder = try TemporaryFolder()
            process.executableURL = URL(filePath: Program.path)
            process.arguments = arguments
            // Nothing of the caller's but how a sanitizer, where one is built in, is to behave.
            process.environment = ProcessInfo.processInfo.environment
                .filter { $0.key.hasSuffix("SAN_OPTIONS") }
                .merging(environment) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try FileHandle(forWritingTo: URL(filePath: try folder.write("", "out")))
            process.standardError = try FileHandle(forWritingTo: URL(filePath: try folder.write("", "err")))
            try process.run()
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }

        var output: String { (try? String(contentsOfFile: folder.path + "/out", encoding: .utf8)) ?? "" }
        var errors: String { (try? String(contentsOfFile: folder.path + "/err", encoding: .utf8)) ?? "" }

        /// Waits until standard error has a line with `text`; half a minute at most.
        func waits(for text: String) async throws -> String {
            for _ in 0..<600 {
                if let line = errors.split(separator: "\n").first(where: { $0.contains(text) }) { return String(line) }
                try #require(process.isRunning, "ended with status \(process.terminationStatus): \(errors)")
                try await Task.sleep(until: .now + .milliseconds(50), clock: .continuous)
            }
            Issue.record("no `\(text)` in: \(errors)")
            return ""
        }

        /// Sends SIGTERM and waits for the end.
        func stop() -> Int32 {
            kill(process.processIdentifier, SIGTERM)
            process.waitUntilExit()
            return process.terminationStatus
        }
    }
}
