import Logging
import NIOConcurrencyHelpers
package import NIOCore
import StreamModel

/// How streams end.
extension StreamRuntime {
    /// Stops streams, each of which is over once its sockets are closed and its listener was told.
    private func retire(_ all: [Held]) -> [(held: Held, over: EventLoopFuture<Void>)] {
        var leaving: [(held: Held, over: EventLoopFuture<Void>)] = []
        for held in Dictionary(grouping: all, by: { ObjectIdentifier($0.place) }).values {
            guard let place = held.first?.place else { continue }
            let promises = held.map { ($0, place.loop.makePromise(of: Void.self)) }
            leaving += promises.map { ($0, $1.futureResult) }
            place.closings.add(
                promises.map { held, promise in
                    LoopClosings.Closing { over in
                        self.retire(held) {
                            promise.succeed()
                            over()
                        }
                    } dropped: {
                        promise.fail(EventLoopError.shutdown)
                    }
                })
        }
        return leaving
    }

    /// On the stream's loop.
    private func retire(_ held: Held, finished: @escaping () -> Void) {
        switch held.life.value {
        case .awaited: held.life.value = .forgone(finished: finished)
        case .running(let driver):
            driver.retire { [listeners] in
                listeners.removed(driver.identity)
                finished()
            }
        case .forgone: finished()
        }
    }

    /// Stops streams that the plan no longer has as they were, and starts what the plan has in their place by then.
    func replace(_ stopping: [Held]) {
        for (held, over) in retire(stopping) { follow(held, until: over) }
    }

    private func follow(_ held: Held, until over: EventLoopFuture<Void>) {
        let name = held.specification.name
        state.withLockedValue { $0.leaving[name] = over }
        over.whenComplete { [self] _ in
            let (successor, isStopping) = state.withLockedValue { state in
                state.leaving[name] = nil
                return (state.retiring.removeValue(forKey: name) ?? nil, state.isStopping)
            }
            // Forgotten only now: the last thing that a stream does is to say where it was.
            guard let successor else {
                options.cursors?.forget(name)
                return
            }
            if !isStopping { start([successor]) }
        }
    }

    // MARK: The end

    /// Stops every stream (close frames are sent) and saves the cursors; returns when all sockets are closed, or after
    /// `limit`.
    public func stop(within limit: Duration) async {
        try? await stopping(within: limit).get()
        saveCursors()
    }

    /// Stops every stream; done when all sockets are closed, or after `limit`.
    package func stopping(within limit: Duration) -> EventLoopFuture<Void> {
        let (all, leaving, saving) = state.withLockedValue { state in
            state.isStopping = true
            defer { state.held = [:] }
            // In a settled order, so that the same run is told in the same way.
            let held = state.held.values.sorted { $0.specification.name < $1.specification.name }
            return (held, Array(state.leaving.values), state.saving)
        }
        saving?.cancel()
        for place in places.values { place.closings.hurry() }
        let loop = group.next()
        let done = loop.makePromise(of: Void.self)
        let deadline = loop.scheduleTask(in: .nanoseconds(limit.nanoseconds)) { done.succeed() }
        EventLoopFuture.andAllComplete(retire(all).map(\.over) + leaving, on: loop).whenComplete { _ in
            deadline.cancel()
            done.succeed()
        }
        return done.futureResult
    }

    // MARK: Cursors

    func saveCursorsEverySecond() {
        let task = group.next().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [weak self] _ in
            // The disk is slow; an event loop does not wait for it.
            self?.options.offload { [weak self] in self?.saveCursors() }
        }
        state.withLockedValue { $0.saving = task }
    }

    package func saveCursors() {
        do {
            try options.cursors?.save()
        } catch {
            logger.error("\(error)")
        }
    }
}
