/// Writes numbers as ASCII at a raw pointer. The caller has made sure that there is room for 32 bytes.
enum NumberWriting {
    /// "00" to "99": two digits a step halve the divisions.
    private static var pairs: UnsafePointer<UInt8> {
        let digits: StaticString = """
            0001020304050607080910111213141516171819\
            2021222324252627282930313233343536373839\
            4041424344454647484950515253545556575859\
            6061626364656667686970717273747576777879\
            8081828384858687888990919293949596979899
            """
        return digits.utf8Start
    }

    /// Writes `value`; returns the end.
    @inline(__always)
    static func write(integer value: UInt64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        if value < 10 {
            target.storeBytes(of: UInt8(truncatingIfNeeded: value) &+ 48, as: UInt8.self)
            return target + 1
        }
        return writeLong(value, at: target)
    }

    @inline(never)
    private static func writeLong(_ value: UInt64, at target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let end = target + digits(value)
        var rest = value
        var cursor = end
        while rest >= 100 {
            let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
            cursor -= 2
            cursor.copyMemory(from: pairs + Int(truncatingIfNeeded: pair &* 2), byteCount: 2)
            rest = quotient
        }
        if rest >= 10 {
            (cursor - 2).copyMemory(from: pairs + Int(truncatingIfNeeded: rest &* 2), byteCount: 2)
        } else {
            (cursor - 1).storeBytes(of: UInt8(truncatingIfNeeded: rest) &+ 48, as: UInt8.self)
        }
        return end
    }

    /// How many decimal digits `value` has.
    private static func digits(_ value: UInt64) -> Int {
        var bound: UInt64 = 10
        for count in 1..<20 {
            if value < bound { return count }
            bound = bound &* 10
        }
        return 20
    }

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
        point.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
        // Nine digits from the right: one, then four pairs, and the zeros at the end are cut.
        var rest = fraction
        for pair in 0..<4 {
            let (quotient, digits) = rest.quotientAndRemainder(dividingBy: 100)
            (point + (8 - 2 * pair)).copyMemory(from: pairs + Int(truncatingIfNeeded: digits &* 2), byteCount: 2)
            rest = quotient
        }
        (point + 1).storeBytes(of: UInt8(truncatingIfNeeded: rest) &+ 48, as: UInt8.self)
        var end = point + 10
        while (end - 1).load(as: UInt8.self) == UInt8(ascii: "0") { end -= 1 }
        return end
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
