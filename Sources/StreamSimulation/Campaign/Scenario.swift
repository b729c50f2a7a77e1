/// Everything that a seed decides: what is simulated, and what goes wrong.
struct Scenario: Sendable {
    enum Service: String, Sendable {
        case architect = "genesys-architect"
        case notify = "genesys-notify"
        case notifications = "genesys-notifications"
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
        var heartbeatInterval: Int64
        var heartbeatTimeout: Int64
        /// Whether the heartbeats of `genesys-notifications` are pings, and not messages of its own.
        var pings: Bool
        /// When a connection of `genesys-notifications` is of age.
        var rolloverAfter: Int64
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
    var loops: Int
    /// How long at most what one event loop gives to another is under way.
    var loopLag: Int64

    /// Nanoseconds from the begin to the end.
    var length: Int64 { troubled + quiet }
}

extension Scenario: CustomStringConvertible {
    var description: String {
        var text = "seed \(seed): \(Fault.seconds(troubled)) with faults, \(Fault.seconds(quiet)) without; "
        text += "latency \(latency / 1000) µs, tokens last \(tokenLifetime) s, "
        text += "cursors \(keepsCursors ? "kept" : "not kept"), fsync \(synchronization.rawValue), "
        text += "files of \(fileSize) bytes, disk delay \(Fault.seconds(diskDelay)), "
        text += "budget \(budgetRate)/s burst \(budgetBurst) concurrent \(budgetConcurrent)"
        text += networkFirst ? ", network first, " : ", timers first, "
        text += "\(loops) loops, \(loopLag / 1000) µs apart\n"
        for (index, stream) in streams.enumerated() {
            text += "  s\(index): \(stream.service.rawValue), \(stream.rate)/s, numbers from \(stream.firstNumber), "
            text += "replays \(stream.replayDepth), reorder window \(Fault.seconds(stream.reorderWindow)), "
            text += "silence \(Fault.seconds(stream.silenceTimeout)), max attempts \(stream.maxAttempts), "
            text += "rearm \(Fault.seconds(stream.rearmAfter)), reset after \(Fault.seconds(stream.resetAfter)), "
            text += "jitter \(stream.jitter.rawValue), "
            text += "heartbeat \(Fault.seconds(stream.heartbeatInterval)) and \(Fault.seconds(stream.heartbeatTimeout))"
            if stream.service == .notifications {
                text += stream.pings ? " by pings" : " by messages"
                text += ", of age after \(Fault.seconds(stream.rolloverAfter))"
            }
            text += "\n"
        }
        for fault in faults { text += "  \(fault)\n" }
        return text
    }
}
