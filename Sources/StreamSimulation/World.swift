import NIOCore
import StreamModel

/// Something promised that did not hold.
struct Violation: Error, Sendable, CustomStringConvertible {
    /// The checker that noticed.
    var checker: String
    /// What was wrong.
    var message: String
    /// The stream, where it is one's.
    var stream: String?
    /// When, in nanoseconds since the begin.
    var at: Int64

    var description: String {
        "\(Fault.seconds(at)) \(checker)\(stream.map { " (\($0))" } ?? ""): \(message)"
    }
}

/// One simulation: a process with its streams, the network, the gateway, the disk, and what goes wrong with each, in one
/// order of time.
///
/// Unchecked: everything of a simulation happens on the thread that runs it.
final class World: @unchecked Sendable {
    let scenario: Scenario
    /// Nanoseconds since the begin.
    private(set) var now: Int64 = 0
    /// What the wall clock is wrong by, in milliseconds.
    var clockError: Int64 = 0
    var random: SeededRandom
    private(set) var violation: Violation?
    private var events = EventQueue<() -> Void>()
    var faults = ActiveFaults()
    private(set) var gateway: VirtualGateway!
    let disk: VirtualDisk
    let cursors = VirtualCursorFile()
    private(set) var trailChecks: TrailChecks!
    var tally = CampaignTally()
    var digest = FNV1a()

    /// The life of the process that is under way; nil between two.
    private(set) var life: ProcessLife?
    private var lives = 0
    /// Those that are over, until they have run down.
    private var gone: [ProcessLife] = []
    /// What the network holds for a process that is asleep.
    private var inbox: [() -> Void] = []
    private var asleepUntil: Int64 = 0
    /// Connections that were given up and of which an answer is still to come, by stream.
    var lateConnections: [Int: VirtualConnection] = [:]
    private var stepsOfInstant = 0
    private(set) var quietSince: Int64?

    /// 2026-11-22T00:00:00Z at the begin.
    private static let epoch: Int64 = 1_795_305_600_000

    init(_ scenario: Scenario) {
        self.scenario = scenario
        random = SeededRandom(seed: scenario.seed, purpose: "world")
        disk = VirtualDisk(seed: scenario.seed)
        gateway = VirtualGateway(self)
        trailChecks = TrailChecks(self)
        disk.world = self
        cursors.world = self
    }

    var wall: WallTime { WallTime(milliseconds: Self.epoch + now / 1_000_000 + clockError) }
    var isAsleep: Bool { now < asleepUntil }

    func fail(_ checker: String, _ message: String, stream: String? = nil) {
        if violation == nil { violation = Violation(checker: checker, message: message, stream: stream, at: now) }
    }

    // MARK: Time

    func at(_ time: Int64, _ body: @escaping () -> Void) {
        events.push(body, at: max(now, time))
    }

    func after(_ delay: Int64, _ body: @escaping () -> Void) {
        events.push(body, at: now + max(0, delay))
    }

    /// Runs to the end, or to the first violation.
    func run() {
        for fault in scenario.faults {
            at(fault.at) { [self] in begin(fault) }
        }
        at(scenario.troubled) { [self] in becomeQuiet() }
        at(scenario.length) {}
        startProcess()
        gateway.begin()
        tick()
        while violation == nil, now < scenario.length, step() {}
        if violation == nil { finish() }
        if let life { end(life) }
        life = nil
        events.removeAll()
        inbox = []
        lateConnections = [:]
        runDown()
        tally.virtualSeconds += Double(now) / 1e9
    }

    /// Does the next thing.
    private func step() -> Bool {
        let outside = events.nextTime
        let inside = life?.nextTime.map { max($0, asleepUntil) }
        guard let next = [outside, inside].compactMap({ $0 }).min() else { return false }
        if next > now {
            if !isAsleep { life?.endInstant(before: next) }
            now = next
            stepsOfInstant = 0
        }
        stepsOfInstant += 1
        if stepsOfInstant > 100_000 { fail("standstill", "time does not pass: something is due again and again") }
        let outsideFirst = scenario.networkFirst || inside != now
        if outside == now, outsideFirst {
            events.pop()?()
        } else {
            _ = life?.runNext()
        }
        life?.endStep()
        runDown()
        tally.steps += 1
        return true
    }

    /// Now and then whoever waits for something that never comes is looked at.
    private func tick() {
        if !isAsleep { life?.lookForStuck() }
        after(60_000_000_000) { [self] in tick() }
    }

    // MARK: The process

    private func startProcess() {
        lives += 1
        do {
            let life = try ProcessLife(self, number: lives)
            self.life = life
            life.start()
        } catch {
            // A disk that does not even open: whoever looks after the process tries again.
            after(5_000_000_000) { [self] in if life == nil { startProcess() } }
        }
    }

