import NIOCore
import StreamModel

/// Ends streams of one event loop, so many at a time that their ends keep none of the others waiting.
///
/// A stream that ends sends a close frame, and the peer's answer is work for the loop: reading it, telling of it, closing
/// the socket. A peer answers together what it is sent together, and the loop serves every socket that is ready before
/// it does anything else. With thousands of close frames under way, thousands of answers would be one pause.
final class LoopClosings: Sendable {
    /// The end of one stream.
    struct Closing: Sendable {
        /// Begins it, on the loop; `over` is called there once nothing more is to come.
        let begin: @Sendable (_ over: @escaping () -> Void) -> Void
        /// Called instead where the loop ends before.
        let dropped: @Sendable () -> Void
    }

    /// The most that are awaited at once. All of their answers together are a few milliseconds of work.
    static let most = 64
    /// After so long one is not counted as awaited any more, answered or not: thousands of streams whose peer never
    /// answers would otherwise end in turns of their whole close timeout.
    static let patience = Duration.milliseconds(50)

    private struct State {
        var waiting = CircularBuffer<Closing>()
        /// When those began that are awaited, by their numbers.
        var awaited: [UInt64: Instant] = [:]
        var begun: UInt64 = 0
        /// Whether there is work asked for that begins the next one.
        var isNextAsked = false
        /// Whether a timer runs for the oldest of those that are awaited.
        var isTimerSet = false
        var isBounded = true
    }

    private let loop: any EventLoop
    private let work: LoopWork
    private let state: NIOLoopBoundBox<State>

    /// - Parameter work: what else concerns many streams of the loop; the closings take turns with it.
    init(work: LoopWork, loop: any EventLoop) {
        self.work = work
        self.loop = loop
        state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop)
    }

    /// Begins `closings` in their order, as soon as there is room for each. May be called from any thread.
    func add(_ closings: [Closing]) {
        loop.execute { [self] in
            state.value.waiting += closings
            goOn()
        }
    }

    /// Lifts the bound, for good: where all streams end, there are no others. May be called from any thread.
    func hurry() {
        loop.execute { [self] in
            state.value.isBounded = false
            goOn()
        }
    }

    /// Asks for the next one, or for a look at those that are awaited: one of the two is always due where any waits.
    private func goOn() {
        guard !state.value.isNextAsked, !state.value.waiting.isEmpty else { return }
        if state.value.isBounded, state.value.awaited.count >= Self.most { return setTimer() }
        state.value.isNextAsked = true
        work.add([LoopWork.Item({ self.beginNext() }, dropped: { self.drop() })])
    }

    private func beginNext() {
        state.value.isNextAsked = false
        guard let closing = state.value.waiting.popFirst() else { return }
        state.value.begun += 1
        let number = state.value.begun
        state.value.awaited[number] = loop.instant
        closing.begin { [self] in
            state.value.awaited[number] = nil
            goOn()
        }
        goOn()
    }

    private func setTimer() {
        guard !state.value.isTimerSet, let oldest = state.value.awaited.values.min() else { return }
        state.value.isTimerSet = true
        loop.schedule(at: oldest + Self.patience) { [self] in stopAwaiting() }
            .futureResult.whenFailure { [self] _ in drop() }
    }

    /// Of those that began too long ago.
    private func stopAwaiting() {
        state.value.isTimerSet = false
        let now = loop.instant
        state.value.awaited = state.value.awaited.filter { now - $0.value < Self.patience }
        goOn()
    }

    /// The loop has ended.
    private func drop() {
        while let closing = state.value.waiting.popFirst() { closing.dropped() }
    }
}
