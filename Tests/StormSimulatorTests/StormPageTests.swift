import ArgumentParser
import Foundation
import StormSimulator
import Testing

@testable import HoldfastCommand

/// The page about storms tells what the command tells: its blocks, tables and pictures are made anew and compared.
///
/// With `HOLDFAST_RECORD` in the environment they are written rather than compared.
@Suite struct StormPageTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let isRecording = ProcessInfo.processInfo.environment["HOLDFAST_RECORD"] != nil

    @Test func everyBlockTableAndPictureIsWhatTheCommandGives() throws {
        let file = Self.root.appendingPathComponent("docs/storm.md")
        let page = try String(contentsOf: file, encoding: .utf8)
        let (fresh, pictures) = try Self.regenerate(page)
        if Self.isRecording {
            try fresh.write(to: file, atomically: true, encoding: .utf8)
        } else {
            let pairs = zip(page.split(separator: "\n"), fresh.split(separator: "\n"))
            for (old, new) in pairs where old != new { Issue.record("the page says\n\(old)\nbut it is\n\(new)") }
            #expect(page == fresh)
        }
        #expect(pictures.count == 3)
        for (path, svg) in pictures {
            let url = Self.root.appendingPathComponent(path)
            if Self.isRecording { try svg.write(to: url, atomically: true, encoding: .utf8) }
            #expect(try String(contentsOf: url, encoding: .utf8) == svg, "\(path) is not what the command draws")
            #expect(page.contains("(\(path.dropFirst("docs/".count)))"), "\(path) is not shown")
        }
    }

    @Test func everyFigureInTheTextStandsInATableOfThePage() throws {
        let page = try String(contentsOf: Self.root.appendingPathComponent("docs/storm.md"), encoding: .utf8)
        // Every other part between fences is a block with output.
        let blocks = page.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let rows = page.components(separatedBy: "\n").filter { $0.hasPrefix("| `--") }
        let figures = (blocks + rows).joined(separator: "\n")
        let prose = page.split(separator: "**", omittingEmptySubsequences: false)
        var checked = 0
        for (index, bold) in prose.enumerated() where index % 2 == 1 && bold.contains(where: \.isNumber) {
            checked += 1
            #expect(figures.contains(bold), "`\(bold)` comes from no run of the page")
        }
        #expect(checked > 10)
    }

    /// The page with everything in it that comes from the command made anew, and its pictures.
    private static func regenerate(_ page: String) throws -> (String, [String: String]) {
        var lines: [String] = []
        var pictures: [String: String] = [:]
        var isInBlock = false
        var base: [String] = []
        for line in page.components(separatedBy: "\n") {
            if line.hasPrefix("$ holdfast storm") {
                let arguments = line.split(separator: " ").dropFirst(3).map(String.init)
                let command = try StormCommand.parse(arguments)
                let comparison = command.compare()
                lines.append(line)
                lines += command.text(of: comparison).split(separator: "\n", omittingEmptySubsequences: false)
                    .dropLast().map(String.init)
                if let path = command.svg { pictures[path] = comparison.svg() }
                isInBlock = true
            } else if isInBlock {
                guard line == "```" else { continue }
                isInBlock = false
                lines.append(line)
            } else if line.hasPrefix("<!-- storm: ") {
                base = line.split(separator: " ").dropFirst(2).dropLast().map(String.init)
                lines.append(line)
            } else if line.hasPrefix("| `--") {
                let flags = line.split(separator: "`")[1]
                let arguments = base + flags.split(separator: " ").map(String.init) + ["--no-charts"]
                lines.append("| `\(flags)` | \(try cells(arguments).joined(separator: " | ")) |")
            } else {
                lines.append(line)
            }
        }
        return (lines.joined(separator: "\n"), pictures)
    }

    /// The cells of the one row that a command with one strategy gives, from the peak on.
    private static func cells(_ arguments: [String]) throws -> [String] {
        let command = try StormCommand.parse(arguments)
        let rows = command.text(of: command.compare()).components(separatedBy: "\n")
        let row = try #require(rows.first { $0.hasPrefix("full  ") })
        return row.components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.dropFirst(2).map { $0 }
    }
}

@Suite struct StormCommandTests {
    @Test(arguments: [
        ["--clients", "0"], ["--clients", "1000001"], ["--clients", "x"], ["--capacity", "0"], ["--capacity", "nan"],
        ["--capacity", "inf"], ["--queue", "0"], ["--down", "1"], ["--down", "-5s"], ["--down", "2d"],
        ["--strategy", "none"], ["--base", "0s"], ["--base", "1m", "--cap", "30s"], ["--multiplier", "0.5"],
        ["--ratio", "2"], ["--budget-rate", "0"], ["--budget-burst", "0"], ["--budget", "maybe"], ["--width", "10"],
        ["--failure-rate", "1"], ["--seed", "-1"], ["--latency", "11s"], ["--unknown"], ["stray"],
    ])
    func wrongFlagsEndWith64(arguments: [String]) {
        #expect {
            _ = try StormCommand.parse(arguments)
        } throws: { error in
            StormCommand.exitCode(for: error).rawValue == 64
        }
    }

    @Test func jsonIsTheSameTwiceAndTellsEveryRun() throws {
        let arguments = ["--clients", "50", "--strategy", "full", "--strategy", "grpc"]
        let first = try StormCommand.json(of: StormCommand.parse(arguments).compare())
        let second = try StormCommand.json(of: StormCommand.parse(arguments).compare())
        #expect(first == second)
        let object = try #require(try JSONSerialization.jsonObject(with: first) as? [String: Any])
        let results = try #require(object["results"] as? [[String: Any]])
        #expect(results.map { $0["strategy"] as? String } == ["full", "full", "grpc", "grpc"])
        #expect(results.map { $0["has_budget"] as? Bool } == [false, true, false, true])
        #expect((object["scenario"] as? [String: Any])?["capacity"] as? Double == 1)
    }

    @Test func noChartIsWiderThanAskedFor() throws {
        let comparison = try StormCommand.parse(["--clients", "200"]).compare()
        for width in [80, 100, 173] {
            let lines = comparison.text(width: width).components(separatedBy: "\n")
            let charts = lines.drop { !$0.hasPrefix("handshakes/s") }.dropFirst()
            #expect(charts.count > 10)
            #expect(charts.allSatisfy { $0.count <= width })
        }
        #expect(comparison.text(width: 80, isASCII: true).utf8.allSatisfy { $0 < 128 })
    }
}
