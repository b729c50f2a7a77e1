import Foundation

/// Another program, run to its end.
enum Program {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs `path` and collects what it prints; what it prints must be short.
    static func run(_ path: String, _ arguments: [String]) async throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { process in
                let read = { (pipe: Pipe) in
                    String(decoding: (try? pipe.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
                }
                continuation.resume(
                    returning: Result(status: process.terminationStatus, output: read(output), errors: read(errors)))
            }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
