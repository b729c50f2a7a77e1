import Credentials
import Logging
import NIOCore
import NIOEmbedded
import StreamModel
import StreamProfiles
import StreamSupervisor
import Testing

@testable import StreamRuntime

/// What a listener heard of one life of a stream.
///
/// Unchecked: a test and its embedded loop run on one thread.
final class Hearing: StreamListener, @unchecked Sendable {
    var events: [StreamEvent] = []
    var credentialEvents: [CredentialEvent] = []
    var tallies: [StreamTallies] = []
    var moved: (received: UInt64, sent: UInt64) = (0, 0)
    var budgetWaits: [Duration] = []
    var messages: [String] = []
    var wantsMessages = false
    var lastMessageAt: WallTime?

    func streamDid(_ event: StreamEvent, at instant: Instant, wall: WallTime) { events.append(event) }
    func credentialDid(_ event: CredentialEvent, credential: String, wall: WallTime) { credentialEvents.append(event) }
    func streamCounted(_ tallies: StreamTallies, lastMessageAt: WallTime?) {
        self.tallies.append(tallies)
        self.lastMessageAt = lastMessageAt
    }
    func streamMoved(received: UInt64, sent: UInt64) {
        moved.received += received
        moved.sent += sent
    }
    func streamWaitedForBudget(_ duration: Duration) { budgetWaits.append(duration) }
    func streamReceived(_ facts: MessageFacts, payload: UnsafeRawBufferPointer) {
        messages.append(String(decoding: payload, as: UTF8.self))
    }

    /// The states that were told, in order.
    var states: [StreamState] {
        events.compactMap { if case .stateChanged(let state) = $0 { state } else { nil } }
    }
    var state: StreamState? { states.last }
    var failures: [AttemptFailure] {
        events.compactMap { if case .attemptFailed(_, _, let failure) = $0 { failure } else { nil } }
    }
    var losses: [StreamEvent.ConnectionLoss] {
        events.compactMap { if case .connectionLost(let loss) = $0 { loss } else { nil } }
    }
    var delays: [Duration] {
        events.compactMap { if case .backoffScheduled(let delay, _, _) = $0 { delay } else { nil } }
    }
    var tally: StreamTallies { tallies.last ?? StreamTallies() }
}

/// A runtime on an embedded loop: time passes when the test says so.
///
/// Unchecked: a test and its embedded loop run on one thread.
final class Bench: @unchecked Sendable {
    let loop = EmbeddedEventLoop()
    let network = FakeNetwork()
    /// What was heard, by the stream's name; one for each of its lives.
    var hearings: [String: [Hearing]] = [:]
    var removed: [String] = []
    var ended: [String] = []
    var tokens: [String] = []
    var wantsMessages = false
    var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private var held: StreamRuntime?

    /// 2026-11-22T00:00:00Z when the loop's clock shows 0.
    static let epoch: Int64 = 1_795_305_600_000

    var runtime: StreamRuntime {
        if let held { return held }
        let runtime = makeRuntime()
        held = runtime
        return runtime
    }
    var options = StreamRuntime.Options()

    /// Lets go of the runtime.
    func forget() { held = nil }

    init() {
        options.network = network
        options.seed = 1
        options.wall = WallClock { [loop] in
            WallTime(milliseconds: Bench.epoch + Int64(loop.now.uptimeNanoseconds / 1_000_000))
        }
        options.tokenObtained = { [weak self] in self?.tokens.append($0) }
    }

    private func makeRuntime() -> StreamRuntime {
        let listeners = StreamRuntime.ListenerSource(
            added: { [self] identity, _ in
                if identity.name == "unlistened" { throw Unlistened() }
                let hearing = Hearing()
                hearing.wantsMessages = wantsMessages
                hearings[identity.name, default: []].append(hearing)
                return hearing
            }, removed: { [self] in removed.append($0.name) })
        return StreamRuntime(
            options: options, group: loop, listeners: listeners,
            logger: logger,
            ended: { [self] in ended.append($0) })
    }

    struct Unlistened: Error {}

    /// Applies a plan and runs what follows at once.
    @discardableResult
    func apply(_ streams: StreamSpecification..., credentials: [String: CredentialSpecification] = Bench.oauth)
        -> PlanChanges
    {
        let changes = runtime.apply(RuntimePlan(streams: streams, credentials: credentials))
        loop.run()
        return changes
    }

    /// Runs what is due now.
    func run() { loop.run() }

    func advance(_ duration: Duration) {
        loop.advanceTime(by: .nanoseconds(duration.nanoseconds))
    }

    /// What the newest life of `stream` heard.
    func hearing(_ stream: String = "s") throws -> Hearing {
        try #require(hearings[stream]?.last)
    }

    /// The newest connection.
    func connection() throws -> FakeConnection {
        try #require(network.newest)
    }

    /// Answers the oldest open request for a token.
    func grant(_ token: String, lifetime: Int = 3600) throws {
        try #require(network.requests.last).grant(token, lifetime: lifetime)
        loop.run()
    }

    // MARK: Plans

    static let oauth: [String: CredentialSpecification] = [
        "c": .oauth(
            OAuthConfiguration(tokenURL: "https://login.test/oauth/token", clientID: "id", clientSecret: Secret("x")))
    ]

    /// A stream of the built-in profile of Architect: tokens, an acknowledgment, numbers, resuming.
    static func stream(
        _ name: String = "s", profile: String = "genesys-architect", credential: String? = "c",
        _ change: (inout StreamPolicy) -> Void = { _ in }
    ) throws -> StreamSpecification {
        let profile = try #require(ProfileCatalogue.builtIn.profile(named: profile))
        var policy = profile.policy()
        policy.backoff.jitter = .none
        change(&policy)
        var variables: [String: VariableValue] = ["environment": .string("test")]
        switch profile.name {
        case "genesys-architect":
            variables["subscriptions"] = .strings(["queueEvents"])
            variables["state_directive"] = .string("preserve")
        case "genesys-notify":
            variables["subscriptions"] = .strings(["/api/v2/conversations"])
        case "genesys-notifications":
            variables["subscriptions"] = .strings(["v2.a"])
            variables["api_url"] = .string("https://api.test")
        default: break
        }
        return StreamSpecification(
            name: name, profile: profile, policy: policy,
            url: profile.name == "genesys-architect" ? "ws://g.test/" : nil,
            credential: credential, variables: variables)
    }

    /// Brings the one stream of the plan to life; its token is `t1`.
    func live(_ change: (inout StreamPolicy) -> Void = { _ in }) throws -> (FakeConnection, Hearing) {
        apply(try Bench.stream("s", change))
        try grant("t1")
        let connection = try connection()
        connection.open()
        connection.receive(#"{"type":"subscriptionAck"}"#)
        let hearing = try hearing()
        try #require(hearing.state == .live)
        return (connection, hearing)
    }
}

/// A message of Architect with this number.
func numbered(_ number: Int) -> String {
    #"{"type":"queueEvent","sequence":\#(number)}"#
}