    /// Hands something of the network to the process `to`; it waits while that is asleep, and is lost once it is dead.
    func deliver(to life: ProcessLife, on loop: any EventLoop, _ body: @escaping () -> Void) {
        guard life === self.life else { return }
        let hear = { life.hear(on: loop, body) }
        if isAsleep { inbox.append(hear) } else { hear() }
    }

    private func suspend(until end: Int64) {
        guard life != nil, end > asleepUntil else { return }
        asleepUntil = end
        life?.slept(until: end)
        at(end) { [self] in if !isAsleep { wakeUp() } }
    }

    private func wakeUp() {
        // Sockets first, then timers, or the other way round: both happen.
        let waiting = inbox
        inbox = []
        if !scenario.networkFirst { while life?.runNext() == true {} }
        for body in waiting where violation == nil {
            body()
            life?.endStep()
        }
    }

    private func kill(down: Int64, losesPower: Bool) {
        guard let life else { return }
        disk.crash(losesPower: losesPower) { life.tear() }
        life.examineAfterCrash(losesPower: losesPower)
        end(life)
        dropProcess(down: down)
    }

    private func restart(down: Int64) {
        guard let life, !isAsleep else { return }
        life.stop { [unowned self, unowned life] in
            guard self.life === life else { return }
            life.examineAfterStop()
            end(life)
            dropProcess(down: down)
        }
    }

    private func end(_ life: ProcessLife) {
        life.abandon()
        gone.append(life)
    }

    /// Outside of every call of the process.
    private func runDown() {
        while let life = gone.popLast() {
            if let remains = life.runDown() { fail("release", "the process is over, and \(remains)") }
        }
    }

    private func dropProcess(down: Int64) {
        life = nil
        inbox = []
        lateConnections = [:]
        asleepUntil = 0
        gateway.clientDied()
        after(down) { [self] in if life == nil { startProcess() } }
    }

    // MARK: Faults

    private func begin(_ fault: Fault) {
        tally.faults[fault.kind.name, default: 0] += 1
        switch fault.kind {
        case .clockStep(let milliseconds): clockError += milliseconds
        case .suspension: suspend(until: fault.end)
        case .crash(let down, let losesPower): kill(down: down, losesPower: losesPower)
        case .restart(let down): restart(down: down)
        case .reconnectRequest: if !isAsleep { life?.requestReconnect(fault.stream) }
        case .rotatedOutside(let signal): rotate(signalAfter: signal)
        case .loss, .reordering, .duplication, .delay, .partition, .refusedHandshakes, .staleFacts, .staleTimers,
            .channelTrouble, .silentAcknowledgment, .earlyEvents, .tokenEndpoint, .freshTokensRefused, .diskError,
            .shortWrites,
            .cursorsNotSaved:
            faults.begin(fault, seed: scenario.seed)
            at(fault.end) { [self] in faults.end(fault) }
        case .jump, .repeatedBatch, .stragglers, .strayNumber, .renumbering, .halfOpen, .close, .cut, .gatewayRestart,
            .tokensRevoked, .plannedClose, .channelsRemoved:
            var random = SeededRandom(seed: scenario.seed &+ UInt64(fault.id), purpose: "fault")
            gateway.suffer(fault, &random)
        }
    }

    /// Another program rotates the trail, as logrotate does.
    private func rotate(signalAfter delay: Int64?) {
        // A file that is rotated away often enough is gone for good, however little was in it.
        life?.checks.trail.look()
        disk.rotate(ProcessLife.auditPath)
        guard let delay else { return }
        after(delay) { [self] in if !isAsleep { life?.reopenTrail() } }
    }

    // MARK: The end

    private func becomeQuiet() {
        quietSince = now
        life?.callBackEveryone()
        // Services go on closing sockets as planned, and nothing may be lost by that.
        after(600_000_000_000) { [self] in
            for index in scenario.streams.indices { gateway.channels(of: index)?.planClose(notice: 60_000_000_000) }
        }
    }

    private func finish() {
        guard let life else {
            fail("recovery", "the process is not running at the end")
            return
        }
        life.examineAtEnd()
    }
}

/// The faults that last, while they do.
struct ActiveFaults {
    private struct Active {
        let fault: Fault
        var random: SeededRandom
    }

    private var active: [Active] = []

    mutating func begin(_ fault: Fault, seed: UInt64) {
        active.append(Active(fault: fault, random: SeededRandom(seed: seed &+ UInt64(fault.id), purpose: "fault")))
    }

    mutating func end(_ fault: Fault) {
        active.removeAll { $0.fault.id == fault.id }
    }

    /// Hands each fault that concerns `stream` to `body`, with its own random numbers.
    mutating func forEach(of stream: Int?, _ body: (Fault, inout SeededRandom) -> Void) {
        for index in active.indices {
            let fault = active[index].fault
            if let own = fault.stream, let stream, own != stream { continue }
            body(fault, &active[index].random)
        }
    }

    var isEmpty: Bool { active.isEmpty }
}
