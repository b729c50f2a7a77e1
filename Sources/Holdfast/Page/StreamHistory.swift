import StreamModel

/// The last hour of one stream, a point a minute: enough for a line that people look at, and 480 bytes.
struct StreamHistory: Sendable {
    /// What one minute was like.
    struct Point: Hashable, Sendable {
        /// Shares are kept in ten-thousandths, rounded down: what is not whole never reads as whole.
        static let scale = 10_000
        private static let none = UInt16.max

        /// Messages received, saturating.
        let received: UInt32
        private let continuityShare: UInt16
        private let coverageShare: UInt16

        /// The share of the expected messages that arrived, in ten-thousandths; nil where none was expected.
        var continuity: Int? { continuityShare == Self.none ? nil : Int(continuityShare) }
        /// The share of the time that was covered, in ten-thousandths; nil where nothing was watched.
        var coverage: Int? { coverageShare == Self.none ? nil : Int(coverageShare) }

        init(received: UInt64, continuity: Double?, coverage: Double?) {
            self.received = UInt32(clamping: received)
            continuityShare = Self.share(continuity)
            coverageShare = Self.share(coverage)
        }

        private static func share(_ ratio: Double?) -> UInt16 {
            guard let ratio, ratio.isFinite else { return none }
            return UInt16((min(1, max(0, ratio)) * Double(scale)).rounded(.down))
        }
    }

    /// What had been counted when the minute began.
    private struct Baseline: Sendable {
        var received: UInt64 = 0
        var unique: UInt64 = 0
        var lost: UInt64 = 0
        var observed = Duration.zero
        var covered = Duration.zero
    }

    /// Minutes kept.
    static let capacity = 60
    /// How long a point lasts.
    static let interval = Duration.seconds(60)

    /// A ring: the oldest at `oldest` once it is full.
    private var ring: [Point] = []
    private var oldest = 0
    private var baseline = Baseline()

    /// Ends the minute under way.
    mutating func endMinute(_ status: StreamStatus, at now: Instant) {
        let point = point(status, at: now)
        if ring.count < Self.capacity {
            ring.append(point)
        } else {
            ring[oldest] = point
            oldest = (oldest + 1) % Self.capacity
        }
        let (observed, covered) = status.coverage.times(at: now)
        let tallies = status.tallies
        baseline = Baseline(
            received: tallies.received, unique: tallies.unique, lost: tallies.lost, observed: observed,
            covered: covered)
    }

    /// The minutes that are over, the oldest first, and the one under way.
    func points(_ status: StreamStatus, at now: Instant) -> [Point] {
        let kept = ring.count < Self.capacity ? ring[...] : ring[oldest...] + ring[..<oldest]
        // The minute under way takes the place of the oldest: an hour is an hour.
        return Array(kept.suffix(Self.capacity - 1)) + [point(status, at: now)]
    }

    private func point(_ status: StreamStatus, at now: Instant) -> Point {
        let tallies = status.tallies
        // Counts of a stream never go down, but a difference of unsigned numbers must not be the place to find out.
        let lost = tallies.lost &- min(tallies.lost, baseline.lost)
        let expected = lost + (tallies.unique &- min(tallies.unique, baseline.unique))
        let (observed, covered) = status.coverage.times(at: now)
        let time = (observed - baseline.observed).seconds
        return Point(
            received: tallies.received &- min(tallies.received, baseline.received),
            continuity: status.isSequenced && expected > 0 ? 1 - Double(lost) / Double(expected) : nil,
            coverage: time > 0 ? (covered - baseline.covered).seconds / time : nil)
    }
}
