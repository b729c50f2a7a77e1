import AuditTrail
import Credentials
import Holdfast
import Logging
import MetricsRegistry
import NIOCore
import StreamMetrics
import StreamModel
import StreamProfiles
import StreamRuntime
import StreamSupervisor

/// One life of the process: the real runtime, trail and metrics between a start and a crash or a stop.
///
/// Unchecked: everything of a simulation happens on the thread that runs it.
final class ProcessLife: @unchecked Sendable {
    unowned let world: World
    let number: Int
    private let loops: VirtualLoopGroup
    let metrics: StreamMetrics
    let trail: AuditTrail
    let cursors: CursorStore?
    let checks: LifeChecks
    private let vault = SecretVault()
    private let origin: Int64
    let bornAt: Int64
    private var runtime: StreamRuntime?
    private var probes: [Probe] = []
    private var trailIsDirty = false
    private var nextTrailWake: Int64 = .max
    private(set) var lastWoke: Int64 = 0
    private(set) var isStopping = false
    /// What is left of it is seen by nobody any more.
    private(set) var isGone = false
    private var readings: Int64 = 0
    private var connections: [Witness] = []

    /// A connection and the stream that made it, to see whether they outlive the process.
    private struct Witness {
        weak var connection: VirtualConnection?
        weak var stream: (any StreamConnectionDelegate)?
    }

    static let auditPath = "/audit.jsonl"

    init(_ world: World, number: Int) throws {
        self.world = world
        self.number = number
        bornAt = world.now
        lastWoke = world.now
        // The monotonic clock of each life begins somewhere else.
        origin = Int64(world.random.logarithmic(1e9, 1e16))
        loops = VirtualLoopGroup(
            loops: world.scenario.loops, origin: origin, longestLag: world.scenario.loopLag, seed: world.random.next())
        metrics = try StreamMetrics(
            version: "0", swift: "0", auditEvents: AuditEventName.allCases.map(\.rawValue))
        var configuration = AuditTrailConfiguration()
        var file = AuditFileConfiguration(path: Self.auditPath)
        file.maximumSize = world.scenario.fileSize
        file.keep = 40
        file.synchronization = .init(rawValue: world.scenario.synchronization.rawValue) ?? .interval
        configuration.file = file
        configuration.recentLines = 1
        configuration.queuedLines = world.random.pick([8, 100, 65_536])
        configuration.redact = AuditTrail.redaction { [vault] in vault.all }
        let quiet = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        let hooks = try Exporter.trailHooks(metrics: metrics, logger: quiet)
        let loops = loops
        trail = try AuditTrail(
            configuration, hooks: hooks, files: world.disk,
            clock: { Instant(nanoseconds: loops.nanoseconds) })
        cursors = world.scenario.keepsCursors ? try CursorStore(file: world.cursors) : nil
        checks = LifeChecks(world)
        checks.life = self
        loops.obeysCancelledTimers = { [unowned world] in
            var obeys = false
            world.faults.forEach(of: nil) { fault, random in
                if case .staleTimers = fault.kind { obeys = random.chance(0.5) || obeys }
            }
            if obeys { world.tally.faults["stale timer fired", default: 0] += 1 }
            return obeys
        }
    }

    func start() {
        world.tally.lives += 1
        checks.trail.begin(firstLine: trail.lastLine + 1)
        _ = trail.follow(newest: 0) { [unowned self] line in
            checks.made(line)
            trailIsDirty = true
        }
        let quiet = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        var options = StreamRuntime.Options()
        options.budget = ConnectBudget.Limits(
            rate: world.scenario.budgetRate, burst: world.scenario.budgetBurst,
            concurrent: world.scenario.budgetConcurrent)
        options.network = VirtualNetwork(self, world)
        options.wall = WallClock { [unowned world] in world.wall }
        options.cursors = cursors
        options.seed = world.random.next()
        options.offload = { [unowned self] work in if !isGone { work() } }
        // Work that takes time, so that what concerns many streams is done bit by bit as in a real process.
        options.stopwatch = { [unowned self] in
            readings += 1
            return Instant(nanoseconds: loops.nanoseconds + readings * 700_000)
        }
        options.tokenObtained = { [unowned self] token in
            if isGone { return }
            vault.add(token: token)
            checks.obtained(token)
        }
        let stations = Exporter.listeners(metrics: metrics, trail: trail, vault: vault, wall: options.wall)
        let listeners = StreamRuntime.ListenerSource(
            added: { [unowned self] identity, specification in
                let index = Int(identity.name.dropFirst()) ?? 0
                let station = try stations.added(identity, specification)
                let probe = Probe(index, self, specification.policy, station)
                probes.append(probe)
                return probe
            },
            removed: { [unowned self] identity in
                if isGone { return }
                // The last moment at which a scrape shows it.
                checks.compareMetrics()
                probes.first { $0.name == identity.name }?.isRemoved = true
                stations.removed(identity)
            })
        let runtime = StreamRuntime(options: options, group: loops, listeners: listeners, logger: quiet)
        self.runtime = runtime
        runtime.apply(plan())
    }

