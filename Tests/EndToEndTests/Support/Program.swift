import Foundation
import Glibc

/// What went wrong in a test's own machinery, or did not come in time.
struct Trouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// How long a test waits for an event before it gives up. Generous: nothing is measured by it.
let patience: TimeInterval = 90

/// Waits until `condition` gives a value. Looks again and again; it never waits for time to pass.
@discardableResult
func eventually<Value>(
    _ what: String, within limit: TimeInterval = patience, _ condition: () throws -> Value?
) throws -> Value {
    let end = Date() + limit
    while true {
        if let value = try condition() { return value }
        if Date() > end { throw Trouble("did not come within \(limit) s: \(what)") }
        usleep(5_000)
    }
}

/// Runs a test's body on a thread of its own: it blocks on sockets, which a cooperative thread must not.
func story(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (end: CheckedContinuation<Void, any Error>) in
        Thread.detachNewThread { end.resume(with: Result(catching: body)) }
    }
}

/// A folder that goes away with its test.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/holdfast-e2e-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }

    func text(_ name: String) -> String {
        guard let data = FileManager.default.contents(atPath: file(name)) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}

/// A program that a test started, its output in files of the test's folder. It is killed with the object.
final class Program {
    let process = Process()
    let folder: Folder
    let name: String

    /// Where the built products lie: beside the test bundle.
    static var products: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().path
    }

    static var holdfast: String {
        get throws {
            let candidates = [products] + Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent().path }
            for folder in candidates where FileManager.default.isExecutableFile(atPath: folder + "/holdfast") {
                return folder + "/holdfast"
            }
            throw Trouble("the program `holdfast` is not beside the tests in \(products); run `swift build` first")
        }
    }

    init(
        _ path: String, _ arguments: [String], in folder: Folder, name: String = "holdfast",
        environment: [String: String] = [:]
    ) throws {
        self.folder = folder
        self.name = name
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        var all = ProcessInfo.processInfo.environment
        for key in all.keys where key.lowercased().hasSuffix("_proxy") { all[key] = nil }
        process.environment = all.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.output(folder.file(name + ".out"))
        process.standardError = try Self.output(folder.file(name + ".err"))
        try process.run()
    }

    private static func output(_ path: String) throws -> FileHandle {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let handle = FileHandle(forWritingAtPath: path) else { throw Trouble("cannot write \(path)") }
        return handle
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var output: String { folder.text(name + ".out") }
    var errors: String { folder.text(name + ".err") }
    var isRunning: Bool { process.isRunning }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end; the exit status, or 128 and the signal that ended it.
    func status(within limit: TimeInterval = patience) throws -> Int32 {
        try eventually("the end of \(name)\n\(errors.suffix(2000))", within: limit) { process.isRunning ? nil : true }
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }
}

/// A running `holdfast run`.
final class Exporter {
    let program: Program
    let folder: Folder
    let port: UInt16

    /// Writes `configuration`, starts the program on a free port and waits until it is ready.
    init(
        _ configuration: String, in folder: Folder, flags: [String] = [], waits: Bool = true,
        environment: [String: String] = [:], name: String = "holdfast"
    ) throws {
        self.folder = folder
        let file = try folder.write(configuration, to: "holdfast.yml")
        let program = try Program(
            Program.holdfast, ["run", "--config.file", file, "--web.listen-address", "127.0.0.1:0"] + flags,
            in: folder, name: name, environment: environment)
        self.program = program
        port = try eventually("the address in the log of holdfast") {
            guard program.isRunning else { throw Trouble("holdfast ended: \(program.errors)") }
            let marks = program.errors.components(separatedBy: "http://127.0.0.1:")
            guard marks.count > 1 else { return nil }
            return UInt16(marks[1].prefix { $0.isNumber })
        }
        if waits {
            try eventually("readiness") { try get("/-/ready").status == 200 ? true : nil }
        }
    }

    func get(_ path: String, headers: [String: String] = [:]) throws -> Answer {
        try HTTP.request("GET", port, path, headers: headers)
    }

    func post(_ path: String) throws -> Answer { try HTTP.request("POST", port, path) }

    func scrape() throws -> Scrape { Scrape(try get("/metrics").text) }

    /// Scrapes until `condition` holds.
    @discardableResult
    func scrape(until what: String, _ condition: (Scrape) -> Bool) throws -> Scrape {
        var last: Scrape?
        do {
            return try eventually(what) {
                guard program.isRunning else { throw Trouble("holdfast ended: \(program.errors)") }
                let scrape = try self.scrape()
                last = scrape
                return condition(scrape) ? scrape : nil
            }
        } catch {
            throw Trouble("\(error)\n\(last?.text.suffix(4000) ?? "")")
        }
    }

    /// Waits until one series has a value.
    func wait(_ metric: String, _ stream: String, _ labels: [String: String] = [:], is value: Double) throws {
        try scrape(until: "\(metric) of \(stream) is \(value)") { $0[metric, stream, labels] == value }
    }

    func stop() throws -> Int32 {
        program.signal(SIGTERM)
        return try program.status()
    }
}
