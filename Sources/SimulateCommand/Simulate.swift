import ArgumentParser
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
        if !(1...1e9).contains(events) { throw ValidationError("--events is from 1 to 1000000000") }
    }

    func run() throws {
        if let seed, script { return print(Simulation.script(seed: seed, events: events), terminator: "") }
        var summary = Simulation.Summary()
        if let seed {
            let verdict = Simulation.run(seed: seed, events: events, shrinks: shrink, addingTo: &summary)
            print(verdict.text)
            if verdict.checker != nil { throw ExitCode.failure }
            return
        }
        let limit = hours.map { $0 * 3_600 } ?? seconds
        let start = first ?? UInt64.random(in: 1...1_000_000_000)
        print("seeds from \(start) on")
        var next = start
        while summary.wallSeconds < limit, summary.seeds < seeds ?? .max {
            let verdict = Simulation.run(seed: next, events: events, shrinks: shrink, addingTo: &summary)
            next &+= 1
            if verdict.checker != nil {
                print(verdict.text)
                print(summary.text, terminator: "")
                throw ExitCode.failure
            }
            if verbose { print(verdict.text) }
        }
        print(summary.text, terminator: "")
    }
}
