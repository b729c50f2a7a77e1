import StreamModel

/// Texts of the page.
enum PageText {
    /// Text from outside never becomes markup. Good in elements and in quoted attributes.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        // By scalar, not by character: `<` with a combining mark after it is one character, and still opens a tag.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A share from 0 to 1 as per cent, rounded down: 99.999 9 % must never read as whole. A dash where there is none.
    static func percent(_ share: Double?) -> String {
        guard let share, share.isFinite else { return "–" }
        let thousandths = Int((min(1, max(0, share)) * 100_000).rounded(.down))
        guard thousandths < 100_000 else { return "100 %" }
        let fraction = thousandths % 1_000
        let digits = String(repeating: "0", count: fraction < 10 ? 2 : fraction < 100 ? 1 : 0) + String(fraction)
        return "\(thousandths / 1_000).\(digits) %"
    }

    /// The two largest units.
    static func duration(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.nanoseconds / 1_000_000)
        if milliseconds < 1_000 { return "\(milliseconds) ms" }
        if milliseconds < 10_000 { return "\(milliseconds / 1_000).\(milliseconds / 100 % 10) s" }
        let seconds = milliseconds / 1_000
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3_600 { return "\(seconds / 60) min \(seconds % 60) s" }
        if seconds < 86_400 { return "\(seconds / 3_600) h \(seconds / 60 % 60) min" }
        return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
    }

    /// From one wall time to another; a clock that was set back makes nothing negative.
    static func age(of time: WallTime, at now: WallTime) -> String {
        duration(.milliseconds(max(0, now.milliseconds - time.milliseconds)))
    }
}
