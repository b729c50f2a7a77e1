public import StreamModel

/// Draws the delay before each retry.
///
/// The jitter strategies are those of M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), with
/// one change: the cap bounds the range that is drawn from, not the number drawn. Clamping the draw would put every
/// stream that has reached the cap on the same delay, which is the storm that jitter is there to prevent.
public struct Backoff: Sendable {
    /// The least delay ever: a redial is never immediate.
    public static let least = Duration.milliseconds(1)

    private let policy: BackoffPolicy
    /// In seconds, converted once: a draw of a storm's millions is otherwise mostly conversion.
    private let base: Double
    private let cap: Double
    /// The delay drawn last, a server's floor aside; nil before the first of a row. All that is kept between draws, so
    /// that one value can draw for many streams with the same policy.
    public var previous: Duration?

    /// Delays as `policy` says.
    public init(_ policy: BackoffPolicy) {
        self.policy = policy
        base = policy.base.seconds
        cap = policy.cap.seconds
    }

    /// The delay before the retry that follows `retry` others (0 for the first).
    ///
    /// - Parameters:
    ///   - atCap: whether to wait the longest delay at once, as after a rejected credential.
    ///   - floor: the least delay that the server asked for; a random tenth of it is added, so that streams that were
    ///     refused together do not return together.
    public mutating func delay(
        retry: Int, atCap: Bool = false, floor: Duration? = nil, using rng: inout some RandomNumberGenerator
    ) -> Duration {
        let nominal = atCap ? cap : nominalSeconds(retry: retry)
        let drawn: Double
        switch policy.jitter {
        case .none:
            drawn = nominal
        case .additive(let ratio):
            drawn = nominal * (1 + Double.random(in: 0...max(0, ratio), using: &rng))
        case .full:
            drawn = Double.random(in: 0...nominal, using: &rng)
        case .equal:
            drawn = nominal / 2 + Double.random(in: 0...(nominal / 2), using: &rng)
        case .decorrelated:
            let last = atCap ? cap : (previous?.seconds ?? base)
            let least = min(base, cap)
            drawn = Double.random(in: least...max(least, min(cap, last * 3)), using: &rng)
        }
        var delay = max(Self.least, .fromSeconds(drawn))
        previous = delay
        if let floor, delay < floor {
            let spread = policy.jitter == .none ? 0 : Double.random(in: 0...0.1, using: &rng)
            delay = .fromSeconds(floor.seconds * (1 + spread))
        }
        return delay
    }

    /// Forgets the previous delay: the next retry is the first of its row.
    public mutating func reset() {
        previous = nil
    }

    private func nominalSeconds(retry: Int) -> Double {
        var delay = base
        // Multiplied step by step and left at the cap: a power would overflow after a night of retries.
        var remaining = max(0, retry)
        while remaining > 0, delay < cap, policy.multiplier > 1 {
            delay *= policy.multiplier
            remaining -= 1
        }
        return min(delay, cap)
    }
}
