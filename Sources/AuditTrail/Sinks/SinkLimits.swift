package import StreamModel

/// What keeps a ``SinkWriter`` going.
package enum SinkPace: Sendable {
    /// A thread of its own, by the system's clock.
    case thread
    /// Whoever uses the trail, by this clock: nothing happens but within a call. For simulations, whose time is their own.
    case caller(clock: @Sendable () -> Instant)
}

extension SinkWriter {
    /// What the writer is bounded by, and when it acts of its own accord.
    struct Limits: Sendable {
        var lines: Int
        var bytes: Int
        /// How long after a failure the next try comes by itself.
        var retryAfter = Duration.seconds(1)
        /// How long whoever appends waits for a line to be tried. A disk that hangs for longer is not waited for again
        /// until it has moved.
        var patience = Duration.seconds(1)
        /// How long written lines may go without being forced to the disk.
        var synchronizeAfter = Duration.seconds(1)
        /// How long lines that nobody waits for gather before they are written together: a wake of the thread for each
        /// of them costs whoever appends more than all the rest.
        var gatherFor = Duration.milliseconds(1)
        /// Where the last trip to the disk took no longer than this, the next is waited for for as long without
        /// sleeping, and so are the lines for it: two wakes would cost a good part of what it takes itself.
        var spinFor = Duration.microseconds(500)
    }
}
