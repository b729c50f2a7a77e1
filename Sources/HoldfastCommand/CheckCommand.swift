import ArgumentParser
import Foundation
import Holdfast
import StreamRuntime

/// `holdfast check`: every mistake of configuration files, with nothing started.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reports every mistake in configuration files, as file:line:column: message.",
        discussion: """
            Nothing is started. Ends with status 78 where a file has a mistake. --shards 3,4,5 also tells how many \
            streams each of 3 instances would hold, and how many would move if there were 4 or 5 instead.
            """)

    @Argument(help: "Configuration files.", completion: .file(extensions: ["yml", "yaml"]))
    var files: [String]

    @Option(help: "Numbers of instances, such as 3,4,5: how many streams each would hold, and how many would move.")
    var shards: ShardCounts?

    mutating func run() throws {
        var isWrong = false
        for file in files {
            let result = ConfigurationFile.load(path: file, environment: ProcessInfo.processInfo.environment)
            for diagnostic in result.diagnostics { print(diagnostic) }
            if let configuration = result.configuration {
                print("\(file): good, \(configuration.plan.streams.count) streams")
                for line in shards?.lines(of: configuration.plan.streams.map(\.name)) ?? [] { print(line) }
            } else {
                isWrong = true
            }
        }
        if isWrong { throw ExitCode.wrongConfiguration }
    }
}
