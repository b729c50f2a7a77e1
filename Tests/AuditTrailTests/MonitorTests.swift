import StreamModel
import Testing

@testable import AuditTrail

@Suite struct MonitorTests {
    /// Whoever spins has the same answers as whoever sleeps.
    @Test(arguments: [Instant.distantFuture, Instant(nanoseconds: .min)])
    func anUpdateEndsAWait(_ spinUntil: Instant) throws {
        let monitor = Monitor(0)
        let turns = 1_000
        @Sendable func take(_ own: Int) {
            for turn in 0..<turns where turn % 2 == own {
                monitor.wait { value, wait in
                    wait.spinUntil = spinUntil
                    return value == turn ? () : nil
                }
                monitor.update { $0 += 1 }
            }
        }
        try #require(DetachedThread.start { take(1) })
        take(0)
        monitor.wait { value, _ in value == turns ? () : nil }
    }

    @Test func aDeadlineEndsSpinningToo() {
        let deadline = SystemClock.monotonic + .milliseconds(1)
        let answered = Monitor(0).wait { _, wait in
            wait.spinUntil = .distantFuture
            wait.deadline = deadline
            return SystemClock.monotonic >= deadline ? SystemClock.monotonic : nil
        }
        #expect(answered >= deadline)
    }
}
