internal import NIOCore

/// Somebody who waits until the ground truth is as they want it.
struct TruthWatcher: Sendable {
    let id: UInt64
    let predicate: @Sendable (GroundTruth) -> Bool
    let promise: EventLoopPromise<GroundTruth>

    /// Whether `truth` is as wanted; then the wait is over.
    func isSatisfied(by truth: GroundTruth) -> Bool {
        guard predicate(truth) else { return false }
        promise.succeed(truth)
        return true
    }

    func fail(truth: GroundTruth, reason: String) {
        promise.fail(GatewaySimulatorError.notReached(reason: reason, truth: truth))
    }
}
