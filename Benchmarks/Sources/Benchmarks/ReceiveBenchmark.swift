import Glibc
import StreamModel
import StreamRuntime
import Synchronization

/// One stream, from the socket to its counters: the transport, the codec, the matcher and the machine as they run in
/// production, and a listener that only looks at the clock.
enum ReceiveBenchmark {
    /// Prints: nanoseconds of processor time a message, and allocations a thousand messages (or `-`).
    static func run(port: Int, kind: String) {
        let meter = Meter()
        let stream = StreamUnderTest(port: port, isNotification: kind != "numbered", listener: meter)
        var waited = 0
        while !meter.isOver.load(ordering: .acquiring), waited < 6000 {
            usleep(10_000)
            waited += 1
        }
        withExtendedLifetime(stream) { meter.report() }
        fflush(nil)
        exit(0)
    }

    /// Reads the processor time once the stream has warmed up, and when the connection ends.
    private final class Meter: StreamListener {
        // Every call of a listener comes from one event loop; the main thread reads when `isOver` is set.
        private struct Mark {
            var processor = 0.0
            var allocations: UInt?
            var messages: UInt64 = 0
        }

        private struct Marks {
            var first: Mark?
            var last = Mark()
            var newest = StreamTallies()
        }

        let isOver = Atomic(false)
        private let marks = Mutex(Marks())
        private static let warmUp: UInt64 = 20_000

        func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?) {
            marks.withLock { marks in
                marks.newest = tallies
                if marks.first == nil, tallies.received >= Self.warmUp { marks.first = Self.mark(tallies) }
            }
        }

        func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime) {
            guard case .connectionLost = event else { return }
            marks.withLock { $0.last = Self.mark($0.newest) }
            isOver.store(true, ordering: .releasing)
        }

        func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime) {}
        func streamMoved(received: UInt64, sent: UInt64) {}
        func streamWaitedForBudget(_ duration: Duration) {}

        private static func mark(_ tallies: StreamTallies) -> Mark {
            Mark(processor: processorNanoseconds(), allocations: allocationCount(), messages: tallies.received)
        }

        func report() {
            let (first, last, tallies) = marks.withLock { ($0.first, $0.last, $0.newest) }
            guard let first, last.messages > first.messages else { fail("no messages came; received \(tallies)") }
            let count = Double(last.messages - first.messages)
            let allocations =
                if let before = first.allocations, let after = last.allocations {
                    text(Double(after - before) * 1000 / count)
                } else { "-" }
            print(text((last.processor - first.processor) / count), allocations)
            complain(
                "benchmarks: \(tallies.received) received, \(tallies.unique) unique, \(tallies.lost) lost, "
                    + "\(tallies.duplicate) duplicate")
        }
    }
}
