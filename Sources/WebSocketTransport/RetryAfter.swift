/// When a server wants to be asked again: the `Retry-After` header (RFC 9110 section 10.2.3).
public enum RetryAfter: Hashable, Sendable {
    /// After this long.
    case delay(Duration)
    /// At this time, in seconds since 1970 UTC.
    case date(unixSeconds: Int64)

    /// The longest delay taken at its word; a longer one, or an overflowing one, counts as this: one day.
    public static let maxDelay: Duration = .seconds(86_400)

    /// Reads a header's value: seconds, or a date in the preferred form (`Sun, 06 Nov 1994 08:49:37 GMT`).
    public init?(_ value: String) {
        let trimmed = value.utf8.drop { $0 == 0x20 || $0 == 0x09 }
        if !trimmed.isEmpty, let seconds = Self.digits(trimmed.prefix { $0 != 0x20 && $0 != 0x09 }) {
            self = .delay(min(.seconds(seconds), Self.maxDelay))
        } else if let seconds = Self.fixdate(value) {
            self = .date(unixSeconds: seconds)
        } else {
            return nil
        }
    }

    /// The time to wait at `nowUnixSeconds` of wall time: zero for a date that is past, at most ``maxDelay``.
    public func delay(nowUnixSeconds now: Int64) -> Duration {
        switch self {
        case .delay(let delay): delay
        case .date(let seconds): min(.seconds(max(0, seconds - now)), Self.maxDelay)
        }
    }

    /// A number of digits only; capped, since a server may send any number of them.
    private static func digits(_ text: Substring.UTF8View.SubSequence) -> Int64? {
        guard text.count <= 64, text.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return text.reduce(Int64(0)) { min($0 * 10 + Int64($1 - 0x30), 1_000_000_000) }
    }

    /// RFC 9110 section 5.6.7, IMF-fixdate.
    private static func fixdate(_ value: String) -> Int64? {
        let parts = value.split(whereSeparator: { $0 == " " || $0 == ":" || $0 == "," })
        guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])),
            let day = Int64(parts[1]), (1...31).contains(day), let year = Int64(parts[3]), (1970...9999).contains(year),
            let hour = Int64(parts[4]), (0...23).contains(hour), let minute = Int64(parts[5]),
            (0...59).contains(minute),
            let second = Int64(parts[6]), (0...60).contains(second)
        else { return nil }
        return daysSinceEpoch(year: year, month: Int64(month) + 1, day: day) * 86_400
            + hour * 3600 + minute * 60 + second
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Days of the Gregorian calendar since 1970-01-01, counted in years that begin in March so that the leap day is
    /// each year's last.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
