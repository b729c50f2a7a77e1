internal import Glibc
internal import StreamModel
internal import Synchronization

/// How a thread waits for a ``Monitor``.
struct Wait {
    /// When to ask again though nobody has woken it.
    var deadline = Instant.distantFuture
    /// Until when it looks for a wake instead of sleeping: to be woken takes longer than a short wait lasts.
    var spinUntil = Instant(nanoseconds: .min)
}

/// A value behind a lock, with a condition to wait for.
///
/// A POSIX mutex and condition, because the standard library has no condition, and because the thread sanitizer
/// understands them. Unchecked: `value` is only ever touched with the mutex held, which the compiler cannot see.
final class Monitor<Value>: @unchecked Sendable {
    // The address of a mutex is its identity: it must not move, hence the allocations.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value
    /// Grows with every wake, for whoever looks for one without sleeping.
    private let wakes = Atomic<UInt64>(0)
    /// Until then nobody spins; guarded by the mutex.
    private var noSpinUntil = Instant(nanoseconds: .min)
    /// Who lets others go first and comes back later than this is on a machine that is busy.
    private static var longestYield: Duration { .microseconds(250) }

    init(_ value: sending Value) {
        self.value = value
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        var kind = pthread_mutexattr_t()
        pthread_mutexattr_init(&kind)
        // Held for a microsecond at most: who finds it taken looks again for a while before it sleeps.
        pthread_mutexattr_settype(&kind, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        pthread_mutex_init(mutex, &kind)
        pthread_mutexattr_destroy(&kind)
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
        defer { wake() }
        return try withLock(body)
    }

    /// Runs `body` with the lock held, then wakes everyone who waits if it says so: a wake that nobody needs costs a
    /// system call.
    func update<Result>(wakingIf body: (inout Value) -> (wakes: Bool, result: Result)) -> Result {
        let (wakes, result) = withLock(body)
        if wakes { wake() }
        return result
    }

    /// With the lock free already: who is woken takes it at once, and would have to be put to sleep again.
    private func wake() {
        wakes.add(1, ordering: .releasing)
        pthread_cond_broadcast(condition)
    }

    /// Waits until `body` answers something; it is asked at once, after each `update`, and when the deadline that it
    /// sets has passed.
    func wait<Result>(_ body: (inout Value, inout Wait) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            let seen = wakes.load(ordering: .acquiring)
            var wait = Wait()
            if let result = body(&value, &wait) { return result }
            let spinEnd = min(wait.spinUntil, wait.deadline)
            let now = SystemClock.monotonic
            if now < spinEnd, now >= noSpinUntil {
                pthread_mutex_unlock(mutex)
                let lost = spin(since: seen, from: now, until: spinEnd)
                pthread_mutex_lock(mutex)
                // So that no more than one part in a hundred of the time is lost to it.
                if lost > .zero { noSpinUntil = SystemClock.monotonic + lost * 100 }
            } else if wait.deadline == .distantFuture {
                pthread_cond_wait(condition, mutex)
            } else {
                var time = timespec(
                    tv_sec: Int(wait.deadline.nanoseconds / 1_000_000_000),
                    tv_nsec: Int(wait.deadline.nanoseconds % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &time)
            }
        }
    }

    /// Looks for a wake until `end`, and lets others go first all the while: with few processors it may be waiting for
    /// one of them. Where others then keep the processor it ends early and tells for how long they did.
    private func spin(since seen: UInt64, from start: Instant, until end: Instant) -> Duration {
        var now = start
        while now < end, wakes.load(ordering: .acquiring) == seen {
            sched_yield()
            let before = now
            now = SystemClock.monotonic
            if now - before > Self.longestYield { return now - before }
        }
        return .zero
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
