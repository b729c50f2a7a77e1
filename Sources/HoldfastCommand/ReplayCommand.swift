import ArgumentParser
import AuditTrail
import Foundation
import NIOCore
import NIOPosix
import WebSocketTransport

/// `holdfast replay`: recomputes the counters from an audit trail, and compares them with a scrape.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Recomputes the counters from an audit trail, and compares them with a scrape if given.",
        discussion: """
            Several files are read in the order given; of one file that was rotated, the older ones are read first by \
            themselves. Ends with status 1 where the scrape differs, or the trail has a hole.
            """)

    @Argument(help: "Audit files, oldest first.", completion: .file())
    var files: [String]

    @Option(help: "A scrape to compare with: a file, or the address of the metrics.")
    var scrape: String?

    @Flag(help: "Count the whole trail, not only what came after each stream's last start.")
    var wholeTrail = false

    mutating func run() async throws {
        let text: String? = if let scrape { try await read(scrape) } else { nil }
        // What happened after the scrape is no difference.
        let lastLine = text.flatMap(AuditReplay.lastLine) ?? .max
        var replay = AuditReplay(scope: wholeTrail ? .wholeTrail : .sinceStart, through: lastLine)
        do {
            let all = files.count == 1 ? AuditReplay.rotatedSet(of: files[0]) : files
            for file in all { try replay.read(file: file) }
        } catch {
            StandardError.write("\(error)")
            throw ExitCode.failure
        }
        for problem in replay.problems { StandardError.write("\(problem)") }
        print(replay.text, terminator: "")
        var isGood = replay.missingLines == 0 && replay.badLines == 0
        if let text {
            let differences = replay.differences(from: text)
            for difference in differences { StandardError.write("\(difference)") }
            for stream in replay.unknownStreams(in: text) {
                StandardError.write("the scrape has stream `\(stream)`, which the trail does not know")
                isGood = false
            }
            isGood = isGood && differences.isEmpty
            if isGood { StandardError.write("the trail and the scrape agree") }
        }
        if !isGood { throw ExitCode.failure }
    }

    private func read(_ place: String) async throws -> String {
        do {
            guard place.hasPrefix("http://") || place.hasPrefix("https://") else {
                return try String(contentsOfFile: place, encoding: .utf8)
            }
            let request = HTTPExchangeRequest("GET", try ConnectTarget(place))
            let response = try await HTTPExchange.send(
                request, options: DialOptions(connectTimeout: .seconds(10)), maxBodySize: 1 << 30,
                on: MultiThreadedEventLoopGroup.singleton.any()
            ).get()
            guard response.status == 200 else {
                StandardError.write("\(place) answered with status \(response.status)")
                throw ExitCode.failure
            }
            return String(decoding: response.body, as: UTF8.self)
        } catch let code as ExitCode {
            throw code
        } catch {
            StandardError.write("the scrape `\(place)` cannot be read: \(error)")
            throw ExitCode.failure
        }
    }
}
