import MetricsRegistry
import StreamMetrics
import StreamModel
import Synchronization

/// The full catalogue with so many streams, whose every message-driven value changes when asked, and of which some are
/// taken away and others added.
final class Population: Sendable {
    let metrics: StreamMetrics
    /// The streams, oldest first, and the number of the next.
    private let state: Mutex<(series: [StreamSeries], next: Int)>

    init(streams: Int) {
        do {
            let metrics = try StreamMetrics(version: "0", swift: "6")
            self.metrics = metrics
            let series = try (0..<streams).map { try metrics.addStream(Self.identity($0), sequenced: true) }
            state = Mutex((series, streams))
        } catch {
            fail("the catalogue is refused: \(error)")
        }
    }

    private static func identity(_ number: Int) -> StreamIdentity {
        StreamIdentity(
            name: "stream-\(number)", profile: "genesys-architect", clientID: "client-\(number)",
            labels: [StreamIdentity.Label(name: "tenant", value: "tenant-\(number % 50)")])
    }

    /// How many streams there are.
    var count: Int { state.withLock { $0.series.count } }

    /// Takes the `count` oldest streams away and adds as many.
    func exchange(_ count: Int) {
        state.withLock { state in
            let count = min(count, state.series.count)
            for number in state.next - state.series.count..<state.next - state.series.count + count {
                metrics.removeStream(named: Self.identity(number).name)
            }
            state.series.removeFirst(count)
            for _ in 0..<count {
                do { state.series.append(try metrics.addStream(Self.identity(state.next), sequenced: true)) } catch {
                    fail("the stream \(state.next) is refused: \(error)")
                }
                state.next += 1
            }
        }
    }

    /// Between two scrapes: every stream has received, lost, reordered and reconnected.
    func change(round: UInt64) {
        let now = Instant(nanoseconds: Int64(round) * 1_000_000_000)
        for (index, one) in state.withLock({ $0.series }).enumerated() {
            var tallies = StreamTallies()
            let base = (round + 1) * 10_007 + UInt64(index) * 31
            tallies.received = base
            tallies.unique = base - 3
            tallies.lost = round + 1
            tallies.late = round
            tallies.reordered = round * 2
            tallies.duplicate = round * 3
            tallies.flushed = round
            tallies.pending = round % 7
            tallies.gaps = round * 5
            tallies.resets = round
            tallies.highest = base + 1_000_000_000
            one.publish(tallies, lastMessageAt: WallTime(milliseconds: 1_700_000_000_000 + Int64(round * 1009)))
            one.addBytes(received: Int(base), sent: 31)
            one.addBudgetWait(.milliseconds(Int64(round % 5)))
            one.record(.stateChanged(round % 2 == 0 ? .live : .connecting), at: now)
            one.record(.heartbeatAnswered(roundTrip: .microseconds(Int64(1000 + round))), at: now)
            one.record(.backoffScheduled(delay: .milliseconds(Int64(900 + round)), retry: 1, cause: "x"), at: now)
        }
    }

    /// The values of one scrape.
    func exposition(round: UInt64) -> Exposition {
        metrics.registry.exposition(.openMetrics, now: Int64(round) * 1_000_000_000 + 500_000_000)
    }
}
