/// What a stream has counted since it was started. Plain integers that one event loop writes; everything a scrape
/// shows of messages is a copy of these.
public struct StreamTallies: Hashable, Sendable {
    /// Application messages received while live.
    public var received: UInt64 = 0
    /// Distinct sequence numbers that arrived in time.
    public var unique: UInt64 = 0
    /// Sequence numbers given up as lost. Never decreases.
    public var lost: UInt64 = 0
    /// Arrived after they were counted as lost.
    public var late: UInt64 = 0
    /// Arrived out of order, within the reorder window or a resume's replay.
    public var reordered: UInt64 = 0
    /// Already seen.
    public var duplicate: UInt64 = 0
    /// Arrived between the open and the acknowledgment.
    public var flushed: UInt64 = 0
    /// Holes still waited for.
    public var pending: UInt64 = 0
    /// Ranges of missing numbers that were opened.
    public var gaps: UInt64 = 0
    /// Times that the server started numbering anew.
    public var resets: UInt64 = 0
    /// The highest sequence number seen in this epoch; nil before the first.
    public var highest: UInt64?

    /// Nothing counted.
    public init() {}

    /// Unique + lost: the denominator of continuity. Saturates.
    public var expected: UInt64 {
        let (sum, overflow) = unique.addingReportingOverflow(lost)
        return overflow ? .max : sum
    }

    /// The share of expected messages that arrived, 0 to 1; 1 before the first message.
    public var continuity: Double {
        expected == 0 ? 1 : min(1, max(0, 1 - Double(lost) / Double(expected)))
    }
}
