// The unsafe pointer takes the thread's body through `pthread_create`: retained once, and released by the thread or,
// where none came to be, by its maker.

internal import CMicrohttpd
internal import Glibc

/// One thread of its own that runs jobs in order, from a bounded queue.
///
/// For work that takes long enough to delay others: rendering a scrape, computing a bcrypt hash. It belongs neither on
/// a polling thread (which serves other connections) nor on the concurrency runtime's pool (which must never block).
final class SerialThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopped = false
    }

    private let state = Monitor(State())
    private let capacity: Int
    private let thread: ThreadHandle?

    /// Starts the thread. `capacity` is how many jobs may wait; `name` has at most 15 characters.
    init(name: String, capacity: Int) {
        self.capacity = capacity
        let state = state
        thread = ThreadHandle(name: name) {
            while true {
                let job: (@Sendable () -> Void)? =
                    state.wait { state in
                        if state.isStopped { return .some(nil) }
                        return state.jobs.isEmpty ? nil : .some(state.jobs.removeFirst())
                    } ?? nil
                guard let job else { return }
                job()
            }
        }
    }

    /// Queues a job; false if the queue is full or the thread has ended.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        guard thread != nil else { return false }
        return state.update { state in
            guard !state.isStopped, state.jobs.count < capacity else { return false }
            state.jobs.append(job)
            return true
        }
    }

    /// Drops what still waits, and ends the thread after the job that it is running.
    func stop() {
        state.update { state in
            state.isStopped = true
            state.jobs.removeAll()
        }
        thread?.join()
    }
}

/// A POSIX thread and the closure that it runs.
final class ThreadHandle: Sendable {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private let identifier: pthread_t
    private let isJoined = Monitor(false)

    /// Starts a thread; nil if the system has none left.
    init?(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        var identifier = pthread_t()
        // Signals belong to the threads of the program, not to ours: block them while the new thread inherits the mask.
        var everything = sigset_t()
        var previous = sigset_t()
        sigfillset(&everything)
        pthread_sigmask(SIG_SETMASK, &everything, &previous)
        let failure = pthread_create(&identifier, nil, Self.main, body.toOpaque())
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        guard failure == 0 else {
            body.release()
            return nil
        }
        self.identifier = identifier
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        guard let context else { return nil }
        let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        cmicrohttpd_name_thread(body.name)
        body.run()
        return nil
    }

    /// Waits for the thread to end. A second call returns at once.
    func join() {
        let wasJoined = isJoined.withLock { isJoined in
            defer { isJoined = true }
            return isJoined
        }
        if !wasJoined { pthread_join(identifier, nil) }
    }
}
