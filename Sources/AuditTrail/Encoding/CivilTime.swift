package import StreamModel

/// Wall time in RFC 3339 form: `2026-11-22T10:15:02.113Z`, always UTC, always milliseconds.
///
/// Own arithmetic, because a formatter costs a hundred times as much and the hot path of the trail writes one a line.
package enum CivilTime {
    /// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can say.
    private static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// Appends `time`, held within the years 0000 to 9999.
    package static func append(_ time: WallTime, to bytes: inout [UInt8]) {
        let milliseconds = min(max(time.milliseconds, range.lowerBound), range.upperBound)
        let (days, ofDay) = floorDivision(milliseconds, by: 86_400_000)
        let (year, month, day) = civilDate(daysSinceEpoch: days)
        appendPadded(year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendPadded(month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendPadded(day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        appendPadded(ofDay / 3_600_000, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendPadded(ofDay / 60_000 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendPadded(ofDay / 1_000 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        appendPadded(ofDay % 1_000, digits: 3, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The proleptic Gregorian date, counted in eras of 400 years that begin on 1 March, so that the leap day is last.
    private static func civilDate(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivision(daysSinceEpoch + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorDivision(_ dividend: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func appendPadded(_ value: Int64, digits: Int, to bytes: inout [UInt8]) {
        var scale: Int64 = 1
        for _ in 1..<digits { scale *= 10 }
        while scale > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / scale % 10))
            scale /= 10
        }
    }
}
