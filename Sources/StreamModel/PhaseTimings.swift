/// How long each phase of an attempt took, as far as it came. A fixed set, so that it costs no allocation.
public struct PhaseTimings: Hashable, Sendable {
    private var nanoseconds: SIMD8<Int64> = SIMD8(repeating: -1)

    /// No phase measured yet.
    public init() {}

    /// The duration of `phase`; nil where it did not happen.
    public subscript(phase: ConnectPhase) -> Duration? {
        get {
            let value = nanoseconds[phase.index]
            return value < 0 ? nil : .nanoseconds(value)
        }
        set {
            nanoseconds[phase.index] = newValue.map { max(0, $0.nanoseconds) } ?? -1
        }
    }

    /// The phases measured, in the order in which they happen.
    public var measured: [(phase: ConnectPhase, duration: Duration)] {
        ConnectPhase.allCases.compactMap { phase in self[phase].map { (phase, $0) } }
    }

    /// These timings, completed with those of `other` where this one has none.
    public func merging(_ other: PhaseTimings) -> PhaseTimings {
        var merged = self
        for (phase, duration) in other.measured where merged[phase] == nil { merged[phase] = duration }
        return merged
    }
}

extension ConnectPhase {
    fileprivate var index: Int {
        switch self {
        case .token: 0
        case .prepare: 1
        case .dns: 2
        case .tcp: 3
        case .tls: 4
        case .upgrade: 5
        case .ack: 6
        }
    }
}
