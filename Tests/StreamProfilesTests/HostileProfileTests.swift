import ConfigurationReader
import StreamModel
import StreamProfiles
import Testing

@Suite("Profiles that were damaged")
struct HostileProfileTests {
    @Test("no damage crashes the reader, and what is refused is explained", arguments: [21, 22] as [UInt64])
    func damaged(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let sound = Array(try #require(builtIn("genesys-notifications").text).utf8)
        let scraps = [
            "{", "}", "[", "]", ": ", "- ", "\"", "'", "*a", "&a ", "!!int ", "\n", "  ", "\t", "${A}", "{{", "~", "/",
        ]
        for round in 0..<60 {
            var bytes = sound
            for _ in 0...Int.random(in: 0...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 2: bytes.insert(contentsOf: Array((scraps.randomElement(using: &random) ?? "").utf8), at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 20))
                }
            }
            let document = ConfigurationDocument(bytes: bytes, file: "p.yaml")
            let profile = document.root.flatMap { Profile.decode($0, name: "damaged") }
            #expect(
                profile != nil || document.hasErrors,
                "seed \(seed), round \(round): refused without a word")
            #expect(document.diagnostics.allSatisfy { $0.line >= 1 && $0.column >= 1 && !$0.message.isEmpty })
            guard let profile else { continue }
            _ = profile.matcher(for: .open).facts(of: Array(#"{"topicName":"x"}"#.utf8))
            _ = try? profile.prepare.first?.render(["token": .string("t"), "api_url": .string("http://a")])
        }
    }
}
