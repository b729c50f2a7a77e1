internal import Glibc

/// A value behind a POSIX mutex, for the moments in which something is registered.
///
/// `Synchronization.Mutex` waits on a futex that the thread sanitizer does not see, which makes it report races that are
/// none; a POSIX mutex it understands.
package final class Locked<Value>: @unchecked Sendable {
    // Unchecked: `value` is reached only in `withLock`, under the mutex.
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init(_ value: Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
