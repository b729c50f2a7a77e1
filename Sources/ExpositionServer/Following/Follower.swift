// The unsafe pointer is libmicrohttpd's room for a part of a response, with its length, and for the call alone.

internal import Glibc

/// The body of a response that stays open: a bounded queue between a publisher that never waits and a client that may.
///
/// A line that does not fit is dropped and counted; as soon as there is room again, a notice (if there is one) tells
/// the client before the next line. Order is kept; nothing else is ever dropped.
final class Follower: Sendable {
    private struct State {
        var queue = ByteQueue()
        var gate: ConnectionGate?
        /// Lines that came before the snapshot did; they go behind it.
        var isOpening = true
        /// Nothing more comes; what is queued, and a snapshot that is still to come, are sent yet.
        var isFinished = false
        /// Nobody is there to read.
        var isAbandoned = false
        var droppedSinceNotice = 0
        /// Bytes of the snapshot that are still queued; they don't count against the capacity.
        var snapshotLeft = 0
        var lastActivity: MonotonicTime
        var onEnd: (@Sendable () -> Void)?
    }

    private let state: Monitor<State>
    private let capacity: Int
    private let budget: FollowerBudget
    private let onDrop: @Sendable (Int) -> Void
    private let notice: @Sendable (Int) -> [UInt8]?

    /// `onDrop` is told the number of lines dropped, `notice` makes the line that names them.
    init(
        capacity: Int, budget: FollowerBudget = FollowerBudget(bytes: .max), now: MonotonicTime,
        onDrop: @escaping @Sendable (Int) -> Void = { _ in },
        notice: @escaping @Sendable (Int) -> [UInt8]? = { _ in nil }
    ) {
        self.capacity = capacity
        self.budget = budget
        self.onDrop = onDrop
        self.notice = notice
        state = Monitor(State(lastActivity: now))
    }

    /// Puts the snapshot before everything published until now. `onEnd` is called once, when the follower ends, on any
    /// thread; at once if it has ended already. Where all followers together hold too much, the snapshot is cut down to
    /// its newest lines.
    func open(snapshot: [UInt8], onEnd: @escaping @Sendable () -> Void) {
        let hasEnded = state.withLock { state in
            guard state.isOpening, !state.isAbandoned else { return true }
            var snapshot = snapshot[...]
            if !budget.take(snapshot.count) {
                snapshot = Self.newestLines(of: snapshot)
                if !budget.take(snapshot.count) { snapshot = [] }
            }
            state.queue.prepend(Array(snapshot))
            state.snapshotLeft = snapshot.count
            state.isOpening = false
            state.gate?.resume()
            guard !state.isFinished else { return true }
            state.onEnd = onEnd
            return false
        }
        if hasEnded { onEnd() }
    }

    private static let leastSnapshotBytes = 8 * 1024

    private static func newestLines(of snapshot: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let tail = snapshot.suffix(leastSnapshotBytes)
        guard tail.startIndex > snapshot.startIndex else { return tail }
        return tail.drop { $0 != UInt8(ascii: "\n") }.dropFirst()
    }

    deinit { budget.give(state.withLock { $0.queue.count }) }

    /// Queues a line. Never waits for the client.
    func publish(_ line: [UInt8], now: MonotonicTime = .now()) {
        let dropped = state.withLock { state -> Int in
            guard !state.isFinished else { return 0 }
            let notice = state.droppedSinceNotice > 0 ? notice(state.droppedSinceNotice) ?? [] : []
            guard state.queue.count - state.snapshotLeft + notice.count + line.count <= capacity,
                budget.take(notice.count + line.count)
            else {
                state.droppedSinceNotice += 1
                return 1
            }
            state.droppedSinceNotice = 0
            state.queue.append(notice)
            state.queue.append(line)
            state.lastActivity = now
            if !state.isOpening { state.gate?.resume() }
            return 0
        }
        if dropped > 0 { onDrop(dropped) }
    }

    /// Sends an empty line where nothing has been sent for `milliseconds`: it makes a departed client noticed, and
    /// keeps the idle timeout away from one that is there.
    func keepAlive(now: MonotonicTime, milliseconds: Int) {
        state.withLock { state in
            guard !state.isOpening, !state.isFinished, state.queue.count == 0,
                now.milliseconds(since: state.lastActivity) >= milliseconds, budget.take(1)
            else { return }
            state.queue.append([UInt8(ascii: "\n")])
            state.lastActivity = now
            state.gate?.resume()
        }
    }

    /// Ends the response after what is queued. Safe to call more than once.
    func finish() {
        let onEnd = state.withLock { state in
            state.isFinished = true
            state.gate?.resume()
            defer { state.onEnd = nil }
            return state.onEnd
        }
        onEnd?()
    }

    /// The connection has gone.
    func abandon() {
        finish()
        state.withLock { state in
            state.isAbandoned = true
            state.gate = nil
            budget.give(state.queue.count)
            state.queue = ByteQueue()
        }
    }

    /// The response has been queued on the connection of this gate.
    func attach(_ gate: ConnectionGate) {
        state.withLock { $0.gate = gate }
    }

    enum ReadResult: Equatable {
        case bytes(Int)
        case suspended
        case end
    }

    /// Fills `room` with what is queued; suspends the connection if that is nothing. On the polling thread.
    func read(into room: UnsafeMutableRawBufferPointer) -> ReadResult {
        state.withLock { state in
            if !state.isOpening, state.queue.count > 0 {
                let count = state.queue.read(into: room)
                budget.give(count)
                state.snapshotLeft -= min(count, state.snapshotLeft)
                return .bytes(count)
            }
            let isMoreToCome = !state.isAbandoned && (state.isOpening || !state.isFinished)
            if isMoreToCome, let gate = state.gate, gate.suspend() { return .suspended }
            return .end
        }
    }
}
