import Foundation

/// What the test finds, and where it writes.
enum Workplace {
    /// The repository.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The folder with the programs that were built, beside the test's own.
    static var programs: String {
        get throws {
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return (own as NSString).deletingLastPathComponent
        }
    }

    /// The text of a file of the repository.
    static func read(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Where a program lies that the system has to provide; nil where it is not installed.
    static func find(_ program: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Whether everything is there that the test needs. Where `CI` is set it must be: nothing is left out silently.
    static var isEquipped: Bool {
        ProcessInfo.processInfo.environment["CI"] != nil
            || ["prometheus", "prometheus-alertmanager", "python3"].allSatisfy { find($0) != nil }
    }
}

/// Something that was waited for and did not come, or a program that did not do what it should.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
}

/// Asks again and again until there is an answer.
func poll<Value>(
    _ what: String, within seconds: Double = 60, isolation: isolated (any Actor)? = #isolation,
    _ ask: () async throws -> Value?
) async throws -> Value {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if let answer = try await ask() { return answer }
        try await Task.sleep(until: .now + .milliseconds(100), clock: .continuous)
    }
    throw Unexpected(description: "waited \(seconds) s in vain for: \(what)")
}
