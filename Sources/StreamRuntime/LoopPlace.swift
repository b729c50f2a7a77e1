import NIOCore
import StreamModel

/// One event loop, and what the streams that live there share.
final class LoopPlace: Sendable {
    let loop: any EventLoop
    /// What concerns many streams at once.
    let work: LoopWork
    /// Streams that are to end.
    let closings: LoopClosings
    /// Nil where every stream has timers of its own.
    let ticks: NIOLoopBoundBox<LoopTicks>?

    init(_ loop: any EventLoop, timerSlack: Duration, stopwatch: (@Sendable () -> Instant)?) {
        self.loop = loop
        work = LoopWork(loop: loop, clock: stopwatch)
        closings = LoopClosings(work: work, loop: loop)
        ticks =
            timerSlack > .zero
            ? NIOLoopBoundBox.makeBoxSendingValue(
                LoopTicks(loop: loop, work: work, interval: timerSlack), eventLoop: loop) : nil
    }
}
