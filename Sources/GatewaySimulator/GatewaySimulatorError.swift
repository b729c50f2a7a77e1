/// What can go wrong with the simulator itself.
public enum GatewaySimulatorError: Error, CustomStringConvertible {
    /// The address could not be listened on.
    case cannotListen(host: String, port: Int, cause: String)
    /// An option is out of its range.
    case wrongOptions(String)
    /// The script has as many steps as it may have.
    case tooManySteps
    /// What was waited for did not happen.
    case notReached(reason: String, truth: GroundTruth)

    /// What happened, where, and what to do.
    public var description: String {
        switch self {
        case .cannotListen(let host, let port, let cause):
            "the gateway can't listen on \(host) port \(port): \(cause); choose another port, or 0 for any"
        case .wrongOptions(let message):
            message
        case .tooManySteps:
            "the fault script has \(FaultEngine.maximumSteps) steps and takes no more; restart the gateway"
        case .notReached(let reason, let truth):
            "what was waited for did not happen: \(reason); the truth is \(truth)"
        }
    }
}

extension GatewaySimulator.Options {
    /// Checks the ranges.
    func check() throws(GatewaySimulatorError) {
        guard (0...10_000).contains(eventRate) else {
            throw .wrongOptions("the event rate is \(eventRate) a second; give 0 to 10,000")
        }
        guard (0...1_000_000).contains(replayBuffer) else {
            throw .wrongOptions("the replay buffer is \(replayBuffer) events; give 0 to 1,000,000")
        }
        guard (0...65_535).contains(port) else {
            throw .wrongOptions("the port is \(port); give 0 to 65535")
        }
        guard tokenLifetime > .zero, channelLifetime > .zero else {
            throw .wrongOptions("the lifetime of tokens and of channels must be longer than nothing")
        }
    }
}
