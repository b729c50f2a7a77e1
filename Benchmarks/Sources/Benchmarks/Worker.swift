import Glibc

/// A thread that runs one closure.
final class Worker {
    private let body: () -> Void

    private init(_ body: @escaping () -> Void) { self.body = body }

    @discardableResult
    static func start(_ body: @escaping () -> Void) -> pthread_t {
        var thread = pthread_t()
        let held = Unmanaged.passRetained(Worker(body)).toOpaque()
        let failure = pthread_create(
            &thread, nil,
            { held in
                guard let held else { return nil }
                Unmanaged<Worker>.fromOpaque(held).takeRetainedValue().body()
                return nil
            }, held)
        if failure != 0 { fail("no thread could be started") }
        return thread
    }
}

/// Lets threads begin together.
final class Barrier: @unchecked Sendable {
    // The address of a barrier is its identity: it must not move, hence the allocation.
    private let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)

    /// For `count` threads.
    init(count: Int) { pthread_barrier_init(barrier, nil, UInt32(count)) }

    deinit {
        pthread_barrier_destroy(barrier)
        barrier.deallocate()
    }

    /// Returns when all of them wait.
    func wait() { pthread_barrier_wait(barrier) }
}
