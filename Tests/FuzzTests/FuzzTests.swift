import Foundation
import Testing

extension FuzzTarget: CustomTestStringConvertible {
    static let all = [
        frames, handshake, matcher, profile, template, token, replay, request, server, configuration, webConfiguration,
        faults,
    ]

    var testDescription: String { name }

    /// Begins with the seeds as they are, then damages them. Throws with the first input that shows a finding.
    func run(seed: UInt64, while goesOn: (_ executed: Int) -> Bool) throws {
        let seeds = try Seeds.load(self.seeds, mostBytes: mostBytes)
        try demand(!seeds.isEmpty, "there are no inputs to begin from in \(self.seeds)")
        var mutator = Mutator(seed: seed, seeds: seeds, words: words, mostBytes: mostBytes)
        var rest = seeds[...]
        var executed = 0
        while goesOn(executed) {
            let input = rest.popFirst() ?? mutator.next()
            executed += 1
            do {
                try check(input)
            } catch {
                throw Finding(
                    description: "\(name): \(error)\nseed \(seed), input \(executed): "
                        + Data(input).base64EncodedString())
            }
        }
    }
}

@Suite struct FuzzTests {
    @Test(arguments: FuzzTarget.all)
    func `a short run with a fixed seed finds nothing`(_ target: FuzzTarget) throws {
        try target.run(seed: 1) { $0 < target.shortRun }
    }

    /// `FUZZ_TARGET=matcher FUZZ_SECONDS=3600 FUZZ_SEED=7`: a campaign without libFuzzer, also for targets whose
    /// dependencies one does not want to build once more.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["FUZZ_TARGET"] != nil))
    func `a long run`() throws {
        let environment = ProcessInfo.processInfo.environment
        let target = try #require(FuzzTarget.all.first { $0.name == environment["FUZZ_TARGET"] })
        let seconds = environment["FUZZ_SECONDS"].flatMap(Double.init) ?? 60
        let seed = environment["FUZZ_SEED"].flatMap(UInt64.init) ?? .random(in: 0 ... .max)
        let end = Date() + seconds
        var total = 0
        defer { print("\(target.name): \(total) inputs, seed \(seed)") }
        try target.run(seed: seed) { executed in
            total = executed
            return executed % 16 != 0 || Date() < end
        }
    }

    @Test func `a finding is told with its input`() throws {
        let careless = FuzzTarget(name: "careless", seeds: ["Fuzzing/Corpus/template"]) { input in
            try demand(!input.contains(0x7D), "a brace")
        }
        let error = #expect(throws: Finding.self) { try careless.run(seed: 1) { $0 < 10_000 } }
        #expect(error?.description.contains("careless: a brace\nseed 1, input ") == true)
    }

    @Test func `the same seed makes the same inputs`() throws {
        func inputs(_ seed: UInt64) -> [[UInt8]] {
            var mutator = Mutator(seed: seed, seeds: [Array("one 1".utf8), []], words: ["two"], mostBytes: 100)
            return (0..<200).map { _ in mutator.next() }
        }
        #expect(inputs(5) == inputs(5))
        #expect(inputs(5) != inputs(6))
        #expect(inputs(5).allSatisfy { $0.count <= 100 })
    }
}
