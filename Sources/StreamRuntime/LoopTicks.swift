import NIOCore
import StreamModel

/// Wakes the live streams of one event loop on common ticks: one timer of the loop for all that are due in the same
/// tenth of a second.
///
/// With a timer for each of ten thousand streams, keeping the loop's queue of timers in order was a fifth of what
/// holding the streams idle cost, and waking up for each of them another quarter. Those of one tick are woken a few
/// milliseconds of work at a time: what thousands began together is due together. Belongs to its loop.
final class LoopTicks {
    /// Deadlines further off get a timer of their own: what waits here is not let go before its tick.
    private static let horizon = Duration.seconds(120)

    private let loop: any EventLoop
    private let work: LoopWork
    private let interval: Duration
    private var waiting: [Instant: [StreamDriver]] = [:]

    /// Ticks of `loop`, each `interval` after the one before.
    init(loop: any EventLoop, work: LoopWork, interval: Duration) {
        self.loop = loop
        self.work = work
        self.interval = interval
    }

    /// The tick on which a stream is to be woken that is due at `deadline`; nil where that is too near or too far.
    func tick(for deadline: Instant) -> Instant? {
        let wait = deadline - loop.instant
        guard wait > interval * 10, wait < Self.horizon else { return nil }
        let length = interval.nanoseconds
        return Instant(nanoseconds: (deadline.nanoseconds / length + 1) * length)
    }

    /// Wakes `driver` on `tick`. Whether it still waits for this tick is for the driver to know.
    func wake(_ driver: StreamDriver, on tick: Instant) {
        waiting[tick, default: []].append(driver)
        guard waiting[tick]?.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        // A tick that never comes, since the loop has ended, keeps nobody: each driver leads back to its loop's ticks.
        loop.schedule(at: tick) { bound.value.passed(tick) }
            .futureResult.whenFailure { _ in bound.value.waiting[tick] = nil }
    }

    private func passed(_ tick: Instant) {
        let due = waiting.removeValue(forKey: tick) ?? []
        work.add(
            due.map { driver in
                let bound = NIOLoopBound(driver, eventLoop: loop)
                return LoopWork.Item { bound.value.tickPassed(tick) }
            })
    }
}
