internal import MetricsRegistry
public import StreamModel

/// The series of one profile. Its streams write them from their event loops, any number at a time.
public final class ProfileSeries: Sendable {
    private let phases: [DurationHistogram]

    init(group: SeriesGroup, keys: ProfileKeys) {
        phases = ConnectPhase.allCases.indices.map { group[keys.phases, $0] }
    }

    /// Counts the phases of one attempt, as far as it came.
    public func record(_ timings: PhaseTimings) {
        for (histogram, phase) in zip(phases, ConnectPhase.allCases) {
            guard let duration = timings[phase] else { continue }
            histogram.observe(nanoseconds: duration.nanoseconds)
        }
    }
}

/// The series of one credential.
final class CredentialSeries: Sendable {
    let group: SeriesGroup
    private let keys: CredentialKeys

    init(group: SeriesGroup, keys: CredentialKeys) {
        self.group = group
        self.keys = keys
    }

    func record(_ event: CredentialEvent) {
        switch event {
        case .requestEnded(let outcome): group[keys.requests, outcome.ordinal].increment()
        case .refreshed(let expiry): group[keys.expiry].set(unixMilliseconds: expiry?.milliseconds ?? 0)
        // Who rejected what is for the audit trail; the request that it ended is counted by its outcome.
        case .rejected: break
        }
    }
}

extension CaseIterable where Self: Equatable {
    /// The position among all cases: the number of the value of a metric's own label.
    var ordinal: Int {
        for (position, value) in Self.allCases.enumerated() where value == self { return position }
        return 0
    }
}
