import AuditTrail
import Glibc
import StreamModel

/// Events to the file of an audit trail.
enum AuditBenchmark {
    /// Prints: events a second, until all of them are on the disk.
    ///
    /// `writers` are threads that write at once, as streams do that fail together; with `always` each waits for the disk
    /// with each of its events. Each writes `each` of them; nil: as many as take a second or so.
    static func run(_ synchronization: String, path: String, writers: Int, each: Int? = nil) {
        guard let synchronization = AuditFileConfiguration.Synchronization(rawValue: synchronization) else {
            fail("fsync is always, interval or never")
        }
        var configuration = AuditTrailConfiguration()
        var file = AuditFileConfiguration(path: path)
        file.synchronization = synchronization
        file.maximumSize = 1 << 30
        configuration.file = file
        configuration.queuedLines = 1 << 20
        configuration.queuedBytes = 1 << 29
        let trail: AuditTrail
        do { trail = try AuditTrail(configuration) } catch { fail("\(error)") }
        let each = each ?? (synchronization == .always ? 300 : 400_000 / writers)
        // What is measured is a trail in use: it begins when all threads are there, and each has written a line.
        let start = Barrier(count: writers + 1)
        let running = (0..<writers).map { number in
            Worker.start {
                write(1, from: number, to: trail)
                start.wait()
                write(each, from: number, to: trail)
            }
        }
        start.wait()
        let began = monotonicNanoseconds()
        for thread in running { pthread_join(thread, nil) }
        let isWritten = trail.close(within: .seconds(30))
        let seconds = (monotonicNanoseconds() - began) / 1e9
        unlink(path)
        if !isWritten { fail("the disk did not take all events") }
        print(Int(Double(writers * each) / seconds))
    }

    private static func write(_ count: Int, from number: Int, to trail: AuditTrail) {
        let identity = StreamIdentity(
            name: "stream-\(number)", profile: "genesys-architect", clientID: "client-\(number)")
        for index in 0..<count {
            let event: StreamEvent =
                index % 2 == 0
                ? .backoffScheduled(delay: .milliseconds(1250), retry: index % 10, cause: "closed_abnormal")
                : .gapOpened(SequenceRange(UInt64(index), UInt64(index + 3)), channel: 0)
            trail.append(
                EventRecord(
                    time: WallTime(milliseconds: 1_700_000_000_000 + Int64(index)), fact: .stream(identity, event)))
        }
    }
}
