import NIOCore

/// Work for thousands of streams on one event loop, a few streams at a time: in between, the loop serves those that the
/// work has nothing to do with.
enum Spread {
    /// How many are worked on before the loop may look around; about 2 ms of work.
    static let batch = 16
    /// The loop reads its sockets only once no task is due, so that the next few must not be due at once.
    static let pause = TimeAmount.milliseconds(1)

    /// Calls `body` for each of `items` on `loop`, in order; the first few in its next round. Where the loop ends
    /// before, `dropped` is called for those that are left.
    static func over<Item: Sendable>(
        _ items: [Item], on loop: any EventLoop, body: @escaping @Sendable (Item) -> Void,
        dropped: @escaping @Sendable (Item) -> Void
    ) {
        loop.execute { run(items[...], on: loop, body, dropped) }
    }

    private static func run<Item: Sendable>(
        _ items: ArraySlice<Item>, on loop: any EventLoop, _ body: @escaping @Sendable (Item) -> Void,
        _ dropped: @escaping @Sendable (Item) -> Void
    ) {
        for item in items.prefix(batch) { body(item) }
        let rest = items.dropFirst(batch)
        guard !rest.isEmpty else { return }
        loop.scheduleTask(in: pause) { run(rest, on: loop, body, dropped) }.futureResult
            .whenFailure { _ in rest.forEach(dropped) }
    }
}
