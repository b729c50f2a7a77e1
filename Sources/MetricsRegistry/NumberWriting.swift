// Unsafe pointers: a number is a few instructions, and a bounds check for each of its digits would be most of them.

/// Writes numbers as ASCII at a raw pointer. The caller has made sure that there is room for 31 bytes, of which those
/// behind the number may be overwritten too.
enum NumberWriting {
    /// Writes `value`; returns the end.
    @inline(__always)
    static func write(integer value: UInt64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        if value < 10 {
            target.storeBytes(of: UInt8(truncatingIfNeeded: value) &+ 48, as: UInt8.self)
            return target + 1
        }
        return value < eightDigits ? writeShort(value, at: target) : writeLong(value, at: target)
    }

    private static let eightDigits: UInt64 = 100_000_000
    /// "0" eight times.
    private static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// The eight digits of `value`, less than 10⁸, one a byte and the first in the lowest: all at once, each step
    /// halving what is still together (Lemire's and Mula's way).
    @inline(__always)
    private static func digits(_ value: UInt64) -> UInt64 {
        let fours = (value / 10_000) | (value % 10_000) << 32
        // A hundredth of each half, which is exact below 43,699; then a tenth of each quarter, exact below 179.
        let hundreds = ((fours &* 10_486) >> 20) & 0x0000_007F_0000_007F
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = ((twos &* 103) >> 10) & 0x000F_000F_000F_000F
        return tens | (twos &- tens &* 10) << 8
    }

    /// Writes `value`, less than 10⁸, without zeros before it.
    @inline(__always)
    private static func writeShort(_ value: UInt64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let digits = digits(value)
        // Bits of the bytes before the first digit that counts; 0 itself has one digit.
        let leading = min(digits.trailingZeroBitCount, 56) & 56
        target.storeBytes(of: (digits | zeros) >> UInt64(leading), as: UInt64.self)
        return target + (8 - leading / 8)
    }

    @inline(never)
    private static func writeLong(_ value: UInt64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let (front, last) = value.quotientAndRemainder(dividingBy: eightDigits)
        let end: UnsafeMutableRawPointer
        if front < eightDigits {
            end = writeShort(front, at: target)
        } else {
            let (first, middle) = front.quotientAndRemainder(dividingBy: eightDigits)
            let start = writeShort(first, at: target)
            start.storeBytes(of: digits(middle) | zeros, as: UInt64.self)
            end = start + 8
        }
        end.storeBytes(of: digits(last) | zeros, as: UInt64.self)
        return end + 8
    }

    /// How many bytes ``write(integer:at:)`` writes.
    @inline(__always)
    static func width(_ value: UInt64) -> Int {
        if value < 10 { return 1 }
        // 1233/4096 is a little more than the logarithm of 2: the result is right, or one too many.
        let guess = ((64 - value.leadingZeroBitCount) &* 1233) >> 12
        return guess + (value < powers[guess] ? 0 : 1)
    }

    /// The powers of ten that have 64 bits. Literals, so that the compiler lays them out and nothing is initialized.
    private static let powers: [UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]

    /// Writes nanoseconds as seconds, without trailing zeros; returns the end.
    @inline(__always)
    static func write(nanoseconds: Int64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        nanoseconds == 0 ? write(integer: 0, at: target) : writeSeconds(nanoseconds, at: target)
    }

    private static func writeSeconds(
        _ nanoseconds: Int64, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard nanoseconds < 0 else { return writeMagnitude(nanoseconds.magnitude, at: target) }
        target.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        return writeMagnitude(nanoseconds.magnitude, at: target + 1)
    }

    @inline(never)
    private static func writeMagnitude(
        _ nanoseconds: UInt64, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let (whole, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let point = write(integer: whole, at: target)
        if fraction == 0 { return point }
        // Nine digits: one, then eight, of which the zeros at the end are cut.
        let (first, rest) = fraction.quotientAndRemainder(dividingBy: eightDigits)
        point.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
        (point + 1).storeBytes(of: UInt8(truncatingIfNeeded: first) &+ 48, as: UInt8.self)
        if rest == 0 { return point + 2 }
        let digits = digits(rest)
        (point + 2).storeBytes(of: digits | zeros, as: UInt64.self)
        return point + (10 - digits.leadingZeroBitCount / 8)
    }

    /// Writes the shortest text that reads back as `value`; `NaN`, `+Inf` and `-Inf` as both formats want them.
    @inline(__always)
    static func write(double value: Double, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        // Most gauges are small whole numbers; a negative zero is none of them.
        if value >= 0, value < 9_007_199_254_740_992, value.sign == .plus {
            let whole = UInt64(value)
            if Double(whole) == value { return write(integer: whole, at: target) }
        }
        return writeSlowly(value, at: target)
    }

    @inline(never)
    private static func writeSlowly(_ value: Double, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var text: String
        if value.isNaN {
            text = "NaN"
        } else if value.isInfinite {
            text = value < 0 ? "-Inf" : "+Inf"
        } else {
            text = value.description
        }
        return text.withUTF8 { utf8 in
            guard let base = utf8.baseAddress else { return target }
            target.copyMemory(from: base, byteCount: utf8.count)
            return target + utf8.count
        }
    }
}
