public import StreamModel

/// A way to wait between attempts, as it is known by name.
public struct ReconnectStrategy: Hashable, Sendable {
    /// What it is called.
    public var name: String
    /// The delays, drawn by the same code that a stream of Holdfast draws them with.
    public var backoff: BackoffPolicy
    /// Whether a delay runs from the attempt's start rather than from its failure.
    public var countsFromStart: Bool

    /// Delays as `backoff` says.
    public init(name: String, backoff: BackoffPolicy, countsFromStart: Bool = false) {
        self.name = name
        self.backoff = backoff
        self.countsFromStart = countsFromStart
    }

    /// The strategies that can be compared.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The same delay every time: 5 s.
        case fixed
        /// Exponential, without jitter.
        case exponential
        /// Exponential, plus up to 40 % of it.
        case additive
        /// Half of the exponential delay fixed, the other half drawn.
        case equal
        /// From the base to three times the delay before.
        case decorrelated
        /// Anything from 0 to the exponential delay.
        case full
        /// "GRPC Connection Backoff Protocol": 1 s, times 1.6, up to 120 s, each ± 20 %, from the attempt's start.
        case grpc
    }

    /// The strategy `kind` with the base, cap, multiplier and limit of `policy`; ``Kind/fixed`` and ``Kind/grpc`` keep
    /// the delays that they are known for.
    public static func known(
        _ kind: Kind, like policy: BackoffPolicy = BackoffPolicy(), ratio: Double = 0.4,
        fixedDelay: Duration = .seconds(5)
    ) -> ReconnectStrategy {
        var backoff = policy
        switch kind {
        case .fixed:
            backoff.base = fixedDelay
            backoff.cap = fixedDelay
            backoff.multiplier = 1
            backoff.jitter = .none
        case .exponential: backoff.jitter = .none
        case .additive: backoff.jitter = .additive(ratio: ratio)
        case .equal: backoff.jitter = .equal
        case .decorrelated: backoff.jitter = .decorrelated
        case .full: backoff.jitter = .full
        case .grpc:
            // d ± 20 % is 0.8 d plus up to half of that: the same distribution in the terms of additive jitter.
            backoff.base = .milliseconds(800)
            backoff.cap = .seconds(96)
            backoff.multiplier = 1.6
            backoff.jitter = .additive(ratio: 0.5)
        }
        return ReconnectStrategy(name: kind.rawValue, backoff: backoff, countsFromStart: kind == .grpc)
    }
}
