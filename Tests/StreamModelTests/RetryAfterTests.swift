import StreamModel
import Testing

@Suite("Retry-After")
struct RetryAfterTests {
    /// 1994-11-06T08:49:00Z
    private let now = WallTime(milliseconds: 784_111_740_000)

    @Test(
        "seconds and the three forms of dates",
        arguments: [
            ("0", 0), ("120", 120), (" 5 ", 5), ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 37), ("Sun Nov  6 08:49:37 1994", 37),
            ("Sun, 06 Nov 1994 08:48:37 GMT", 0), ("99999999999999999999999", 86_400),
            ("Mon, 06 Nov 2034 08:49:37 GMT", 86_400), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("\t7\t", 7), ("Mon, 07 Nov 1994 00:00:00 GMT", 54_660),
        ] as [(String, Int)])
    func parse(value: String, seconds: Int) {
        #expect(RetryAfter.parse(value, now: now) == .seconds(seconds))
    }

    @Test(
        "anything else is nothing",
        arguments: [
            "", "x", "9x", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 99 Nov 1994 1:1:1 GMT",
            "Sun, 06 Nov 1994", "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "a b c d e", "a b c d e GMT", "1 2 3 4 5",
        ])
    func nonsense(value: String) {
        #expect(RetryAfter.parse(value, now: now) == nil)
    }

    @Test("leap days and the turn of the century")
    func calendar() {
        let leap = WallTime(milliseconds: 951_782_400_000)
        #expect(RetryAfter.parse("Tue, 29 Feb 2000 00:00:10 GMT", now: leap) == .seconds(10))
        #expect(RetryAfter.parse("Tuesday, 29-Feb-00 00:00:10 GMT", now: leap) == .seconds(10))
        let past = WallTime(milliseconds: 946_684_790_000)
        #expect(RetryAfter.parse("Sat, 01 Jan 2000 00:00:00 GMT", now: past) == .seconds(10))
        // 2100 is no leap year; 2024 is one.
        let turn = WallTime(milliseconds: 4_107_542_395_000)
        #expect(RetryAfter.parse("Mon, 01 Mar 2100 00:00:00 GMT", now: turn) == .seconds(5))
        let recent = WallTime(milliseconds: 1_709_164_799_500)
        #expect(RetryAfter.parse("Thu, 29 Feb 2024 00:00:00 GMT", now: recent) == .milliseconds(500))
    }
}
