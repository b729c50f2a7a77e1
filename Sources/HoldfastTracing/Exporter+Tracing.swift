public import Holdfast
public import Tracing

extension Exporter {
    /// Makes spans of what happens from now on: `holdfast.outage` from the loss of a live connection until the stream is
    /// live again, and in it `holdfast.attempt` for each attempt, with its phases as events. An attempt that belongs to no
    /// outage has a trace of its own.
    ///
    /// The attribute `holdfast.attempt.id` is what the audit trail calls `attemptId` and the log `attempt_id`.
    ///
    /// - Parameter tracer: makes the spans; nil: the one that `InstrumentationSystem` was bootstrapped with.
    /// - Returns: what ends it earlier than the exporter's stop.
    @discardableResult
    public func traceAttempts(with tracer: (any Tracer)? = nil) -> EventObservation {
        let spans = AttemptSpans(tracer: tracer ?? InstrumentationSystem.tracer)
        return observe(limit: 65_536) { await spans.take($0) }
    }
}
