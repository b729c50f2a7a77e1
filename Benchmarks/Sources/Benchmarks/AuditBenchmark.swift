import AuditTrail
import Glibc
import StreamModel

/// Events to the file of an audit trail.
enum AuditBenchmark {
    /// Prints: events a second, until all of them are on the disk, and how many were dropped.
    static func run(_ synchronization: String, path: String) {
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
        // `always` waits for the disk with each event: eight threads stand for eight streams that fail together.
        let threads = synchronization == .always ? 8 : 1
        let each = synchronization == .always ? 250 : 400_000
        let began = monotonicNanoseconds()
        let running = (0..<threads).map { number in
            Worker.start { write(each, from: number, to: trail) }
        }
        for thread in running { pthread_join(thread, nil) }
        let isWritten = trail.close(within: .seconds(30))
        let seconds = (monotonicNanoseconds() - began) / 1e9
        unlink(path)
        if !isWritten { fail("the disk did not take all events") }
        print(Int(Double(threads * each) / seconds))
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

/// A thread that runs one closure.
private final class Worker {
    private let body: () -> Void

    private init(_ body: @escaping () -> Void) { self.body = body }

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
