import NIOCore
import StreamModel

/// Work for thousands of streams on one event loop, a few milliseconds of it at a time: in between, the loop serves those
/// that the work has nothing to do with. What was asked for first is done first.
///
/// Bounded by time and not by number: a stream that starts, one that connects and one that closes take different times,
/// and each takes more of them on a slower machine.
final class LoopWork: Sendable {
    /// One thing to do.
    struct Item: Sendable {
        /// Does it, on the loop.
        let run: @Sendable () -> Void
        /// Called instead where the loop ends before.
        let dropped: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void, dropped: @escaping @Sendable () -> Void = {}) {
            self.run = run
            self.dropped = dropped
        }
    }

    /// How long the loop works before it may look around. An item that takes longer is not interrupted.
    static let budget = Duration.milliseconds(3)
    /// How long the work rests where there is no ``LoopBell``: the loop reads its sockets only once no task is due.
    static let pause = Duration.microseconds(500)
    /// After so long without work the loop has looked around, or has been kept from it by something else.
    static let quiet = Duration.milliseconds(10)

    private struct State {
        /// Nil where one is done: what it holds, a stream perhaps, goes with it, and not all of them with the last.
        var items: [Item?] = []
        /// The first of `items` that is not done.
        var next = 0
        /// The time worked since the loop last looked around.
        var spent = Duration.zero
        /// When it last worked.
        var worked: Instant?
        var isResting = false
        /// Made when it is first needed: most processes hold too few streams to need it.
        var bell: LoopBell?
    }

    private let loop: any EventLoop
    private let clock: @Sendable () -> Instant
    private let state: NIOLoopBoundBox<State>

    /// - Parameter clock: what tells how long the work takes; nil: the loop's clock.
    init(loop: any EventLoop, clock: (@Sendable () -> Instant)? = nil) {
        self.loop = loop
        self.clock = clock ?? { loop.instant }
        state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop)
    }

    /// Does `items` in their order: at once, on the loop, as far as there is time. May be called from any thread.
    func add(_ items: [Item]) {
        loop.execute { [self] in
            state.value.items += items.map(Optional.some)
            // Not in this task, which holds all of the items until it is over.
            loop.execute { [self] in work() }
        }
    }

    /// Does `run` once there is time for it.
    func add(_ run: @escaping @Sendable () -> Void) {
        add([Item(run)])
    }

    private func work() {
        guard !state.value.isResting else { return }
        var last = clock()
        if let worked = state.value.worked, last - worked >= Self.quiet { state.value.spent = .zero }
        while state.value.spent < Self.budget, let item = takeNext() {
            item.run()
            let now = clock()
            state.value.spent += now - last
            last = now
        }
        state.value.worked = last
        if !state.value.items.isEmpty { rest() }
    }

    /// Goes on once the loop has looked around.
    private func rest() {
        state.value.isResting = true
        if let bell = state.value.bell, bell.isReady { return bell.ring() }
        if state.value.bell == nil {
            state.value.bell = LoopBell(on: loop) { [unowned self] in
                goOn()
            } ended: { [self] in
                drop()
            }
        }
        loop.schedule(at: loop.instant + Self.pause) { [self] in goOn() }
            .futureResult.whenFailure { [self] _ in drop() }
    }

    private func goOn() {
        guard state.value.isResting else { return }
        state.value.isResting = false
        state.value.spent = .zero
        work()
    }

    /// The loop has ended.
    private func drop() {
        state.value.bell = nil
        while let item = takeNext() { item.dropped() }
    }

    private func takeNext() -> Item? {
        let next = state.value.next
        guard next < state.value.items.count else { return nil }
        let item = state.value.items[next]
        state.value.items[next] = nil
        state.value.next = next + 1
        if state.value.next == state.value.items.count {
            state.value.items = []
            state.value.next = 0
        }
        return item
    }
}
