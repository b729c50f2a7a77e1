import StreamModel

/// How much a stream hurts, for the order in which people see them. The page's script says the same of its rows.
enum Trouble: Int, Comparable {
    case none
    /// Live, and has lost messages.
    case losing
    /// On its way to be live for the first time.
    case starting
    /// Lost its connection and tries to come back.
    case reconnecting
    /// Has given up, or has been told to.
    case down

    static func < (left: Trouble, right: Trouble) -> Bool { left.rawValue < right.rawValue }

    init(_ status: StreamStatus) {
        self =
            switch status.state {
            case .live: status.tallies.lost > 0 ? .losing : .none
            case .idle: .starting
            case .backingOff: .reconnecting
            case .authenticating, .connecting, .subscribing: status.retryCount > 0 ? .reconnecting : .starting
            case .exhausted, .stopped: .down
            }
    }
}