    func probe(of stream: Int) -> Probe? { probes.first { $0.index == stream } }
    var allProbes: [Probe] { probes }

    // MARK: The plan

    private func plan() -> RuntimePlan {
        let oauth = OAuthConfiguration(
            tokenURL: "https://login.test/oauth/token", clientID: "id", clientSecret: Secret("a-client-secret"))
        let streams = world.scenario.streams.enumerated().compactMap { Self.specification($0.offset, $0.element) }
        return RuntimePlan(streams: streams, credentials: ["c": .oauth(oauth)])
    }

    private static func specification(_ index: Int, _ plan: Scenario.StreamPlan) -> StreamSpecification? {
        guard let profile = ProfileCatalogue.builtIn.profile(named: plan.service.rawValue) else { return nil }
        var policy = profile.policy()
        policy.reorderWindow = .nanoseconds(plan.reorderWindow)
        policy.silenceTimeout = .nanoseconds(plan.silenceTimeout)
        policy.rearmAfter = .nanoseconds(plan.rearmAfter)
        policy.onExhausted = .park
        policy.backoff.maxAttempts = plan.maxAttempts
        policy.backoff.resetAfter = .nanoseconds(plan.resetAfter)
        policy.heartbeat.interval = .nanoseconds(plan.heartbeatInterval)
        policy.heartbeat.timeout = .nanoseconds(plan.heartbeatTimeout)
        if plan.service == .notifications {
            policy.rolloverAfter = .nanoseconds(plan.rolloverAfter)
            if plan.pings { policy.heartbeat.kind = .ping }
        }
        policy.backoff.jitter =
            switch plan.jitter {
            case .additive: .additive(ratio: 0.4)
            case .full: .full
            case .equal: .equal
            case .decorrelated: .decorrelated
            case .none: .none
            }
        var variables: [String: VariableValue] = [:]
        switch plan.service {
        case .architect:
            variables["environment"] = .string("test")
            variables["subscriptions"] = .strings(["queueEvents"])
            variables["state_directive"] = .string("preserve")
        case .notify: variables["subscriptions"] = .strings(["/api/v2/conversations"])
        case .notifications:
            variables["environment"] = .string("test")
            variables["api_url"] = .string("https://\(plan.service.rawValue).test/s\(index)")
            variables["subscriptions"] = .strings(["v2.users.a.presence"])
        }
        // The service of channels gives its own address.
        let url = plan.service == .notifications ? nil : "wss://\(plan.service.rawValue).test/s\(index)"
        return StreamSpecification(
            name: "s\(index)", profile: profile, policy: policy, url: url, credential: "c", variables: variables,
            clientID: "client-s\(index)")
    }

    // MARK: Time

    /// When the process has something to do next; nil where it waits for others.
    var nextTime: Int64? {
        loops.nextTime.map { $0 - origin + bornAt }
    }

    private func setClock() {
        loops.advance(to: world.now - bornAt + origin)
    }

    /// Runs the first thing that is due; tells whether there was one.
    func runNext() -> Bool {
        setClock()
        return loops.runNext()
    }

    /// Hears what the network tells, on the event loop that it concerns.
    func hear(on loop: any EventLoop, _ body: () -> Void) {
        setClock()
        loops.enter(loop, body)
    }

    func slept(until end: Int64) { lastWoke = end }

    /// After each thing that happened.
    func endStep() {
        for probe in probes { probe.endStep() }
        if trailIsDirty {
            trailIsDirty = false
            if world.scenario.diskDelay == 0 {
                passTrailTime()
            } else {
                world.after(world.scenario.diskDelay) { [weak self] in self?.passTrailTime() }
            }
        }
    }

