/// Two threads that run the tasks of the routes.
///
/// Not the concurrency runtime's own threads: there are only as many of those as cores, and if the rest of the program
/// keeps them busy, a page or a reload would wait for as long.
///
/// They live as long as the process, because a task that a route has begun may still go on after its server has ended.
final class RouteExecutor: TaskExecutor {
    static let shared = RouteExecutor()

    private let jobs = Monitor<[UnownedJob]>([])
    private let threads = Monitor<[ThreadHandle]>([])

    private init() {
        for number in 1...2 {
            let thread = ThreadHandle(name: "exposition-do-\(number)") { [self] in
                while true {
                    // No deadline: there is always a job in the end.
                    guard let job = jobs.wait(for: { $0.isEmpty ? nil : $0.removeFirst() }) else { continue }
                    job.runSynchronously(on: asUnownedTaskExecutor())
                }
            }
            if let thread { threads.withLock { $0.append(thread) } }
        }
    }

    /// Never refuses; what can be queued is bounded by the limit of waiting requests.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard threads.withLock({ !$0.isEmpty }) else {
            // The system has no thread left: rather late than never.
            job.runSynchronously(on: asUnownedTaskExecutor())
            return
        }
        jobs.update { $0.append(job) }
    }
}
