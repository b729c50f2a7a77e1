import Foundation
import GatewaySimulator
import Holdfast
import MetricsRegistry

/// How long a test waits for something to happen before it gives up; nothing is measured by it.
let patience = Duration.seconds(90)

/// A gateway, and an exporter that speaks to it: what an application has.
struct LibraryBench {
    let gateway: GatewaySimulator
    let exporter: Exporter

    /// - Parameter events: events a second; 0: only those that a test makes.
    init(
        events: Double = 0, streams: [String] = [],
        configure: (inout ExporterConfiguration) -> Void = { _ in }
    ) async throws {
        var options = GatewaySimulator.Options()
        options.acceptsAnyClient = true
        options.eventRate = events
        let gateway = try await GatewaySimulator.start(options: options)
        self.gateway = gateway
        var configuration = ExporterConfiguration(
            plan: RuntimePlan(
                streams: try streams.map { try Self.stream($0, of: gateway) },
                credentials: ["gateway": Self.credential(gateway)]))
        configuration.threads = 1
        configure(&configuration)
        exporter = try Exporter(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func credential(_ gateway: GatewaySimulator) -> CredentialSpecification {
        .oauth(OAuthConfiguration(tokenURL: gateway.tokenURL, clientID: "any", clientSecret: Secret("any")))
    }

    static func stream(
        _ name: String = "queue-events", of gateway: GatewaySimulator,
        policy change: (inout StreamPolicy) -> Void = { _ in }
    ) throws -> StreamSpecification {
        try StreamSpecification(
            name: name, profile: "genesys-architect", url: gateway.architectURL, credential: "gateway",
            variables: ["subscriptions": ["queueEvents"]],
            policy: { policy in
                policy.backoff.base = .milliseconds(20)
                policy.backoff.jitter = .none
                policy.reorderWindow = .milliseconds(200)
                change(&policy)
            })
    }

    func stream(_ name: String = "queue-events") throws -> StreamSpecification {
        try Self.stream(name, of: gateway)
    }

    /// Stops everything.
    func end() async {
        await exporter.stop()
        await gateway.stop()
    }
}

extension GatewaySimulator {
    /// Waits until a session has been acknowledged so often, and gives its name.
    @discardableResult
    func acknowledged(_ times: Int = 1) async throws -> String {
        let truth = try await groundTruth(timeout: patience) { truth in
            truth.sessions.values.contains { $0.acksSent >= times }
        }
        return truth.sessions.keys.first ?? ""
    }

    /// An outage of so many failed attempts, in the course of which `missed` events happen, of which the service replays
    /// `replayed` afterwards; and later a jump of `skipped` numbers. `before`, `after` and `last` events arrive as they should.
    func haveAnOutage(failures: Int, before: Int, missed: Int, replayed: Int, after: Int, skipped: Int, last: Int)
        async throws
    {
        let name = try await acknowledged()
        func sent(_ count: Int) async throws {
            try await groundTruth(timeout: patience) { ($0.sessions[name]?.messagesSent ?? 0) >= count }
        }
        try await emit(before, to: name)
        try await sent(before)
        try await inject(.badGateway(.count(failures)))
        try await inject(.partialReplay(keep: replayed, .count(1)))
        try await inject(.drop(.reset))
        try await groundTruth(timeout: patience) { $0.openConnections == 0 || $0.handshakes["502"] != nil }
        try await emit(missed, to: name)
        try await acknowledged(2)
        try await sent(before + replayed)
        try await emit(after, to: name)
        try await inject(.gap(count: skipped))
        try await emit(last, to: name)
        try await sent(before + replayed + after + last)
    }
}

/// Another program, its output in files of a folder that goes away with it.
final class RunningProgram {
    let process = Process()
    private let folder: URL

    /// Where the built products lie: beside the tests.
    static var products: URL {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent()
    }

    init(_ program: URL, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
        folder = URL(filePath: NSTemporaryDirectory()).appending(path: "holdfast-library-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["out", "err"] { try Data().write(to: folder.appending(path: name)) }
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: folder.appending(path: "out"))
        process.standardError = try FileHandle(forWritingTo: folder.appending(path: "err"))
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    var output: String { text("out") }
    var errors: String { text("err") }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }

    /// Waits until the output, or what it says of errors, has a line that begins with or contains `text`.
    func says(_ text: String) async throws -> String {
        let end = ContinuousClock.now + patience
        while true {
            let lines = (output + "\n" + errors).split(separator: "\n")
            if let line = lines.first(where: { $0.contains(text) }) { return String(line) }
            guard process.isRunning, ContinuousClock.now < end else {
                throw Silence(description: "never said `\(text)`, but: \(output)\n\(errors)")
            }
            try await Task.sleep(until: .now + .milliseconds(20), clock: .continuous)
        }
    }

    /// Its exit status, once it has ended.
    func end(_ signal: Int32? = nil) async throws -> Int32 {
        if let signal { kill(process.processIdentifier, signal) }
        let end = ContinuousClock.now + patience
        while process.isRunning {
            guard ContinuousClock.now < end else { throw Silence(description: "did not end: \(errors)") }
            try await Task.sleep(until: .now + .milliseconds(20), clock: .continuous)
        }
        return process.terminationStatus
    }

    struct Silence: Error, CustomStringConvertible {
        let description: String
    }
}
