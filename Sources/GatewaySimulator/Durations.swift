internal import NIOCore

extension Duration {
    /// The whole nanoseconds, saturating at what 64 bits hold.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        if carry { return seconds < 0 ? .min : .max }
        return sum
    }

    /// This duration in seconds.
    var inSeconds: Double {
        Double(wholeNanoseconds) / 1e9
    }

    /// This duration in seconds, rounded up: what a `Retry-After` says.
    var wholeSecondsUp: Int64 {
        let nanoseconds = max(0, wholeNanoseconds)
        return nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 == 0 ? 0 : 1)
    }

    /// This duration as SwiftNIO counts time.
    var timeAmount: TimeAmount {
        .nanoseconds(wholeNanoseconds)
    }
}
