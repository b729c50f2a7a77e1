import Dispatch
import NIOCore

/// An event loop whose time a simulation moves on. Unlike NIO's embedded one it can be asleep while time passes: what
/// was due meanwhile runs late, all at once, as in a process that was suspended.
///
/// Unchecked: a simulation runs on one thread, its loops included.
final class VirtualEventLoop: EventLoop, @unchecked Sendable {
    private final class Work {
        var body: (() -> Void)?
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private final class Remains {
        let queue: EventQueue<Work>
        let other: AnyObject?

        init(queue: EventQueue<Work>, other: AnyObject?) {
            self.queue = queue
            self.other = other
        }
    }

    private var queue = EventQueue<Work>()
    private var nanoseconds: Int64

    /// A loop whose clock shows `origin`, in nanoseconds.
    init(origin: Int64) {
        nanoseconds = origin
    }

    var now: NIODeadline { .uptimeNanoseconds(UInt64(clamping: nanoseconds)) }

    // MARK: The simulation's side

    /// When the next task is due, on this loop's clock; nil where there is none.
    var nextTime: Int64? {
        while let work = queue.first, work.body == nil { _ = queue.pop() }
        return queue.nextTime
    }

    /// Sets the clock. It never goes back.
    func advance(to nanoseconds: Int64) {
        self.nanoseconds = max(self.nanoseconds, nanoseconds)
    }

    /// Runs the first task, where one is due; tells whether one was.
    func runNext() -> Bool {
        guard let time = nextTime, time <= nanoseconds else { return false }
        let work = queue.pop()
        let body = work?.body
        work?.body = nil
        body?()
        return true
    }

    /// Forgets every task: the process is dead. `remains` is what else of it has promises to keep.
    func kill(_ remains: AnyObject?) {
        #if DEBUG
        // A promise that dies unkept is a mistake to NIO's debug builds; those of a killed process must live on.
        _ = Unmanaged.passRetained(Remains(queue: queue, other: remains))
        #endif
        queue.removeAll()
    }

    // MARK: EventLoop

    var inEventLoop: Bool { true }

    func execute(_ task: @escaping @Sendable () -> Void) {
        queue.push(Work(task), at: nanoseconds)
    }

    @discardableResult
    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let work = Work {
            do {
                promise.assumeIsolated().succeed(try task())
            } catch {
                promise.fail(error)
            }
        }
        queue.push(work, at: max(nanoseconds, Int64(clamping: deadline.uptimeNanoseconds)))
        let bound = NIOLoopBound(work, eventLoop: self)
        return Scheduled(promise: promise, cancellationTask: { bound.value.body = nil })
    }

    @discardableResult
    func scheduleTask<T>(in amount: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: now + amount, task)
    }

    func preconditionInEventLoop(file: StaticString, line: UInt) {}

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        callback(nil)
    }
}
