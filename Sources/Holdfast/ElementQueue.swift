import NIOConcurrencyHelpers

/// What waits for one reader. The writer never waits: at most `limit` elements wait for the reader, and of what comes
/// beyond, one element gives account, in its place.
final class ElementQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var head = 0
        /// Gives account of what was dropped since the last element that there was room for.
        var account: Element?
        var reader: CheckedContinuation<Element?, Never>?
        var isEnded = false
    }

    private let state = NIOLockedValueBox(State())
    private let limit: Int
    private let accounting: @Sendable (Element?, Element) -> Element
    private let abandoned: @Sendable () -> Void

    /// - Parameters:
    ///   - accounting: adds a dropped element to the account of those dropped before it.
    ///   - abandoned: called when the reader has gone.
    init(
        limit: Int, accounting: @escaping @Sendable (Element?, Element) -> Element,
        abandoned: @escaping @Sendable () -> Void
    ) {
        self.limit = max(1, limit)
        self.accounting = accounting
        self.abandoned = abandoned
    }

    /// How many elements wait.
    var count: Int {
        state.withLockedValue { $0.elements.count - $0.head + ($0.account == nil ? 0 : 1) }
    }

    func append(_ new: [Element]) {
        for element in new { append(element) }
    }

    func append(_ element: Element) {
        let reader: CheckedContinuation<Element?, Never>? = state.withLockedValue { state in
            guard !state.isEnded else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            if state.elements.count - state.head >= limit {
                state.account = accounting(state.account, element)
            } else {
                Self.giveAccount(&state)
                state.elements.append(element)
            }
            return nil
        }
        reader?.resume(returning: element)
    }

    private static func giveAccount(_ state: inout State) {
        guard let account = state.account else { return }
        state.elements.append(account)
        state.account = nil
    }

    /// Takes nothing more; what waits can still be read.
    func end() {
        let reader = state.withLockedValue { state in
            Self.giveAccount(&state)
            state.isEnded = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// The reader has gone.
    func abandon() {
        end()
        abandoned()
    }

    private enum Step {
        case give(Element?)
        case wait
    }

    /// The next element, as soon as there is one; nil after the end, or when the task is cancelled.
    func next() async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let step = state.withLockedValue { state -> Step in
                    if state.head < state.elements.count { return .give(Self.take(&state)) }
                    if let account = state.account {
                        state.account = nil
                        return .give(account)
                    }
                    // One reader: a second one that waits at the same time would starve, so it ends.
                    if state.isEnded || state.reader != nil { return .give(nil) }
                    state.reader = continuation
                    return .wait
                }
                if case .give(let element) = step { continuation.resume(returning: element) }
            }
        } onCancel: {
            abandon()
        }
    }

    private static func take(_ state: inout State) -> Element {
        let element = state.elements[state.head]
        state.head += 1
        if state.head > 64, state.head * 2 > state.elements.count {
            state.elements.removeFirst(state.head)
            state.head = 0
        }
        return element
    }
}

/// Held by a sequence and its iterators: when the last of them is gone, so is the reader.
final class ReaderHandle: Sendable {
    private let gone: @Sendable () -> Void

    init(gone: @escaping @Sendable () -> Void) {
        self.gone = gone
    }

    deinit { gone() }
}
