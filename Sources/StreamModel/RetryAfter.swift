/// The header `Retry-After` (RFC 9110, section 10.2.3).
public enum RetryAfter {
    /// The longest wait that is believed: a day. A server that names more is taken to mean that.
    public static let longest = Duration.seconds(86_400)

    /// How long to wait, counted from `now`, where the server's `value` is a number of seconds or an HTTP date in any
    /// of the three forms of RFC 9110, section 5.6.7. Zero for a date that has passed, nil for anything else.
    public static func parse(_ value: String, now: WallTime) -> Duration? {
        let text = Array(trimmed(value).utf8)
        if !text.isEmpty, text.allSatisfy({ (0x30...0x39).contains($0) }) {
            let seconds = text.count > 9 ? Int64.max : Int64(String(decoding: text, as: UTF8.self)) ?? .max
            return seconds >= 86_400 ? longest : .seconds(seconds)
        }
        guard let date = date(trimmed(value), now: now) else { return nil }
        let (wait, overflow) = date.subtractingReportingOverflow(now.milliseconds)
        guard !overflow else { return longest }
        return min(longest, .milliseconds(max(0, wait)))
    }

    /// Milliseconds since the Unix epoch.
    private static func date(_ text: Substring, now: WallTime) -> Int64? {
        // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map(String.init)
        let fields: (day: String, month: String, year: String, time: String)
        switch words.count {
        case 6 where words[5] == "GMT": fields = (words[1], words[2], words[3], words[4])
        case 5: fields = (words[2], words[1], words[4], words[3])
        default: return nil
        }
        guard let day = number(fields.day, digits: 1...2), (1...31).contains(day),
            let month = months.firstIndex(of: fields.month).map({ Int64($0 + 1) }),
            let writtenYear = number(fields.year, digits: 2...4), fields.year.utf8.count != 3,
            let time = timeOfDay(fields.time)
        else { return nil }
        let year = fields.year.utf8.count == 2 ? century(of: writtenYear, now: now) : writtenYear
        return (days(year: year, month: month, day: day) * 86_400 + time) * 1000
    }

    /// A year of two digits that seems more than 50 years ahead lies in the past.
    private static func century(of year: Int64, now: WallTime) -> Int64 {
        let thisYear = 1970 + now.milliseconds / 31_556_952_000
        let candidate = thisYear / 100 * 100 + year
        return candidate > thisYear + 50 ? candidate - 100 : candidate
    }

    private static func timeOfDay(_ text: String) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let hour = number(parts[0], digits: 2...2), hour < 24,
            let minute = number(parts[1], digits: 2...2), minute < 60,
            let second = number(parts[2], digits: 2...2), second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: String, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }

    /// Days since 1970-01-01 in the Gregorian calendar.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        // Years begin in March here, so that the leap day is the last one.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func trimmed(_ text: String) -> Substring {
        var rest = Substring(text)
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return rest
    }
}
