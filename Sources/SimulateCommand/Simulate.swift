import ArgumentParser
import Foundation
import StreamSimulation

/// `holdfast-simulate`: years of faults in virtual time.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast-simulate",
        abstract: "Simulates streams, the network, the gateway, the disk and what goes wrong with each.",
        discussion: """
            Every run is decided by its seed. Something promised that did not hold ends it with status 1, the seed and \
            the smallest script found that shows it.
            """)

    @Option(help: "Run this seed alone, and print its digest: the same seed gives the same run, to the byte.")
    var seed: UInt64?
    @Option(help: "Run seeds from here on, one after the other; without it, from a random one.")
    var first: UInt64?
    @Option(help: "How many seeds to run at most.")
    var seeds: Int?
    @Option(help: "For how many seconds to run seeds.")
    var seconds: Double = 60
    @Option(help: "For how many hours to run seeds, instead.")
    var hours: Double?
    @Option(
        help: "How many seeds to run at a time; without it, as many as there are processors where --hours is given.")
    var jobs: Int?
    @Option(help: "About how many messages a seed is to have; the more, the longer it runs.")
    var events: Double = 20_000
    @Flag(help: "Print the script of the seed, and run nothing.")
    var script = false
    @Flag(inversion: .prefixedNo, help: "Look for a small script where something is wrong.")
    var shrink = true
    @Flag(help: "Print a line for each seed.")
    var verbose = false

    func validate() throws {
        if script, seed == nil { throw ValidationError("--script wants a --seed") }
        if let jobs, !(1...1_024).contains(jobs) { throw ValidationError("--jobs is from 1 to 1024") }
        if !(1...1e9).contains(events) { throw ValidationError("--events is from 1 to 1000000000") }
    }

    func run() throws {
        if let seed, script { return print(Simulation.script(seed: seed, events: events), terminator: "") }
        if let seed {
            var summary = Simulation.Summary()
            let verdict = Simulation.run(seed: seed, events: events, shrinks: shrink, addingTo: &summary)
            print(verdict.text)
            if verdict.checker != nil { throw ExitCode.failure }
            return
        }
        var campaign = Simulation.Campaign(first: first ?? UInt64.random(in: 1...1_000_000_000))
        campaign.seeds = seeds ?? .max
        campaign.seconds = hours.map { $0 * 3_600 } ?? seconds
        campaign.jobs = jobs ?? (hours == nil ? 1 : ProcessInfo.processInfo.activeProcessorCount)
        campaign.events = events
        print("seeds from \(campaign.first) on")
        let isVerbose = verbose
        let (summary, broken) = campaign.run { verdict in
            if isVerbose, verdict.checker == nil { print(verdict.text) }
        }
        if let broken { print(broken.text) }
        print(summary.text, terminator: "")
        guard let broken else { return }
        if shrink {
            // Told before: this may take minutes.
            fflush(nil)
            var own = Simulation.Summary()
            print(Simulation.run(seed: broken.seed, events: events, addingTo: &own).text)
        }
        throw ExitCode.failure
    }
}
