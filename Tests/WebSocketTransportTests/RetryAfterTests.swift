import Testing
import WebSocketTransport

@Suite struct RetryAfterTests {
    @Test func readsSeconds() {
        #expect(RetryAfter("120") == .delay(.seconds(120)))
        #expect(RetryAfter(" 5 ") == .delay(.seconds(5)))
        #expect(RetryAfter("0") == .delay(.zero))
        #expect(RetryAfter("999999999999999999999999") == .delay(RetryAfter.maxDelay))
    }

    @Test func readsDates() throws {
        let date = try #require(RetryAfter("Sun, 06 Nov 1994 08:49:37 GMT"))
        #expect(date == .date(unixSeconds: 784_111_777))
        #expect(RetryAfter("Thu, 29 Feb 2024 00:00:00 GMT") == .date(unixSeconds: 1_709_164_800))
        #expect(date.delay(nowUnixSeconds: 784_111_770) == .seconds(7))
        #expect(date.delay(nowUnixSeconds: 784_111_800) == .zero)
        #expect(date.delay(nowUnixSeconds: 0) == RetryAfter.maxDelay)
    }

    @Test(arguments: ["", "soon", "-1", "1.5", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "9x"])
    func refusesAnythingElse(value: String) {
        #expect(RetryAfter(value) == nil)
    }
}
