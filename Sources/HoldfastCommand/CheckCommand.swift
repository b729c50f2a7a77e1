import ArgumentParser
import Foundation
import Holdfast
import StreamRuntime

/// `holdfast check`: every mistake of configuration files, with nothing started.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reports every mistake in configuration files, as file:line:column: message.",
        discussion: "Nothing is started. Ends with status 78 where a file has a mistake.")

    @Argument(help: "Configuration files.", completion: .file(extensions: ["yml", "yaml"]))
    var files: [String]

    mutating func run() throws {
        var isWrong = false
        for file in files {
            let result = ConfigurationFile.load(path: file, environment: ProcessInfo.processInfo.environment)
            for diagnostic in result.diagnostics { print(diagnostic) }
            if let configuration = result.configuration {
                print("\(file): good, \(configuration.plan.streams.count) streams")
            } else {
                isWrong = true
            }
        }
        if isWrong { throw ExitCode.wrongConfiguration }
    }
}
