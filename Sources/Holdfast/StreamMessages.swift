import NIOConcurrencyHelpers
import StreamModel

/// The elements of one held stream, for one reader. Ends when the stream does; when its reader ends, the stream does.
///
/// At most `limit` elements wait for the reader. What comes beyond is dropped, and one ``StreamElement/dropped(count:)``
/// stands in its place: a slow application sees what it missed, and never holds up the connection's heartbeats.
public struct StreamMessages: AsyncSequence, Sendable {
    /// What is given.
    public typealias Element = StreamElement

    let queue: Queue

    /// The elements, from now on.
    public func makeAsyncIterator() -> Iterator {
        Iterator(queue: queue)
    }

    /// Gives the elements one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: Queue

        /// The next element, as soon as there is one; nil after the end, or when the task is cancelled.
        public mutating func next() async -> StreamElement? {
            await queue.next()
        }
    }

    /// What waits for the reader. The writer never waits.
    final class Queue: Sendable {
        private struct State {
            var elements: [StreamElement] = []
            var head = 0
            var dropped = 0
            var reader: CheckedContinuation<StreamElement?, Never>?
            var isEnded = false
        }

        private let state = NIOLockedValueBox(State())
        private let limit: Int
        private let cancelled: @Sendable () -> Void

        /// - Parameter cancelled: called when the reader has gone.
        init(limit: Int, cancelled: @escaping @Sendable () -> Void) {
            self.limit = Swift.max(1, limit)
            self.cancelled = cancelled
        }

        func append(_ new: [StreamElement]) {
            for element in new { append(element) }
        }

        private func append(_ element: StreamElement) {
            let reader: CheckedContinuation<StreamElement?, Never>? = state.withLockedValue { state in
                guard !state.isEnded else { return nil }
                if let reader = state.reader {
                    state.reader = nil
                    return reader
                }
                if state.elements.count - state.head >= limit {
                    state.dropped += 1
                } else {
                    Self.admitDropped(&state)
                    state.elements.append(element)
                }
                return nil
            }
            reader?.resume(returning: element)
        }

        /// What was dropped is told in its place: before the next element that there was room for.
        private static func admitDropped(_ state: inout State) {
            guard state.dropped > 0 else { return }
            state.elements.append(.dropped(count: state.dropped))
            state.dropped = 0
        }

        func end() {
            let reader = state.withLockedValue { state in
                Self.admitDropped(&state)
                state.isEnded = true
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }

        private enum Step {
            case give(StreamElement?)
            case wait
        }

        func next() async -> StreamElement? {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let step = state.withLockedValue { state -> Step in
                        if state.head < state.elements.count { return .give(Self.take(&state)) }
                        if state.dropped > 0 {
                            defer { state.dropped = 0 }
                            return .give(.dropped(count: state.dropped))
                        }
                        // One reader: a second one that waits at the same time would starve, so it ends.
                        if state.isEnded || state.reader != nil { return .give(nil) }
                        state.reader = continuation
                        return .wait
                    }
                    if case .give(let element) = step { continuation.resume(returning: element) }
                }
            } onCancel: {
                end()
                cancelled()
            }
        }

        private static func take(_ state: inout State) -> StreamElement {
            let element = state.elements[state.head]
            state.head += 1
            if state.head > 64, state.head * 2 > state.elements.count {
                state.elements.removeFirst(state.head)
                state.head = 0
            }
            return element
        }
    }
}
