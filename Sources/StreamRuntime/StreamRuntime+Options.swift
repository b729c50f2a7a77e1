import NIOCore
import NIOPosix
public import StreamModel
public import StreamSupervisor

extension StreamRuntime {
    /// How a runtime works.
    public struct Options: Sendable {
        /// Handshakes allowed for each host and credential.
        public var budget = ConnectBudget.Limits()
        /// What opens connections.
        public var network: any StreamConnecting = NetworkConnecting()
        /// The wall clock.
        public var wall = WallClock.system
        /// Where cursors are kept; nil: nowhere, a restart begins anew.
        public var cursors: CursorStore?
        /// The process's environment, for tokens.
        public var environment: [String: String] = [:]
        /// Called with every token that was obtained, so that it can be kept out of logs.
        public var tokenObtained: @Sendable (String) -> Void = { _ in }
        /// How much later than due the timers of live streams may run, so that one wake-up serves many of them; zero:
        /// each at its own time. For thousands of streams with heartbeats the wake-ups are most of what being idle costs.
        public var timerSlack = Duration.zero
        /// Seeds all jitter; nil: a random seed.
        public var seed: UInt64?
        /// What is read to know how long an event loop has worked on one thing; nil: the loop's own clock.
        package var stopwatch: (@Sendable () -> Instant)?
        /// Saves cursors off the event loops, where a slow disk holds up nothing. A simulation does it in its own time.
        package var offload: @Sendable (@escaping @Sendable () -> Void) -> Void = { work in
            NIOThreadPool.singleton.submit { _ in work() }
        }

        /// The real network and clock, no cursors.
        public init() {}
    }

    /// Makes the listener of a stream, when the stream is about to start. The second closure is called once the stream
    /// is over and nothing more will be said of it.
    public struct ListenerSource: Sendable {
        package let added: @Sendable (StreamIdentity, StreamSpecification) throws -> any StreamListener
        package let removed: @Sendable (StreamIdentity) -> Void

        /// Listeners made by `added`, and let go by `removed`.
        public init(
            added: @escaping @Sendable (StreamIdentity, StreamSpecification) throws -> any StreamListener,
            removed: @escaping @Sendable (StreamIdentity) -> Void
        ) {
            self.added = added
            self.removed = removed
        }
    }
}
