import Testing

@testable import MetricsRegistry

@Suite struct NumberTests {
    private func text(_ write: (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer) -> String {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { memory in
            guard let start = memory.baseAddress else { return "" }
            let end = write(start)
            return String(decoding: UnsafeRawBufferPointer(start: start, count: end - start), as: UTF8.self)
        }
    }

    private func integer(_ value: UInt64) -> String { text { NumberWriting.write(integer: value, at: $0) } }
    private func seconds(_ value: Int64) -> String { text { NumberWriting.write(nanoseconds: value, at: $0) } }
    private func double(_ value: Double) -> String { text { NumberWriting.write(double: value, at: $0) } }

    @Test func integers() {
        var values: [UInt64] = [0, 1, .max, .max - 1]
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            values += [power - 1, power, power + 1]
        }
        var random = SplitMix(state: 1)
        for _ in 0..<2_000 { values.append(random.next() >> (random.next() % 64)) }
        for value in values {
            #expect(integer(value) == String(value))
            #expect(NumberWriting.width(value) == String(value).utf8.count)
        }
    }

    @Test(
        arguments: [
            (0, "0"), (1, "0.000000001"), (-1, "-0.000000001"), (1_000_000_000, "1"), (1_500_000_000, "1.5"),
            (-2_050_000_000, "-2.05"), (148_000_000, "0.148"), (1_763_785_800_123_000_000, "1763785800.123"),
            (10_000_000_010, "10.00000001"), (.max, "9223372036.854775807"), (.min, "-9223372036.854775808"),
        ] as [(Int64, String)])
    func nanosecondsAsSeconds(value: Int64, expected: String) {
        #expect(seconds(value) == expected)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1"), (-1, "-1.0"), (0.9987, "0.9987"), (.nan, "NaN"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"),
            (-0.0, "-0.0"), (1e-7, "1e-07"), (9_007_199_254_740_991, "9007199254740991"), (1e300, "1e+300"),
            (.leastNonzeroMagnitude, "5e-324"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        ] as [(Double, String)])
    func doubles(value: Double, expected: String) {
        #expect(double(value) == expected)
    }

    @Test func whatIsWrittenReadsBack() {
        var random = SplitMix(state: 2)
        for _ in 0..<5_000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { #expect(Double(double(value)) == value) }
            let small = Double(random.next() % 100_000) / 1_000
            #expect(Double(double(small)) == small)
            let nanoseconds = Int64(bitPattern: random.next()) >> Int64(random.next() % 63)
            #expect(parsed(seconds(nanoseconds)) == nanoseconds)
        }
    }

    /// Nanoseconds out of seconds in decimal, exactly.
    private func parsed(_ text: String) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".")
        guard let whole = parts.first.flatMap({ UInt64($0) }) else { return nil }
        let digits = parts.count > 1 ? String(parts[1]) : ""
        guard let fraction = UInt64((digits + "000000000").prefix(9)), !digits.hasSuffix("0") else { return nil }
        let magnitude = whole * 1_000_000_000 + fraction
        return isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(exactly: magnitude)
    }
}

/// A generator with a seed (Steele, Lea, Flood 2014), so that a failure repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
