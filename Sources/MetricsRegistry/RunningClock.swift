// The unsafe pointer is to cells that the series' group holds for as long as it is encoded.

internal import Synchronization

/// A counter of the seconds in which something was on: a stop watch that a scrape can read while it runs.
///
/// Two numbers describe a stop watch: what has accumulated, and since when it runs. Kept apart, a scrape could see one
/// old and one new. So one cell holds both: `value >= 0` is a stopped watch's accumulated nanoseconds; `value < 0` is a
/// running one's `accumulated - start - 1`, and `now + value + 1` what it shows. Needs `start >= accumulated`, true of
/// every clock whose origin lies before the watch's first start.
///
/// A second cell, which scrapes alone write, holds the most that was ever shown: the writer's and the scrape's `now`
/// are read at different moments, and the difference must not make the counter step back.
public struct RunningClock: MetricValue {
    private let series: SeriesReference

    /// A handle on the series at `reference`.
    public init(_ reference: SeriesReference) { series = reference }

    /// Switches the clock on at `now`, in nanoseconds of the clock that scrapes use. No effect where it runs.
    public func start(at now: Int64) {
        series.update { cell in
            let value = Int64(bitPattern: cell)
            guard value >= 0 else { return cell }
            return UInt64(bitPattern: min(-1, value &- now &- 1))
        }
    }

    /// Switches the clock off at `now`. No effect where it stands.
    public func stop(at now: Int64) {
        series.update { cell in
            let value = Int64(bitPattern: cell)
            return value >= 0 ? cell : UInt64(max(0, now &+ value &+ 1))
        }
    }

    /// Whether it runs.
    public var isRunning: Bool { Int64(bitPattern: series.load()) < 0 }

    /// What it shows at `now`, in nanoseconds.
    public func nanoseconds(at now: Int64) -> Int64 {
        Self.shown(Int64(bitPattern: series.load()), at: now)
    }

    @inline(__always)
    static func shown(_ value: Int64, at now: Int64) -> Int64 {
        value >= 0 ? value : max(0, now &+ value &+ 1)
    }

    /// What a scrape at `now` exposes of the clock whose two cells begin at `cells`: never less than before.
    @inline(__always)
    static func exposed(_ cells: UnsafeMutablePointer<Atomic<UInt64>>, at now: Int64) -> Int64 {
        let value = UInt64(shown(Int64(bitPattern: cells[0].load(ordering: .relaxed)), at: now))
        let previous = cells[1].load(ordering: .relaxed)
        if value == previous { return Int64(value) }
        return Int64(cells[1].max(value, ordering: .relaxed).newValue)
    }
}
