import ConfigurationReader
import Testing

@Suite("Durations and sizes")
struct QuantityTests {
    @Test(
        "durations as in Prometheus",
        arguments: [
            ("0", 0), ("0s", 0), ("500ms", 500), ("30s", 30_000), ("1m30s", 90_000), ("24h", 86_400_000),
            ("1d", 86_400_000), ("1w", 604_800_000), ("1y", 31_536_000_000), ("1h0m1s", 3_601_000),
            ("90m", 5_400_000), ("1s500ms", 1500),
        ] as [(String, Int64)])
    func durations(text: String, milliseconds: Int64) throws {
        #expect(try DurationGrammar.parse(text).get() == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration",
        arguments: [
            ("", "it is empty"), ("30", "30 of what? Write a unit, such as `30s`"),
            ("1.5s", "only whole numbers; write 1s500ms rather than 1.5s"), ("-1s", "a duration is not negative"),
            ("1s1m", "units go from the largest to the smallest, each once: y w d h m s ms"),
            ("1s1s", "units go from the largest to the smallest, each once: y w d h m s ms"),
            ("1 s", "1 of what? Write a unit, such as `1s`"), ("s", "a number with a unit is wanted"),
            ("1sec", "unit `sec` is not one of y, w, d, h, m, s, ms"), ("1m 30s", "no spaces; write 1m30s"),
            ("1M", "unit `M` is not one of y, w, d, h, m, s, ms"), ("293y", "longer than 292 years"),
            ("99999999999999999999s", "longer than 292 years"), ("1µs", "1 of what? Write a unit, such as `1s`"),
            ("00", "00 of what? Write a unit, such as `00s`"), ("٣s", "a number with a unit is wanted"),
        ])
    func notDurations(text: String, message: String) {
        guard case .failure(let problem) = DurationGrammar.parse(text) else {
            Issue.record("\(text) was taken")
            return
        }
        #expect(problem.message == message)
    }

    @Test("durations are written so that they read back", arguments: ["0s", "1d2h3m4s5ms", "30s", "8d", "1ms"])
    func written(text: String) throws {
        #expect(DurationGrammar.format(try DurationGrammar.parse(text).get()) == text)
    }

    @Test("bounds of a duration are told")
    func bounds() {
        #expect(
            read("2m") { $0.duration(in: .seconds(1) ... .seconds(60)) }.mistakes
                == ["test.yml:1:1: expected a duration from 1s to 1m, found `2m`"])
    }

    @Test(
        "sizes",
        arguments: [
            ("0", 0), ("1048576", 1_048_576), ("1MiB", 1_048_576), ("64KiB", 65_536), ("1GB", 1_000_000_000),
            ("512B", 512), ("2TiB", 2_199_023_255_552), ("1KB", 1000),
        ])
    func sizes(text: String, bytes: Int) throws {
        #expect(try SizeGrammar.parse(text).get() == bytes)
        #expect(read(text) { $0.size() }.value == bytes)
    }

    @Test(
        "what is no size",
        arguments: [
            ("MiB", "a number is wanted first"), ("-1", "a size is not negative"),
            ("1.5MiB", "only whole numbers; write 1536KiB rather than 1.5MiB"), ("1 MiB", "no space before the unit"),
            ("1M", "write `MiB` (1,048,576 bytes) or `MB` (1,000,000 bytes)"),
            ("1mib", "write `MiB` (1,048,576 bytes) or `MB` (1,000,000 bytes)"),
            ("9999999TiB", "more than 64 bits hold"),
            ("1PiB", "unit `PiB` is not one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB"),
        ])
    func notSizes(text: String, message: String) {
        guard case .failure(let problem) = SizeGrammar.parse(text) else {
            Issue.record("\(text) was taken")
            return
        }
        #expect(problem.message == message)
    }

    @Test("what is written of sizes", arguments: [("1MiB", 1 << 20), ("1000B", 1000), ("0B", 0), ("3KiB", 3072)])
    func format(text: String, bytes: Int) {
        #expect(SizeGrammar.format(bytes) == text)
    }
}
