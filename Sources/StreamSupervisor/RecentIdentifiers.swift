/// The identifiers of the newest messages, by which a message that arrives twice is known where it has no number.
struct RecentIdentifiers: Sendable {
    /// How many are remembered: more than two connections can deliver during a hand-over.
    static let limit = 8192

    private var known: Set<UInt64> = []
    private var order: [UInt64] = []
    private var oldest = 0

    init() {}

    /// Whether `identifier` is known.
    func contains(_ identifier: UInt64) -> Bool { known.contains(identifier) }

    /// Remembers `identifier`; false where it was known already.
    mutating func insert(_ identifier: UInt64) -> Bool {
        guard known.insert(identifier).inserted else { return false }
        if order.count < Self.limit {
            order.append(identifier)
        } else {
            known.remove(order[oldest])
            order[oldest] = identifier
            oldest = (oldest + 1) % Self.limit
        }
        return true
    }
}