    private func passTrailTime() {
        guard world.life === self, !world.isAsleep else { return }
        setClock()
        if let wake = trail.passTime() {
            let time = max(world.now + 1, wake.nanoseconds - origin + bornAt)
            // One wake at a time is enough: it asks for the next.
            if time < nextTrailWake || nextTrailWake <= world.now {
                nextTrailWake = time
                world.at(time) { [weak self] in self?.passTrailTime() }
            }
        }
        checks.trail.lookNowAndThen()
    }

    /// Does what the signal of a log rotator asks for.
    func reopenTrail() {
        trail.reopen()
        trailIsDirty = true
        passTrailTime()
    }

    /// Before time moves on.
    func endInstant(before next: Int64) {
        for probe in probes { probe.endInstant() }
    }

    // MARK: What people do

    func requestReconnect(_ stream: Int?) {
        for index in world.scenario.streams.indices where stream == nil || stream == index {
            setClock()
            if runtime?.reconnect("s\(index)") == true { probe(of: index)?.personAsked() }
        }
    }

    /// A person looks after the streams that gave up or were told to end.
    func callBackEveryone() {
        for probe in probes where probe.isParked { requestReconnect(probe.index) }
    }

    func lookForStuck() {
        for probe in probes where world.violation == nil { probe.lookForStuck() }
        if world.quietSince == nil, !isStopping {
            for probe in probes where probe.isParked && world.random.chance(0.1) { requestReconnect(probe.index) }
        }
        // An attempt that was under way when the last fault ended may still fail, and be one too many.
        if let quiet = world.quietSince, world.now - quiet < 180_000_000_000, !isStopping { callBackEveryone() }
    }

    // MARK: The end

    /// Stops as the program does when it is asked to; `done` once it is over.
    func stop(_ done: @escaping () -> Void) {
        guard !isStopping, let runtime else { return }
        isStopping = true
        setClock()
        // Unsafe, and sound: a simulation runs on one thread.
        nonisolated(unsafe) let done = done
        runtime.stopping(within: .seconds(3)).whenComplete { [unowned self] _ in
            if isGone { return }
            runtime.saveCursors()
            done()
        }
    }

    /// The disk gets a last, partial write.
    func tear() {
        setClock()
        _ = trail.passTime()
    }

    /// The process is gone. What is left of it still has to run down.
    func abandon() {
        isGone = true
        for probe in probes { probe.end() }
    }

    /// Lets the runtime of a process that is gone come to its end, by its own rules and seen by nobody: promises are kept
    /// and cycles broken that a kill leaves as they are. Tells what of it stays; nil: nothing.
    func runDown() -> String? {
        loops.obeysCancelledTimers = { false }
        _ = runtime?.stopping(within: .seconds(3))
        guard loops.runDown() else {
            loops.kill(runtime)
            return "something is due on its event loops for ever"
        }
        loops.kill(nil)
        weak let witness = runtime
        runtime = nil
        for connection in connections { connection.connection?.sever() }
        if witness != nil { return "its runtime is still held" }
        return connections.contains { $0.stream != nil } ? "one of its streams is still held" : nil
    }

    func made(_ connection: VirtualConnection, for stream: any StreamConnectionDelegate) {
        connections.append(Witness(connection: connection, stream: stream))
        guard connections.count > 1_000 else { return }
        connections.removeAll { $0.stream == nil && $0.connection == nil }
    }

    func examineAfterCrash(losesPower: Bool) {
        checks.compareMetrics()
        checks.trail.examineAfterCrash(losesPower: losesPower)
    }

    func examineAfterStop() {
        setClock()
        let isWritten = trail.close(within: .seconds(1))
        checks.compareMetrics()
        checks.trail.examineAfterStop(isWritten: isWritten)
    }

    func examineAtEnd() {
        setClock()
        for probe in probes { probe.examineAtEnd() }
        if probes.count != world.scenario.streams.count { world.fail("recovery", "not every stream was started") }
        let isWritten = trail.flush(within: .seconds(1), at: world.wall)
        checks.compareMetrics()
        checks.trail.examineAfterStop(isWritten: isWritten)
    }

    /// The metrics as a scrape has them now.
    func scrape() -> String {
        setClock()
        let buffer = ExpositionBuffer()
        metrics.registry.encode(.text, now: loops.nanoseconds, into: buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }
}
