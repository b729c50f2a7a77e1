/// Everything that a seed decides: what is simulated, and what goes wrong.
struct Scenario: Sendable {
    enum Service: String, Sendable {
        case architect = "genesys-architect"
        case notify = "genesys-notify"
    }

    struct StreamPlan: Sendable {
        var service: Service
        /// Events a second, on average.
        var rate: Double
        /// Events that the gateway keeps for a resume.
        var replayDepth: Int
        /// The first number of a session.
        var firstNumber: Int64
        var reorderWindow: Int64
        var silenceTimeout: Int64
        /// 0: never gives up.
        var maxAttempts: Int
        var rearmAfter: Int64
        var resetAfter: Int64
        var jitter: Jitter
        /// Whether the gateway answers a resume as a subscription.
        var acknowledgesAlike: Bool
    }

    enum Jitter: String, Sendable, CaseIterable {
        case additive, full, equal, decorrelated, none
    }

    enum Synchronization: String, Sendable, CaseIterable {
        case always, interval, never
    }

    var seed: UInt64
    var streams: [StreamPlan]
    /// Nanoseconds with faults.
    var troubled: Int64
    /// Nanoseconds without, in which everything must recover.
    var quiet: Int64
    var faults: [Fault]
    /// One way, in nanoseconds.
    var latency: Int64
    /// Seconds for which a token is good.
    var tokenLifetime: Int
    var keepsCursors: Bool
    var synchronization: Synchronization
    var fileSize: Int64
    /// How long the disk takes for what is given to it; 0: it is done at once.
    var diskDelay: Int64
    var budgetRate: Double
    var budgetBurst: Int
    var budgetConcurrent: Int
    /// Whether of two things at the same time the network's comes before the process's own timers.
    var networkFirst: Bool

    /// Nanoseconds from the begin to the end.
    var length: Int64 { troubled + quiet }
}

extension Scenario: CustomStringConvertible {
    var description: String {
        var text = "seed \(seed): \(Fault.seconds(troubled)) with faults, \(Fault.seconds(quiet)) without; "
        text +=
            "latency \(latency / 1000) µs, tokens last \(tokenLifetime) s, cursors \(keepsCursors ? "kept" : "not kept"), "
        text +=
            "fsync \(synchronization.rawValue), files of \(fileSize) bytes, disk delay \(Fault.seconds(diskDelay)), "
        text += "budget \(budgetRate)/s burst \(budgetBurst) concurrent \(budgetConcurrent)"
        text += networkFirst ? ", network first\n" : ", timers first\n"
        for (index, stream) in streams.enumerated() {
            text += "  s\(index): \(stream.service.rawValue), \(stream.rate)/s, numbers from \(stream.firstNumber), "
            text += "replays \(stream.replayDepth), reorder window \(Fault.seconds(stream.reorderWindow)), "
            text += "silence \(Fault.seconds(stream.silenceTimeout)), max attempts \(stream.maxAttempts), "
            text += "rearm \(Fault.seconds(stream.rearmAfter)), reset after \(Fault.seconds(stream.resetAfter)), "
            text += "jitter \(stream.jitter.rawValue)\n"
        }
        for fault in faults { text += "  \(fault)\n" }
        return text
    }
}
