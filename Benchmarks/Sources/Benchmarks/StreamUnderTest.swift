import Logging
import NIOPosix
import StreamModel
import StreamProfiles
import StreamRuntime

/// One stream with everything that is below its listener in production: transport, codec, matcher and machine.
struct StreamUnderTest {
    private let runtime: StreamRuntime

    /// Connects to the sender at `port`; `listener` hears it, on one event loop.
    init(port: Int, isNotification: Bool, listener: any StreamListener) {
        let name = isNotification ? "genesys-notifications" : "genesys-architect"
        guard var profile = ProfileCatalogue.builtIn.profile(named: name) else { fail("there is no profile \(name)") }
        profile.prepare = []
        var settings = StreamSettings()
        settings.heartbeatInterval = .zero
        let stream = StreamSpecification(
            name: "benchmark", profile: profile, policy: profile.policy(settings), url: "ws://127.0.0.1:\(port)/",
            variables: ["subscriptions": .strings(["queueEvents"])])
        var logger = Logger(label: "benchmark")
        logger.logLevel = .critical
        runtime = StreamRuntime(
            options: StreamRuntime.Options(), group: MultiThreadedEventLoopGroup(numberOfThreads: 1),
            listeners: StreamRuntime.ListenerSource(added: { _, _ in listener }, removed: { _ in }), logger: logger)
        runtime.apply(RuntimePlan(streams: [stream]))
    }
}

/// Hears everything and does nothing.
struct DeafListener: StreamListener {
    func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime) {}
    func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime) {}
    func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?) {}
    func streamMoved(received: UInt64, sent: UInt64) {}
    func streamWaitedForBudget(_ duration: Duration) {}
}
