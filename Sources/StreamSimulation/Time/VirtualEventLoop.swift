import Dispatch
import NIOCore

/// An event loop whose time a simulation moves on. Unlike NIO's embedded one it can be asleep while time passes: what
/// was due meanwhile runs late, all at once, as in a process that was suspended. It is one of a ``VirtualLoopGroup``,
/// whose loops take turns on one thread: each runs alone, and what one gives to another arrives a moment later.
///
/// Unchecked: a simulation runs on one thread, its loops included.
final class VirtualEventLoop: EventLoop, @unchecked Sendable {
    /// Unchecked: as above.
    private final class Work: @unchecked Sendable {
        /// Is told whether it was cancelled and runs all the same.
        var body: ((Bool) -> Void)?
        var isCancelled = false
        init(_ body: @escaping (Bool) -> Void) { self.body = body }
    }

    private final class Remains {
        let queue: EventQueue<Work>
        let other: AnyObject?

        init(queue: EventQueue<Work>, other: AnyObject?) {
            self.queue = queue
            self.other = other
        }
    }

    private let group: VirtualLoopGroup
    private var queue = EventQueue<Work>()
    /// When what another loop gave last arrives: what comes from elsewhere keeps its order.
    private var lastArrival: Int64 = .min

    fileprivate init(_ group: VirtualLoopGroup) {
        self.group = group
    }

    var now: NIODeadline { .uptimeNanoseconds(UInt64(clamping: group.nanoseconds)) }

    // MARK: The simulation's side

    /// When the next task is due, on this loop's clock; nil where there is none.
    fileprivate var nextTime: Int64? {
        while let work = queue.first, work.body == nil { _ = queue.pop() }
        return queue.nextTime
    }

    fileprivate func runFirst() {
        guard let work = queue.pop(), let body = work.body else { return }
        work.body = nil
        group.enter(self) { body(work.isCancelled) }
    }

    /// Forgets every task: the process is dead.
    fileprivate func kill(_ remains: AnyObject?) {
        #if DEBUG
        // A promise that dies unkept is a mistake to NIO's debug builds; what did not run down must live on.
        if !queue.isEmpty || remains != nil { _ = Unmanaged.passRetained(Remains(queue: queue, other: remains)) }
        #endif
        queue.removeAll()
    }

    // MARK: EventLoop

    var inEventLoop: Bool { group.current === self }

    func execute(_ task: @escaping @Sendable () -> Void) {
        var time = group.nanoseconds
        if !inEventLoop, group.current != nil {
            time = max(lastArrival, time + group.drawLag())
            lastArrival = time
        }
        queue.push(Work { _ in task() }, at: time)
    }

    @discardableResult
    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let work = Work { isCancelled in
            if isCancelled {
                _ = try? task()
                return
            }
            do {
                promise.assumeIsolated().succeed(try task())
            } catch {
                promise.fail(error)
            }
        }
        queue.push(work, at: max(group.nanoseconds, Int64(clamping: deadline.uptimeNanoseconds)))
        return Scheduled(
            promise: promise,
            cancellationTask: { [group] in
                guard work.body != nil else { return }
                work.isCancelled = true
                if !group.obeysCancelledTimers() { work.body = nil }
            })
    }

    @discardableResult
    func scheduleTask<T>(in amount: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: now + amount, task)
    }

    func preconditionInEventLoop(file: StaticString, line: UInt) {
        precondition(inEventLoop, file: file, line: line)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        callback(nil)
    }
}

/// The event loops of one simulated process, and the clock that they share.
///
/// Unchecked: a simulation runs on one thread.
final class VirtualLoopGroup: EventLoopGroup, @unchecked Sendable {
    /// What the clock of all loops shows.
    fileprivate(set) var nanoseconds: Int64
    /// The loop that runs at the moment; nil where something outside of all loops does.
    fileprivate var current: VirtualEventLoop?
    private var loops: [VirtualEventLoop] = []
    private var turn = 0
    private var random: SeededRandom
    private let longestLag: Int64
    /// Whether a timer that was cancelled runs all the same.
    var obeysCancelledTimers: () -> Bool = { false }

    /// - Parameters:
    ///   - origin: what the clock shows, in nanoseconds.
    ///   - longestLag: how long at most what one loop gives to another is under way, in nanoseconds.
    init(loops count: Int, origin: Int64, longestLag: Int64, seed: UInt64) {
        nanoseconds = origin
        self.longestLag = longestLag
        random = SeededRandom(seed: seed, purpose: "loops")
        loops = (0..<count).map { _ in VirtualEventLoop(self) }
    }

    // MARK: The simulation's side

    /// When the next task of any loop is due; nil where there is none.
    var nextTime: Int64? {
        var next: Int64?
        for loop in loops {
            if let time = loop.nextTime, time < next ?? .max { next = time }
        }
        return next
    }

    /// Sets the clock. It never goes back.
    func advance(to nanoseconds: Int64) {
        self.nanoseconds = max(self.nanoseconds, nanoseconds)
    }

    /// Runs the first task, where one is due; tells whether one was. Of loops with something due at the same time each
    /// comes first in its turn.
    func runNext() -> Bool {
        guard let time = nextTime, time <= nanoseconds else { return false }
        turn += 1
        for offset in loops.indices {
            let loop = loops[(turn + offset) % loops.count]
            if loop.nextTime == time {
                loop.runFirst()
                return true
            }
        }
        return false
    }

    /// Runs whatever is due, and moves the clock on, until nothing is waited for; tells whether that came to an end.
    func runDown() -> Bool {
        for _ in 0..<100_000 {
            guard let next = nextTime else { return true }
            advance(to: next)
            _ = runNext()
        }
        return false
    }

    /// Runs `body` as `loop` would.
    func enter(_ loop: any EventLoop, _ body: () -> Void) {
        let before = current
        current = loop as? VirtualEventLoop
        body()
        current = before
    }

    /// Forgets every task: the process is dead. `remains` is what else of it has promises to keep.
    func kill(_ remains: AnyObject?) {
        for loop in loops { loop.kill(remains) }
        loops = []
    }

    fileprivate func drawLag() -> Int64 { Int64(random.unit() * Double(longestLag)) + 1 }

    // MARK: EventLoopGroup

    func next() -> any EventLoop {
        turn += 1
        return loops.isEmpty ? VirtualEventLoop(self) : loops[turn % loops.count]
    }

    func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        callback(nil)
    }
}
