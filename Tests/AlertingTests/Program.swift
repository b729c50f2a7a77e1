import Foundation

/// A program that runs beside the test, and ends with it.
final class Program {
    let name: String
    private let process = Process()
    private let log: URL

    /// Starts `name`; what it says goes to files in `folder`.
    ///
    /// Nothing stands between: what Foundation starts has signals blocked, and a wrapper would not pass them on.
    init(_ name: String, at path: String? = nil, _ arguments: [String], in folder: URL) throws {
        self.name = name
        guard let path = path ?? Workplace.find(name) else {
            throw Unexpected(description: "\(name) is not installed; the Debian package is called the same")
        }
        log = folder.appendingPathComponent("\(name).err")
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.lowercased().hasSuffix("_proxy") }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.open(folder.appendingPathComponent("\(name).out"))
        process.standardError = try Self.open(log)
        try process.run()
    }

    private static func open(_ file: URL) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
            throw Unexpected(description: "cannot write \(file.path)")
        }
        return try FileHandle(forWritingTo: file)
    }

    /// What it said on standard error so far.
    var said: String {
        (try? String(contentsOf: log, encoding: .utf8)) ?? ""
    }

    /// The address that it listens on, once it says so in a line with `message`.
    func address(after message: String) async throws -> String {
        try await poll("\(name) to listen") {
            guard process.isRunning else { throw Unexpected(description: "\(name) ended: \(said.suffix(2_000))") }
            let line = said.split(separator: "\n").first { $0.contains(message) }
            return line?.firstMatch(of: /address=(127\.0\.0\.1:[1-9]\d*)/).map { String($0.1) }
        }
    }

    /// Has it read its configuration again.
    func reload() {
        kill(process.processIdentifier, SIGHUP)
    }

    /// Waits until it has ended, and gives its status.
    func status(within seconds: Double = 60) async throws -> Int32 {
        try await poll("\(name) to end", within: seconds) { process.isRunning ? nil : process.terminationStatus }
    }

    /// Ends it, and gives its status.
    @discardableResult
    func stop() async throws -> Int32 {
        if process.isRunning { process.terminate() }
        do {
            return try await status(within: 20)
        } catch {
            kill(process.processIdentifier, SIGKILL)
            throw error
        }
    }
}
