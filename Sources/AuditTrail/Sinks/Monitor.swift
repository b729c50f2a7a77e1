internal import Glibc
internal import StreamModel

/// A value behind a lock, with a condition to wait for.
///
/// A POSIX mutex and condition, because the standard library has no condition, and because the thread sanitizer
/// understands them. Unchecked: `value` is only ever touched with the mutex held, which the compiler cannot see.
final class Monitor<Value>: @unchecked Sendable {
    // The address of a mutex is its identity: it must not move, hence the allocations.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: sending Value) {
        self.value = value
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // A wall clock that steps must not move a deadline.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` with the lock held.
    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    /// Runs `body` with the lock held, then wakes everyone who waits.
    func update<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body(&value)
    }

    /// Runs `body` with the lock held, then wakes everyone who waits if it says so: a wake that nobody needs costs a
    /// system call.
    func update<Result>(wakingIf body: (inout Value) -> (wakes: Bool, result: Result)) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let (wakes, result) = body(&value)
        if wakes { pthread_cond_broadcast(condition) }
        return result
    }

    /// Waits until `body` answers something; it is asked at once, after each `update`, and when the deadline that it
    /// sets has passed.
    func wait<Result>(_ body: (inout Value, inout Instant) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            var deadline = Instant.distantFuture
            if let result = body(&value, &deadline) { return result }
            if deadline == .distantFuture {
                pthread_cond_wait(condition, mutex)
            } else {
                var time = timespec(
                    tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
                    tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &time)
            }
        }
    }
}

/// The clocks of the machine; the trail's own threads have deadlines to keep.
enum SystemClock {
    /// Now, on the monotonic clock that ``Monitor`` waits by.
    static var monotonic: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Now, for people.
    static var wall: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// A thread that may wait for a disk or a reader, which a thread of a shared pool must not.
enum DetachedThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a thread of its own; false where the system has no thread left.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        // The one way to hand a closure through a C callback: retained here, released by the thread.
        // The unsafe pointer takes the body to the thread, which releases it; where none came to be, that is done below.
        let context = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                if let pointer {
                    // A reader that left must show as EPIPE here, not as a signal that ends the process.
                    var signals = sigset_t()
                    sigemptyset(&signals)
                    sigaddset(&signals, SIGPIPE)
                    pthread_sigmask(SIG_BLOCK, &signals, nil)
                    Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                }
                return nil
            }, context.toOpaque())
        if status != 0 {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
